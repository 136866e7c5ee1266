"""The requests of the API from plain arguments, for the sync and the asyncio client alike."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from google.protobuf import field_mask_pb2

from relatum import messages
from relatum.pairs import Side, Text
from relatum.types import Event, OfferUpdate, Product
from relatum.v1 import (
    association_service_pb2,
    catalog_service_pb2,
    embedding_service_pb2,
    event_pb2,
    product_pb2,
    recommendation_service_pb2,
    search_service_pb2,
)

MAX_ITEMS = 256
# Half of what the server takes, so that one long product more never breaks the limit.
MAX_STREAM_MESSAGE_BYTES = 4 * 1024 * 1024

ProductLike = Product | product_pb2.Product
OfferLike = OfferUpdate | catalog_service_pb2.OfferUpdate
EventLike = Event | event_pb2.Event
Message = TypeVar("Message", product_pb2.Product, event_pb2.Event)


def mask(paths: Sequence[str]) -> field_mask_pb2.FieldMask | None:
    """A field mask; None when there are no paths."""
    return field_mask_pb2.FieldMask(paths=paths) if paths else None


def request_id(given: str) -> str:
    """The caller's request id, or a new one: a retried write must not happen twice."""
    return given or uuid.uuid4().hex


def product(value: ProductLike) -> product_pb2.Product:
    """A product message from either form."""
    return messages.product_message(value) if isinstance(value, Product) else value


def event(value: EventLike) -> event_pb2.Event:
    """An event message from either form."""
    return messages.event_message(value) if isinstance(value, Event) else value


def identified(value: EventLike) -> event_pb2.Event:
    """An event message that has an id, so that a retried stream does not count it twice."""
    message = event(value)
    if not message.id:
        copy = event_pb2.Event()
        copy.CopyFrom(message)
        copy.id = uuid.uuid4().hex
        return copy
    return message


def related(
    *,
    product_id: str,
    text: str,
    positive: Sequence[str],
    negative: Sequence[str],
    batch: Sequence[str],
    relation: str,
    filter: str,  # noqa: A002 - the API's name
    page_size: int,
    page_token: str,
    read_mask: Sequence[str],
    min_revision: int,
    all_variants: bool,
) -> association_service_pb2.ListRelatedRequest:
    """A ListRelated request.

    Raises:
        ValueError: Not exactly one anchor is given, or the relation is unknown.
    """
    if sum(map(bool, (product_id, text, positive or negative, batch))) != 1:
        raise ValueError("give exactly one of product_id, text, positive (with negative) and batch")
    request = association_service_pb2.ListRelatedRequest(
        relation=messages.enum_value(association_service_pb2.Relation, "RELATION", relation),
        filter=filter,
        page_size=page_size,
        page_token=page_token,
        read_mask=mask(read_mask),
        min_revision=min_revision,
        all_variants=all_variants,
    )
    if product_id:
        request.product_id = product_id
    elif text:
        request.text = text
    elif batch:
        request.batch.product_ids.extend(batch)
    else:
        request.examples.positive_product_ids.extend(positive)
        request.examples.negative_product_ids.extend(negative)
    return request


def score(
    asked: Iterable[tuple[Side, Side]], min_revision: int
) -> association_service_pb2.ScoreAssociationsRequest:
    """A ScoreAssociations request; a side is a product's id or a `Text`."""
    return association_service_pb2.ScoreAssociationsRequest(
        pairs=[
            association_service_pb2.ProductPair(a=_side(first), b=_side(second))
            for first, second in asked
        ],
        min_revision=min_revision,
    )


def _side(side: Side) -> association_service_pb2.PairSide:
    if isinstance(side, Text):
        return association_service_pb2.PairSide(text=side.text)
    return association_service_pb2.PairSide(product_id=side)


def search(
    *,
    query: str,
    filter: str,  # noqa: A002 - the API's name
    page_size: int,
    page_token: str,
    facets: Sequence[str],
    candidate_ids: Sequence[str],
    disable_lexical: bool,
    disable_semantic: bool,
    user_id: str,
    read_mask: Sequence[str],
    min_revision: int,
    all_variants: bool,
    disable_spelling_correction: bool,
    disable_reranking: bool,
) -> search_service_pb2.SearchRequest:
    """A Search request."""
    return search_service_pb2.SearchRequest(
        query=query,
        filter=filter,
        page_size=page_size,
        page_token=page_token,
        facets=facets,
        candidate_ids=candidate_ids,
        disable_lexical=disable_lexical,
        disable_semantic=disable_semantic,
        user_id=user_id,
        read_mask=mask(read_mask),
        min_revision=min_revision,
        all_variants=all_variants,
        disable_spelling_correction=disable_spelling_correction,
        disable_reranking=disable_reranking,
    )


