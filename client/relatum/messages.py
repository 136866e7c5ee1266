"""The client's products and events to the API's messages."""

from typing import Any

from google.type import money_pb2

from relatum import types
from relatum.v1 import catalog_service_pb2, event_pb2, product_pb2

NANOS = 1_000_000_000


def enum_value(enum: Any, prefix: str, name: str) -> Any:
    """Number of an enum's value by its name without the prefix; empty is unspecified.

    Raises:
        ValueError: There is no such value; the message lists those that are.
    """
    full = f"{prefix}_{name or 'UNSPECIFIED'}".upper()
    if full not in enum.keys():  # noqa: SIM118 - the wrapper is no mapping
        names = [key.removeprefix(f"{prefix}_") for key in enum.keys()]  # noqa: SIM118
        known = ", ".join(key for key in names if key != "UNSPECIFIED")
        raise ValueError(f"{name!r} is not one of {known}")
    return enum.Value(full)


def product_message(product: types.Product) -> product_pb2.Product:
    """A product for the wire.

    Raises:
        ValueError: Its availability or price cannot be written.
    """
    message = product_pb2.Product(
        id=product.id,
        title=product.title,
        description=product.description,
        brand=product.brand,
        categories=product.categories,
        availability=enum_value(product_pb2.Availability, "AVAILABILITY", product.availability),
        image_uris=product.image_uris,
        language_code=product.language_code,
        group_id=product.group_id,
        platform=product.platform,
        etag=product.etag,
    )
    for name, attribute in product.attributes.items():
        message.attributes[name].MergeFrom(
            product_pb2.Attribute(text=attribute.text, numbers=attribute.numbers)
        )
    if product.price is not None:
        message.price.CopyFrom(_money_message(product.price))
    if product.rating is not None:
        message.rating.average = product.rating.average
        message.rating.count = product.rating.count
    for vector in product.vectors:
        message.vectors.add(
            space=vector.space, packed_f16=vector.packed_f16, encoder_id=vector.encoder_id
        )
    return message


def offer_message(update: types.OfferUpdate) -> catalog_service_pb2.OfferUpdate:
    """An observed offer for the wire.

    Raises:
        ValueError: Its availability or price cannot be written.
    """
    message = catalog_service_pb2.OfferUpdate(product_id=update.product_id)
    if update.price is not None:
        message.price.CopyFrom(_money_message(update.price))
    if update.availability is not None:
        message.availability = enum_value(
            product_pb2.Availability, "AVAILABILITY", update.availability
        )
    if update.rating is not None:
        message.rating.average = update.rating.average
        message.rating.count = update.rating.count
    if update.observe_time is not None:
        message.observe_time.FromDatetime(update.observe_time)
    return message


def event_message(event: types.Event) -> event_pb2.Event:
    """An event for the wire.

    Raises:
        ValueError: Its type is not one of the API.
    """
    message = event_pb2.Event(
        id=event.id,
        type=enum_value(event_pb2.EventType, "EVENT_TYPE", event.type),
        user_id=event.user_id,
        session_id=event.session_id,
        sequence=event.sequence,
        items=[
            event_pb2.ProductQuantity(product_id=product_id, quantity=quantity)
            for product_id, quantity in event.items
        ],
        query=event.query,
        attribution_token=event.attribution_token,
        platform=event.platform,
        value=event.value,
    )
    if event.time is not None:
        message.time.FromDatetime(event.time)
    return message


def _money_message(money: types.Money) -> money_pb2.Money:
    nanos = money.amount * NANOS
    if not money.amount.is_finite() or nanos != int(nanos):
        raise ValueError(f"price {money.amount} is not finite to nine decimals")
    # Truncated to zero, as google.type.Money wants both parts of one sign.
    units = int(money.amount)
    return money_pb2.Money(
        currency_code=money.currency, units=units, nanos=int(nanos) - units * NANOS
    )
