"""What a revision changed, as the projections take it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from relatum_server.domain import Event, Product
from relatum_server.store.base import Change, Store

_T = TypeVar("_T")
_BATCH = 1024
CHUNK = 512


@dataclass(frozen=True, slots=True)
class ProductsChange:
    """Products written, each with its packed text vector or None, and keys deleted."""

    keys: Sequence[int]
    products: Sequence[Product]
    vectors: Sequence[bytes | None]
    deleted_keys: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class OffersChange:
    """Products whose price, availability or rating changed, and nothing else of them."""

    keys: Sequence[int]
    products: Sequence[Product]


@dataclass(frozen=True, slots=True)
class EventsChange:
    """Events written, with hashed ids."""

    events: Sequence[Event]


ShownChange = ProductsChange | OffersChange | EventsChange


def load_change(store: Store, encoder_id: str, change: Change) -> ShownChange:
    """Read what a record of the change log touched, as it is now: later writes show early."""
    if change.kind == "events":
        first, last = change.event_rows
        events = []
        for row, event in store.scan_events(first):
            if row > last:
                break
            events.append(event)
        return EventsChange(events)
    products = store.get_products_by_key(change.keys)
    if change.kind == "offers":
        return OffersChange(list(products), list(products.values()))
    vectors = store.get_vectors(list(products), encoder_id)
    return ProductsChange(
        list(products),
        list(products.values()),
        [vectors.get(key) for key in products],
        change.deleted_keys,
    )


def touched_since(store: Store, since: int, until: int) -> set[int]:
    """Keys of products whose text may have changed, or that were deleted, after revision `since`.

    At least up to revision `until`.
    """
    touched: set[int] = set()
    while since < until:
        changes = store.changes(since, _BATCH)
        if not changes:
            break
        for change in (one for one in changes if one.kind != "offers"):
            touched.update(change.keys)
            touched.update(change.deleted_keys)
        since = changes[-1].revision
    return touched


def events_since(store: Store, since: int) -> Iterator[Event]:
    """Events written after revision `since`, in the order of writing."""
    first_row = _first_row_since(store, since) if since else 0
    if first_row is not None:
        yield from (event for _, event in store.scan_events(first_row))


def _first_row_since(store: Store, since: int) -> int | None:
    while changes := store.changes(since, _BATCH):
        for change in changes:
            if change.kind == "events":
                return change.event_rows[0]
        since = changes[-1].revision
    return None


def chunks(values: Iterable[_T]) -> Iterator[list[_T]]:
    """The values, 512 at a time."""
    chunk: list[_T] = []
    for value in values:
        chunk.append(value)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