def recommend(
    *,
    user_id: str,
    kind: str,
    session_events: Iterable[EventLike],
    filter: str,  # noqa: A002 - the API's name
    page_size: int,
    page_token: str,
    candidate_ids: Sequence[str],
    exclude_purchased: bool,
    read_mask: Sequence[str],
    min_revision: int,
    all_variants: bool,
) -> recommendation_service_pb2.RecommendRequest:
    """A Recommend request.

    Raises:
        ValueError: The kind, or the type of an event, is unknown.
    """
    return recommendation_service_pb2.RecommendRequest(
        user_id=user_id,
        kind=messages.enum_value(
            recommendation_service_pb2.RecommendationKind, "RECOMMENDATION_KIND", kind
        ),
        session_events=[event(value) for value in session_events],
        filter=filter,
        page_size=page_size,
        page_token=page_token,
        candidate_ids=candidate_ids,
        exclude_purchased=exclude_purchased,
        read_mask=mask(read_mask),
        min_revision=min_revision,
        all_variants=all_variants,
    )


def embed(
    texts: Sequence[str], kind: str, dimension: int, packed: bool
) -> embedding_service_pb2.EmbedTextsRequest:
    """An EmbedTexts request.

    Raises:
        ValueError: The kind is unknown.
    """
    return embedding_service_pb2.EmbedTextsRequest(
        texts=texts,
        kind=messages.enum_value(embedding_service_pb2.TextKind, "TEXT_KIND", kind),
        dimension=dimension,
        format=embedding_service_pb2.VECTOR_FORMAT_PACKED_F16
        if packed
        else embedding_service_pb2.VECTOR_FORMAT_FLOAT,
    )


def upsert(
    products: Iterable[ProductLike], update_mask: Sequence[str], given_request_id: str
) -> catalog_service_pb2.UpsertProductsRequest:
    """An UpsertProducts request."""
    return catalog_service_pb2.UpsertProductsRequest(
        products=[product(value) for value in products],
        update_mask=mask(update_mask),
        request_id=request_id(given_request_id),
    )


def update_offers(
    updates: Iterable[OfferLike], given_request_id: str
) -> catalog_service_pb2.UpdateOffersRequest:
    """An UpdateOffers request."""
    return catalog_service_pb2.UpdateOffersRequest(
        updates=[
            update
            if isinstance(update, catalog_service_pb2.OfferUpdate)
            else messages.offer_message(update)
            for update in updates
        ],
        request_id=request_id(given_request_id),
    )


def import_products(
    products: Iterable[ProductLike], *, full: bool, force_delete: bool, given_request_id: str
) -> Iterator[catalog_service_pb2.ImportProductsRequest]:
    """The messages of an ImportProducts stream; the options come first, alone."""
    yield catalog_service_pb2.ImportProductsRequest(
        options=catalog_service_pb2.ImportProductsOptions(
            mode=catalog_service_pb2.IMPORT_MODE_FULL
            if full
            else catalog_service_pb2.IMPORT_MODE_INCREMENTAL,
            force_delete=force_delete,
            request_id=request_id(given_request_id),
        )
    )
    for batch in batches(map(product, products)):
        yield catalog_service_pb2.ImportProductsRequest(products=batch)


def import_events(
    events: Iterable[EventLike],
) -> Iterator[recommendation_service_pb2.ImportEventsRequest]:
    """The messages of an ImportEvents stream."""
    for batch in batches(map(identified, events)):
        yield recommendation_service_pb2.ImportEventsRequest(events=batch)


def batches(stream: Iterable[Message]) -> Iterator[list[Message]]:
    """Cut a stream into lists of at most MAX_ITEMS and about MAX_STREAM_MESSAGE_BYTES."""
    batch: list[Message] = []
    size = 0
    for message in stream:
        bytes_of_message = message.ByteSize()
        if batch and size + bytes_of_message > MAX_STREAM_MESSAGE_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += bytes_of_message
        if len(batch) == MAX_ITEMS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
