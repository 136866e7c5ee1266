"""Domain values to bytes and back, in MessagePack; an absent field reads as its default.

A field added to a dataclass needs a default, and rows written before it then still decode.
"""

from typing import Final, TypeVar

import msgspec

from relatum_server.domain import Event, EventType, Product, ProductQuantity
from relatum_server.errors import InvalidArgumentError, StoreError

_Value = TypeVar("_Value")

_encoder: Final = msgspec.msgpack.Encoder()
_product_decoder: Final = msgspec.msgpack.Decoder(Product)


class _EventBody(msgspec.Struct, array_like=True, omit_defaults=True, frozen=True):
    """Positional, so only append, each with a default."""

    items: tuple[tuple[str, int], ...] = ()
    query: str = ""
    attribution_token: str = ""
    platform: str = ""
    value: float | None = None


_event_body_decoder: Final = msgspec.msgpack.Decoder(_EventBody)


def encode(value: object) -> bytes:
    """Bytes of a product, an event or a plain structure.

    Raises:
        InvalidArgumentError: text that is not Unicode, an integer beyond 64 bits.
    """
    try:
        return _encoder.encode(value)
    except (UnicodeEncodeError, OverflowError) as error:
        raise InvalidArgumentError("", f"cannot be stored: {error}") from error


def decode_product(payload: bytes) -> Product:
    """The product of `encode`; StoreError for other bytes."""
    try:
        return _product_decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise _damaged(error) from error


def encode_event_body(event: Event) -> bytes:
    """What an event has beyond its columns. Raises as `encode` does."""
    return encode(
        _EventBody(
            tuple((item.product_id, item.quantity) for item in event.items),
            event.query,
            event.attribution_token,
            event.platform,
            event.value,
        )
    )


def decode_event(columns: tuple[str, int, str, str, int, int, bytes]) -> Event:
    """The event of (id, type, user, session, time, sequence, body); StoreError for damage."""
    event_id, kind, user, session, time_us, sequence, body = columns
    try:
        rest = _event_body_decoder.decode(body)
        return Event(
            id=event_id,
            type=EventType(kind),
            user=user,
            session=session,
            time_us=time_us,
            sequence=sequence,
            items=tuple([ProductQuantity(*item) for item in rest.items]),
            query=rest.query,
            attribution_token=rest.attribution_token,
            platform=rest.platform,
            value=rest.value,
        )
    except (msgspec.DecodeError, ValueError) as error:
        raise _damaged(error) from error


def decode(payload: bytes, kind: type[_Value]) -> _Value:
    """Any other type; StoreError for bytes that are not of it."""
    try:
        return msgspec.msgpack.decode(payload, type=kind)
    except msgspec.DecodeError as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> StoreError:
    return StoreError(f"a stored row cannot be read ({error}); restore the database from a backup")
