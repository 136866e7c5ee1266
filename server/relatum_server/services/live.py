"""The projections of the store that answer reads, kept up with it revision by revision."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import Event, Product
from relatum_server.errors import FailedPreconditionError
from relatum_server.index.base import Index, LexicalIndex
from relatum_server.services.behaviour import BehaviourPart
from relatum_server.services.changes import (
    CHUNK,
    EventsChange,
    OffersChange,
    ProductsChange,
    ShownChange,
    chunks,
    events_since,
    load_change,
    touched_since,
)
from relatum_server.services.filtering import Filtering
from relatum_server.services.limits import Limits
from relatum_server.services.product_keys import ProductKeys
from relatum_server.services.product_words import documents
from relatum_server.services.shoppers import Shoppers
from relatum_server.services.static_space import StaticSpace
from relatum_server.services.text_vectors import unpack
from relatum_server.services.traffic import Traffic
from relatum_server.store.base import Store

_CHANGES = 256
_MARGIN_S = 0.05  # the answer must still reach the caller before its deadline
Mask = NDArray[np.bool_]


class LiveCatalogue:
    """All projections. A write is applied to them, in the order of revisions, before its reply.

    Readers take no lock of this class; each projection is safe by itself.
    """

    def __init__(
        self,
        store: Store,
        encoder_id: str,
        *,
        text: Index,
        lexical: LexicalIndex,
        filtering: Filtering,
        behaviour: BehaviourPart,
        traffic: Traffic,
        spaces: Mapping[str, StaticSpace] | None = None,
    ) -> None:
        self.text = text
        self.lexical = lexical
        self.behaviour = behaviour
        self.traffic = traffic
        self.spaces = dict(spaces or {})
        self.keys = ProductKeys()
        self.shoppers = Shoppers(store)
        self._store = store
        self._encoder_id = encoder_id
        self._filtering = filtering
        self._pending: dict[int, ShownChange] = {}
        self._writer = threading.Lock()
        self._moved = threading.Condition()
        self._revision = 0

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def revision(self) -> int:
        """The highest revision that all projections show."""
        return self._revision

    def close(self) -> None:
        """Release the indexes. Safe twice."""
        self.text.close()
        self.lexical.close()
        self.behaviour.close()

    # Reads

    def wait_for_revision(self, min_revision: int, deadline: float | None) -> int:
        """Wait until `min_revision` is shown; the revision that is shown then.

        Raises:
            FailedPreconditionError: REVISION_NOT_REACHED, the deadline came first, or the store
                itself has not given that revision.
        """
        if self._revision >= min_revision:
            return self._revision
        with self._moved:
            while self._revision < min_revision:
                left = None if deadline is None else deadline - time.monotonic() - _MARGIN_S
                # A revision that the one writer has not given yet may still come from it.
                if left is None or left <= 0 or not self._moved.wait(left):
                    break
        if self._revision < min_revision:
            raise FailedPreconditionError(
                f"min_revision: {min_revision} is not reached, the catalogue is at "
                f"{self._revision}; give a revision that a write returned, or wait longer",
                reason="REVISION_NOT_REACHED",
            )
        return self._revision

    def matching(self, filter_text: str, limits: Limits) -> Mask | None:
        """Keys that a filter allows, or None for an empty filter.

        Raises:
            InvalidArgumentError: too long, or not a filter; the column is named.
        """
        return self._filtering.mask(filter_text, limits)

    def correct(self, query: str) -> str:
        """A query with the words replaced that neither the catalogue nor shoppers know."""
        return self.lexical.correct(query, self.traffic.queries.shares)

    @property
    def filtering(self) -> Filtering:
        """Filters and facets."""
        return self._filtering

    def ids_allowed(self, allowed: Mask) -> list[str]:
        """Ids of the products that a mask allows."""
        return self.keys.ids_allowed(allowed)

    def all_ids(self) -> set[str]:
        """Ids of all products."""
        return set(self.keys.ids())

    # Writes

    def apply_products(
        self,
        revision: int,
        keys: Sequence[int],
        products: Sequence[Product],
        vectors: Sequence[bytes | None],
        deleted_keys: Sequence[int] = (),
    ) -> None:
        """Show a committed write of products; returns when all up to `revision` are shown."""
        self._apply(revision, ProductsChange(keys, products, vectors, deleted_keys))

    def apply_offers(self, revision: int, keys: Sequence[int], products: Sequence[Product]) -> None:
        """Show committed offers: the columns that filters read, and nothing else."""
        self._apply(revision, OffersChange(keys, products))

    def apply_events(self, revision: int, events: Sequence[Event]) -> None:
        """Show committed events (those that were fresh)."""
        self._apply(revision, EventsChange(events))

    def replay(
        self, *, text_revision: int = 0, lexical_revision: int = 0, traffic_revision: int = 0
    ) -> None:
        """Show everything that the store holds; once, at start.

        Args:
            text_revision: up to which the text index goes already, 0 for an empty one.
            lexical_revision: the same of the lexical index.
            traffic_revision: the same of the counters of events.
        """
        with self._writer:
            revision = self._store.revision()
            self._replay_text(text_revision, revision)
            stale = (
                touched_since(self._store, lexical_revision, revision) if lexical_revision else None
            )
            if stale is not None:
                self.lexical.remove(list(stale))
            for part in chunks((s.key, s.product) for s in self._store.scan_products()):
                keys = [key for key, _ in part]
                products = [product for _, product in part]
                self._show_facts(keys, products)
                if stale is None:
                    self._show_words(keys, products)
                elif fresh := [(k, p) for k, p in part if k in stale]:
                    self._show_words([k for k, _ in fresh], [p for _, p in fresh])
            self.traffic.add(events_since(self._store, traffic_revision), self.keys)
            self._move(revision)
        self._catch_up(self._store.revision())

    def follow(self) -> None:
        """Show all that the store has committed by now, whoever wrote it."""
        self._catch_up(self._store.revision())

    @contextmanager
    def paused(self) -> Iterator[int]:
        """Hold writes back for a block that saves projections; yields the revision they show."""
        with self._writer:
            yield self._revision

    def _replay_text(self, since: int, until: int) -> None:
        if not since:
            stored = ((v.key, v.packed_f16) for v in self._store.scan_vectors(self._encoder_id))
            for chunk in chunks(stored):
                self._show_vectors([key for key, _ in chunk], [packed for _, packed in chunk])
            return
        touched = sorted(touched_since(self._store, since, until))
        self.text.remove(np.array(touched, np.int64))
        for start in range(0, len(touched), CHUNK):
            vectors = self._store.get_vectors(touched[start : start + CHUNK], self._encoder_id)
            if vectors:
                self._show_vectors(list(vectors), list(vectors.values()))

    def _apply(self, revision: int, payload: ShownChange) -> None:
        if revision <= self._revision:
            return
        self._pending[revision] = payload
        self._catch_up(revision)

    def _catch_up(self, revision: int) -> None:
        """Show all up to a revision.

        What other threads committed and have not handed over yet is read from the store: order
        never waits for them.
        """
        with self._writer:
            while self._revision < revision:
                payload = self._pending.pop(self._revision + 1, None)
                if payload is not None:
                    self._show(payload)
                    self._move(self._revision + 1)
                    continue
                changes = self._store.changes(self._revision, _CHANGES)
                if not changes:
                    break
                for change in changes:
                    handed = self._pending.pop(change.revision, None)
                    self._show(
                        load_change(self._store, self._encoder_id, change)
                        if handed is None
                        else handed
                    )
                    self._move(change.revision)
            for late in [r for r in self._pending if r <= self._revision]:
                self._pending.pop(late, None)

    def _move(self, revision: int) -> None:
        with self._moved:
            self._revision = revision
            self._moved.notify_all()

    def _show(self, payload: ShownChange) -> None:
        if isinstance(payload, EventsChange):
            self.shoppers.forget(event.user for event in payload.events)
            self.traffic.add(payload.events, self.keys)
            return
        if isinstance(payload, OffersChange):
            self._filtering.upsert(payload.keys, payload.products)
            return
        if payload.deleted_keys:
            self._hide(payload.deleted_keys)
        if not payload.keys:
            return
        paired = list(zip(payload.keys, payload.vectors, strict=True))
        with_text = [(key, packed) for key, packed in paired if packed is not None]
        without = [key for key, packed in paired if packed is None]
        if with_text:
            self._show_vectors([key for key, _ in with_text], [packed for _, packed in with_text])
        if without:
            self.text.remove(np.array(without, np.int64))
        self._show_words(payload.keys, payload.products)
        self._show_facts(payload.keys, payload.products)

    def _show_vectors(self, keys: Sequence[int], packed: Sequence[bytes]) -> None:
        self.text.upsert(np.array(keys, np.int64), np.stack([unpack(one) for one in packed]))

    def _show_words(self, keys: Sequence[int], products: Sequence[Product]) -> None:
        self.lexical.upsert(documents(keys, products))

    def _show_facts(self, keys: Sequence[int], products: Sequence[Product]) -> None:
        self._filtering.upsert(keys, products)
        ids = [product.id for product in products]
        self.behaviour.join(keys, ids)
        for space in self.spaces.values():
            space.join(keys, ids)
        for key, product in zip(keys, products, strict=True):
            self.keys.put(key, product)
        self.traffic.join(keys, ids)

    def _hide(self, keys: Sequence[int]) -> None:
        for key in keys:
            self.keys.remove(key)
        self.traffic.leave(keys)
        self.text.remove(np.array(keys, np.int64))
        self.behaviour.leave(keys)
        for space in self.spaces.values():
            space.leave(keys)
        self.lexical.remove(list(keys))
        self._filtering.remove(keys)
