"""Domain values to bytes and back: MessagePack of the dataclasses, absent fields as defaults.

A field added to a dataclass needs a default, and rows written before it then still decode.
"""

from typing import Final, TypeVar

import msgspec

from relatum_server.domain import Event, Product
from relatum_server.errors import InvalidArgumentError, StoreError

_Value = TypeVar("_Value")

_encoder: Final = msgspec.msgpack.Encoder()
_product_decoder: Final = msgspec.msgpack.Decoder(Product)
_event_decoder: Final = msgspec.msgpack.Decoder(Event)


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


def decode_event(payload: bytes) -> Event:
    """The event of `encode`; StoreError for other bytes."""
    try:
        return _event_decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise _damaged(error) from error


def decode(payload: bytes, kind: type[_Value]) -> _Value:
    """Any other type; StoreError for bytes that are not of it."""
    try:
        return msgspec.msgpack.decode(payload, type=kind)
    except msgspec.DecodeError as error:
        raise _damaged(error) from error


def _damaged(error: msgspec.DecodeError) -> StoreError:
    return StoreError(f"a stored row cannot be read ({error}); restore the database from a backup")
