"""All code that turns messages into domain objects and back."""

import datetime as dt
from collections.abc import Iterable, Sequence

from google.protobuf import field_mask_pb2, timestamp_pb2
from google.rpc import status_pb2
from google.type import money_pb2

from relatum.v1 import catalog_service_pb2, event_pb2, product_pb2, result_pb2
from relatum_server.domain import (
    Attribute,
    Availability,
    Event,
    EventType,
    Evidence,
    Facet,
    GivenVector,
    ItemFailure,
    Money,
    OfferUpdate,
    Product,
    ProductQuantity,
    ProductWrite,
    Rating,
    Result,
)
from relatum_server.errors import InvalidArgumentError
from relatum_server.rpc import errors

PRODUCT_FIELDS = frozenset(
    name for name in product_pb2.Product.DESCRIPTOR.fields_by_name if name != "vectors"
)
WRITABLE_FIELDS = (PRODUCT_FIELDS | {"vectors"}) - {"id", "update_time", "etag"}
_MIN_S = int(dt.datetime(1900, 1, 1, tzinfo=dt.UTC).timestamp())
_MAX_S = int(dt.datetime(9999, 12, 31, tzinfo=dt.UTC).timestamp())


def mask_paths(
    mask: field_mask_pb2.FieldMask, field: str, *, writable: bool = False
) -> tuple[str, ...]:
    """The paths of a mask over Product; only its own fields, not what is inside them.

    Raises:
        InvalidArgumentError: an unknown path, named.
    """
    known = WRITABLE_FIELDS if writable else PRODUCT_FIELDS
    if "*" in mask.paths and not writable:
        return tuple(sorted(known))
    for path in mask.paths:
        if path not in known:
            raise InvalidArgumentError(
                field,
                f"unknown path {path[:100]!r}; known are {', '.join(sorted(known))}",
                reason="UNKNOWN_PATH",
            )
    return tuple(dict.fromkeys(mask.paths))


def offer_update(message: catalog_service_pb2.OfferUpdate, field: str) -> OfferUpdate:
    """What was observed of an offer; what it may hold is the service's to say."""
    time_us = 0
    if message.HasField("observe_time"):
        if not _is_time(message.observe_time):
            raise InvalidArgumentError(
                f"{field}.observe_time", "not a time between 1900 and 9999", reason="INVALID_TIME"
            )
        # 0 stands for "no time" in the domain: the epoch itself is moved by a microsecond.
        time_us = microseconds(message.observe_time) or 1
    return OfferUpdate(
        message.product_id,
        _price(message),
        _availability(message, field) if message.HasField("availability") else None,
        _rating(message),
        time_us,
    )


def product_write(message: product_pb2.Product, field: str) -> ProductWrite:
    """A product as the caller sent it; what it may hold is the service's to say."""
    product = Product(
        id=message.id,
        title=message.title,
        description=message.description,
        brand=message.brand,
        categories=tuple(message.categories),
        attributes={
            name: Attribute(tuple(value.text), tuple(value.numbers))
            for name, value in message.attributes.items()
        },
        price=_price(message),
        availability=_availability(message, field),
        rating=_rating(message),
        image_uris=tuple(message.image_uris),
        language_code=message.language_code,
        group_id=message.group_id,
        platform=message.platform,
    )
    vectors = tuple(GivenVector(v.space, v.packed_f16, v.encoder_id) for v in message.vectors)
    return ProductWrite(product, vectors, message.etag)


_Offer = product_pb2.Product | catalog_service_pb2.OfferUpdate


def _availability(message: _Offer, field: str) -> Availability:
    try:
        return Availability(message.availability)
    except ValueError:
        raise InvalidArgumentError(
            f"{field}.availability",
            f"{message.availability} is not a value of Availability",
            reason="UNKNOWN_ENUM_VALUE",
        ) from None


def _price(message: _Offer) -> Money | None:
    if not message.HasField("price"):
        return None
    return Money(message.price.currency_code, message.price.units, message.price.nanos)


def _rating(message: _Offer) -> Rating | None:
    if not message.HasField("rating"):
        return None
    return Rating(message.rating.average, message.rating.count)


def product_message(product: Product, paths: Iterable[str] | None = None) -> product_pb2.Product:
    """A product with all of its fields, or those of a mask."""
    message = product_pb2.Product()
    for path in PRODUCT_FIELDS if paths is None else paths:
        _SETTERS[path](message, product)
    return message


def _set_attributes(message: product_pb2.Product, product: Product) -> None:
    for name, value in product.attributes.items():
        target = message.attributes[name]
        target.text.extend(value.text)
        target.numbers.extend(value.numbers)


