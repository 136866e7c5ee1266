"""Requests as a caller in any language may send them, right or wrong, past the client's checks."""

from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.type import money_pb2

from relatum.v1 import (
    association_service_pb2,
    catalog_service_pb2,
    embedding_service_pb2,
    event_pb2,
    product_pb2,
    recommendation_service_pb2,
    search_service_pb2,
    server_info_service_pb2,
)

MIB = 1024 * 1024
MODULES = (
    association_service_pb2,
    catalog_service_pb2,
    embedding_service_pb2,
    recommendation_service_pb2,
    search_service_pb2,
    server_info_service_pb2,
)
METHODS = {
    method.name: method
    for module in MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


def send(
    channel: grpc.Channel, method: str, request: Message | bytes, *, timeout_s: float = 20.0
) -> Any:
    """Call a method with a message or with raw bytes."""
    about = METHODS[method]
    raw = request if isinstance(request, bytes) else request.SerializeToString()
    call = channel.unary_unary(
        f"/{about.containing_service.full_name}/{method}",
        request_serializer=bytes,
        response_deserializer=GetMessageClass(about.output_type).FromString,
    )
    return call(raw, timeout=timeout_s)


def still_answers(channel: grpc.Channel) -> bool:
    reply = send(channel, "Search", search("red mouse", page_size=1))
    return [result.product_id for result in reply.results] == ["mouse-red"]


def search(query: str = "mouse", **fields: Any) -> Message:
    return search_service_pb2.SearchRequest(query=query, **fields)


def related(**fields: Any) -> Message:
    return association_service_pb2.ListRelatedRequest(**fields)


def embed(*texts: str, **fields: Any) -> Message:
    return embedding_service_pb2.EmbedTextsRequest(texts=texts, **fields)


def pairs(*sides: tuple[dict[str, str], dict[str, str]], **fields: Any) -> Message:
    request = association_service_pb2.ScoreAssociationsRequest(**fields)
    for sides_of_pair in sides:
        a, b = (association_service_pb2.PairSide(**side) for side in sides_of_pair)
        request.pairs.add(a=a, b=b)
    return request


def recommend(**fields: Any) -> Message:
    return recommendation_service_pb2.RecommendRequest(**fields)


def upsert(*products: product_pb2.Product, **fields: Any) -> Message:
    return catalog_service_pb2.UpsertProductsRequest(products=products, **fields)


def product(**fields: Any) -> product_pb2.Product:
    return product_pb2.Product(**{"id": "p", "title": "cup", **fields})


def events(*given: event_pb2.Event) -> Message:
    return recommendation_service_pb2.WriteEventsRequest(events=given)


def event(**fields: Any) -> event_pb2.Event:
    return event_pb2.Event(**{"type": "EVENT_TYPE_VIEW", "user_id": "u", **fields})


def price(**fields: Any) -> product_pb2.Product:
    return product(price=money_pb2.Money(**{"currency_code": "USD", "units": 1, **fields}))


def number(value: float) -> product_pb2.Product:
    return product(attributes={"size": product_pb2.Attribute(numbers=[value])})


def rating(average: float, count: int = 1) -> product_pb2.Product:
    return product(rating=product_pb2.Rating(average=average, count=count))


def vector(encoder_id: str, raw: bytes = b"\0<" * 384, space: str = "text") -> product_pb2.Product:
    return product(vectors=[product_pb2.Vector(space=space, packed_f16=raw, encoder_id=encoder_id)])


def batch(*ids: str, **fields: Any) -> Message:
    return related(batch=association_service_pb2.ProductBatch(product_ids=ids), **fields)


def examples(positive: list[str], negative: list[str]) -> Message:
    chosen = association_service_pb2.ExampleSet(
        positive_product_ids=positive, negative_product_ids=negative
    )
    return related(examples=chosen)


def offers(*given: dict[str, Any]) -> Message:
    return catalog_service_pb2.UpdateOffersRequest(
        updates=[catalog_service_pb2.OfferUpdate(**fields) for fields in given]
    )


def offer(**fields: Any) -> dict[str, Any]:
    return {"product_id": "pen-red", "availability": 1, **fields}


def get(product_id: str, **fields: Any) -> Message:
    return catalog_service_pb2.GetProductRequest(product_id=product_id, **fields)


def many(count: int) -> list[str]:
    return [f"id-{n}" for n in range(count)]
