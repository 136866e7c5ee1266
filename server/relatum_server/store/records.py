"""What the stores share: records of the change log, and what an id may be."""

from collections.abc import Sequence
from typing import Final

from relatum_server.errors import InvalidArgumentError, ResourceExhaustedError
from relatum_server.store.base import Change
from relatum_server.store.codec import decode

_MAX_KEY: Final = 2**31 - 1  # the indexes keep keys as signed 32-bit integers
REPLY_KEPT_US: Final = 24 * 3600 * 1_000_000


def decode_change(revision: int, kind: str, payload: bytes) -> Change:
    """A record of the change log, as a store wrote it."""
    if kind == "events":
        return Change(revision, kind, event_rows=decode(payload, tuple[int, int]))
    if kind == "offers":
        return Change(revision, kind, decode(payload, tuple[int, ...]))
    keys, deleted = decode(payload, tuple[tuple[int, ...], tuple[int, ...]])
    return Change(revision, kind, keys, deleted)


def check_keys(keys: Sequence[int]) -> None:
    """Raise ResourceExhaustedError where the indexes cannot hold a key."""
    if keys and max(keys) > _MAX_KEY:
        raise ResourceExhaustedError(
            "all product keys of this store are used; import into a fresh one",
            reason="KEYS_EXHAUSTED",
        )


def check_distinct(ids: Sequence[str]) -> None:
    """Raise InvalidArgumentError for ids that are empty, no text, or occur twice."""
    seen: set[str] = set()
    for product_id in ids:
        check_id(product_id)
        if product_id in seen:
            raise InvalidArgumentError(
                "products", f"id {product_id!r} occurs twice; name each product once"
            )
        seen.add(product_id)


def check_id(value: str) -> None:
    """Raise InvalidArgumentError for an id that is empty or no text."""
    if not value:
        raise InvalidArgumentError("id", "is empty; give every product and event an id")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError("id", f"{value!r} is not Unicode text") from None