def _set_price(message: product_pb2.Product, product: Product) -> None:
    if product.price is not None:
        price = product.price
        message.price.CopyFrom(
            money_pb2.Money(currency_code=price.currency_code, units=price.units, nanos=price.nanos)
        )


def _set_rating(message: product_pb2.Product, product: Product) -> None:
    if product.rating is not None:
        message.rating.average = product.rating.average
        message.rating.count = product.rating.count


def _set_time(message: product_pb2.Product, product: Product) -> None:
    if product.update_time_us:
        message.update_time.FromMicroseconds(product.update_time_us)


def _copy_text(name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a setter
    return lambda message, product: setattr(message, name, getattr(product, name))


def _copy_list(name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a setter
    return lambda message, product: getattr(message, name).extend(getattr(product, name))


_SETTERS = {
    **{
        name: _copy_text(name)
        for name in (
            "id", "title", "description", "brand", "language_code", "group_id", "platform", "etag",
            "availability",
        )
    },
    "categories": _copy_list("categories"),
    "image_uris": _copy_list("image_uris"),
    "attributes": _set_attributes,
    "price": _set_price,
    "rating": _set_rating,
    "update_time": _set_time,
}  # fmt: skip


def event(message: event_pb2.Event, index: int, field: str) -> Event | ItemFailure:
    """An event with raw ids (the service hashes them), or why it cannot be one."""
    try:
        kind = EventType(message.type)
    except ValueError:
        return ItemFailure(
            index, message.id[:128], "UNKNOWN_ENUM_VALUE",
            f"{field}.type: {message.type} is not a kind of event; give one of "
            + ", ".join(t.name for t in EventType),
        )  # fmt: skip
    time_us = 0
    if message.HasField("time"):
        if not _is_time(message.time):
            return ItemFailure(
                index,
                message.id[:128],
                "INVALID_TIME",
                f"{field}.time: not a time between 1900 and 9999",
            )
        # 0 stands for "no time" in the domain: the epoch itself is moved by a microsecond.
        time_us = microseconds(message.time) or 1
    return Event(
        id=message.id,
        type=kind,
        user=message.user_id,
        session=message.session_id,
        time_us=time_us,
        sequence=message.sequence,
        items=tuple(ProductQuantity(i.product_id, i.quantity) for i in message.items),
        query=message.query,
        attribution_token=message.attribution_token,
        platform=message.platform,
        value=message.value if message.HasField("value") else None,
    )


def _is_time(time: timestamp_pb2.Timestamp) -> bool:
    return _MIN_S <= time.seconds <= _MAX_S and 0 <= time.nanos < 10**9


def microseconds(time: timestamp_pb2.Timestamp) -> int:
    """Microseconds since 1970."""
    return time.seconds * 1_000_000 + time.nanos // 1000


def result(line: Result, paths: Sequence[str]) -> result_pb2.Result:
    """One line of a ranked list."""
    message = result_pb2.Result(product_id=line.product_id, score=line.score)
    message.evidence.extend(evidence(part) for part in line.evidence)
    if line.probability is not None:
        message.probability = line.probability
    if line.product is not None:
        message.product.CopyFrom(product_message(line.product, paths))
    return message


def evidence(part: Evidence) -> result_pb2.Evidence:
    """One part of a score, or one fact of a pair."""
    return result_pb2.Evidence(
        kind=int(part.kind),  # type: ignore[arg-type]
        contribution=part.contribution,
        product_id=part.product_id,
        attribute=part.attribute,
        path=[
            result_pb2.PathStep(
                source=step.source, relation=step.relation, target=step.target, count=step.count
            )
            for step in part.path
        ],
    )


def facet(counts: Facet) -> result_pb2.Facet:
    """Counts of one column."""
    message = result_pb2.Facet(column=counts.column)
    for value, count in counts.values:
        message.values.add(value=value, count=count)
    return message


def import_error(failure: ItemFailure) -> catalog_service_pb2.ImportError:
    """One refused line of a stream or batch, as the status that it would have had alone."""
    refused = InvalidArgumentError("", failure.message, reason=failure.reason)
    status: status_pb2.Status = errors.to_status(refused)
    return catalog_service_pb2.ImportError(index=failure.index, id=failure.id, status=status)


def results(lines: Iterable[Result], paths: Sequence[str]) -> list[result_pb2.Result]:
    """The lines of a ranked list."""
    return [result(line, paths) for line in lines]


def events(
    messages: Iterable[event_pb2.Event], start: int, field: str
) -> list[Event | ItemFailure]:
    """Events of one message, numbered from `start`."""
    return [
        event(message, index, f"{field}[{index}]") for index, message in enumerate(messages, start)
    ]
