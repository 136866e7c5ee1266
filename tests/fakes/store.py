"""A store in memory for tests of services. It passes the same contract suite as the real ones."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from relatum_server.domain import Event, OfferOutcome, OfferUpdate, Product, StoredProduct
from relatum_server.errors import (
    AbortedError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
)
from relatum_server.store.base import (
    Change,
    EventsWritten,
    OffersWritten,
    ProductPut,
    ProductsWritten,
    ProductVector,
    Request,
    Written,
)
from relatum_server.store.offers import observed

_Written = TypeVar("_Written", ProductsWritten, EventsWritten, OffersWritten)


@dataclass(frozen=True, slots=True)
class _Kept:
    body_hash: bytes
    outcome: Written | None
    reply: bytes | None
    time: float


class FakeStore:
    """`Store` in dictionaries."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._products: dict[str, StoredProduct] = {}
        self._vectors: dict[int, ProductVector] = {}
        self._events: dict[str, tuple[int, Event]] = {}
        self._changes: list[Change] = []
        self._requests: dict[tuple[str, str], _Kept] = {}
        self._last_key = 0
        self._closed = False

    def revision(self) -> int:
        return len(self._changes)

    def write_products(
        self,
        puts: Sequence[ProductPut],
        delete_ids: Sequence[str] = (),
        *,
        request: Request | None = None,
        reply: bytes = b"",
    ) -> ProductsWritten:
        with self._lock:
            self._check_open()
            known = self._repeat(request, ProductsWritten)
            if known is not None:
                return known
            self._check_puts(puts, delete_ids)
            keys = [self._put(put) for put in puts]
            missing = [i for i in delete_ids if i not in self._products]
            deleted = [self._products.pop(i).key for i in delete_ids if i in self._products]
            for key in deleted:
                self._vectors.pop(key, None)
            if keys or deleted:
                revision = len(self._changes) + 1
                self._changes.append(Change(revision, "products", tuple(keys), tuple(deleted)))
            written = ProductsWritten(
                len(self._changes), tuple(keys), tuple(deleted), tuple(missing)
            )
            self._keep(request, written, reply)
            return written

    def write_events(
        self, events: Sequence[Event], *, request: Request | None = None, reply: bytes = b""
    ) -> EventsWritten:
        with self._lock:
            self._check_open()
            known = self._repeat(request, EventsWritten)
            if known is not None:
                return known
            if not all(event.id for event in events):
                raise InvalidArgumentError("id", "is empty")
            first = len(self._events) + 1
            fresh = []
            for event in events:
                fresh.append(event.id not in self._events)
                self._events.setdefault(event.id, (len(self._events) + 1, event))
            if any(fresh):
                rows = (first, len(self._events))
                self._changes.append(Change(len(self._changes) + 1, "events", event_rows=rows))
            written = EventsWritten(len(self._changes), tuple(fresh))
            self._keep(request, written, reply)
            return written

    def update_offers(
        self,
        updates: Sequence[OfferUpdate],
        *,
        request: Request | None = None,
        reply: bytes = b"",
    ) -> OffersWritten:
        with self._lock:
            self._check_open()
            known = self._repeat(request, OffersWritten)
            if known is not None:
                return known
            keys: dict[int, None] = {}
            outcomes = []
            for update in updates:
                stored = self._products.get(update.product_id)
                if stored is None:
                    outcomes.append(OfferOutcome.NOT_FOUND)
                    continue
                after = observed(stored.product, update, int(self._clock() * 1e6))
                outcomes.append(OfferOutcome.STALE if after is None else OfferOutcome.OK)
                if after is not None:
                    self._products[update.product_id] = StoredProduct(stored.key, after)
                    keys[stored.key] = None
            if keys:
                self._changes.append(Change(len(self._changes) + 1, "offers", tuple(keys)))
            written = OffersWritten(len(self._changes), tuple(keys), tuple(outcomes))
            self._keep(request, written, reply)
            return written

    def replay(self, request: Request) -> bytes | None:
        kept = self._find(request)
        return kept.reply if kept else None

    def keep_reply(self, request: Request, reply: bytes) -> None:
        with self._lock:
            self._check_open()
            self._find(request)
            self._keep(request, None, reply)

    def get_products(self, ids: Sequence[str]) -> dict[str, StoredProduct]:
        return {i: self._products[i] for i in ids if i in self._products}

    def get_products_by_key(self, keys: Sequence[int]) -> dict[int, Product]:
        by_key = {stored.key: stored.product for stored in self._products.values()}
        return {key: by_key[key] for key in keys if key in by_key}

    def list_products(self, after_id: str, limit: int) -> Sequence[StoredProduct]:
        ids = sorted((i for i in self._products if i.encode() > after_id.encode()), key=str.encode)
        return [self._products[i] for i in ids[: max(limit, 0)]]

    def scan_products(self) -> Iterator[StoredProduct]:
        yield from sorted(self._products.values(), key=lambda stored: stored.key)

    def scan_vectors(self, encoder_id: str) -> Iterator[ProductVector]:
        for _, vector in sorted(self._vectors.items()):
            if vector.encoder_id == encoder_id:
                yield vector

    def get_vectors(self, keys: Sequence[int], encoder_id: str) -> dict[int, bytes]:
        found = {key: self._vectors[key] for key in keys if key in self._vectors}
        return {k: v.packed_f16 for k, v in found.items() if v.encoder_id == encoder_id}

    def product_count(self) -> int:
        return len(self._products)

    def user_events(self, user: str, limit: int) -> Sequence[Event]:
        rows = [(row, event) for row, event in self._events.values() if user and event.user == user]
        rows.sort(key=lambda pair: (pair[1].time_us, pair[1].sequence, pair[0]), reverse=True)
        return [event for _, event in rows[: max(limit, 0)]]

    def scan_events(self, first_row: int = 0) -> Iterator[tuple[int, Event]]:
        yield from [(row, event) for row, event in self._events.values() if row >= first_row]

    def changes(self, after_revision: int, limit: int) -> Sequence[Change]:
        later = [change for change in self._changes if change.revision > after_revision]
        return later[: max(limit, 0)]

    def close(self) -> None:
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise UnavailableError("the store is closed")

    def _check_puts(self, puts: Sequence[ProductPut], delete_ids: Sequence[str]) -> None:
        """Before the first change, so that the write is all or nothing."""
        ids = [put.product.id for put in puts] + list(delete_ids)
        if len(set(ids)) < len(ids) or not all(ids):
            raise InvalidArgumentError("products", "an id is empty or occurs twice")
        for put in puts:
            stored = self._products.get(put.product.id)
            if stored is None and put.must_exist:
                raise NotFoundError("no such product", reason="PRODUCT_NOT_FOUND")
            etag = stored.product.etag if stored else None
            if put.expected_etag and etag != put.expected_etag:
                raise AbortedError("the product has changed")

    def _put(self, put: ProductPut) -> int:
        stored = self._products.get(put.product.id)
        if stored is None:
            self._last_key += 1
        key = stored.key if stored else self._last_key
        self._products[put.product.id] = StoredProduct(key, put.product)
        self._vectors.pop(key, None)
        if put.text_vector is not None:
            self._vectors[key] = ProductVector(key, put.encoder_id, put.text_vector)
        return key

    def _find(self, request: Request) -> _Kept | None:
        kept = self._requests.get((request.rpc, request.request_id))
        if kept is None or self._clock() - kept.time >= 24 * 3600:
            return None
        if kept.body_hash != request.body_hash:
            raise InvalidArgumentError("request_id", "reused", reason="REQUEST_ID_REUSED")
        return kept

    def _repeat(self, request: Request | None, kind: type[_Written]) -> _Written | None:
        kept = self._find(request) if request else None
        if kept is None:
            return None
        if not isinstance(kept.outcome, kind):
            blank = kind(len(self._changes), ())
            return replace(blank, replayed=kept.reply, repeated=True)
        return replace(kept.outcome, replayed=kept.reply, repeated=True)

    def _keep(
        self,
        request: Request | None,
        outcome: Written | None,
        reply: bytes,
    ) -> None:
        if request is None:
            return
        name = (request.rpc, request.request_id)
        old = self._requests.get(name)
        outcome = outcome or (old.outcome if old else None)
        self._requests[name] = _Kept(request.body_hash, outcome, reply or None, self._clock())
