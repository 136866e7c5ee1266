"""WriteEvents and ImportEvents: what shoppers did, without who they are."""

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from relatum_server.domain import Event, ItemFailure, ProductQuantity
from relatum_server.services.catalog import Replay
from relatum_server.services.limits import Limits
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.paging import Digest
from relatum_server.services.validation import Violations, event_violation
from relatum_server.store.base import Request, Store

EventLine = tuple[int, Event | ItemFailure]


@dataclass(frozen=True, slots=True)
class EventsAccepted:
    """Outcome of WriteEvents."""

    revision: int
    written: int
    duplicates: int
    errors: Sequence[ItemFailure]
    missing_product_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class EventsImported:
    """Outcome of ImportEvents; `errors` are the first 100 refusals."""

    revision: int
    received: int
    written: int
    duplicates: int
    failed: int
    errors: Sequence[ItemFailure]
    missing_products: int


@dataclass(slots=True)
class _Tally:
    revision: int
    received: int = 0
    written: int = 0
    duplicates: int = 0
    missing: list[str] = field(default_factory=list)
    failures: list[ItemFailure] = field(default_factory=list)


class EventService:
    """WriteEvents, ImportEvents."""

    def __init__(
        self,
        store: Store,
        live: LiveCatalogue,
        digest: Digest,
        limits: Limits,
        *,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._store = store
        self._live = live
        self._digest = digest
        self._limits = limits
        self._now_us = now_us

    def write(
        self,
        lines: Sequence[EventLine],
        *,
        request: Request | None = None,
        serialise: Callable[[EventsAccepted], bytes] | None = None,
    ) -> EventsAccepted | Replay:
        """Write up to 256 events with raw ids; a bad one is refused alone.

        Args:
            lines: place in the request, and the event or why it cannot be one.
            request: idempotency key, if the caller gave one.
            serialise: how the outcome is kept for a repeat of `request`.

        Raises:
            InvalidArgumentError: no event, or more than 256.
        """
        if request is not None and (reply := self._store.replay(request)) is not None:
            return Replay(reply)
        self._check_count(lines, 1)
        tally = _Tally(self._live.revision)
        reply = self._write(lines, tally, request)
        if reply is not None:
            return Replay(reply)
        outcome = EventsAccepted(
            tally.revision,
            tally.written,
            tally.duplicates,
            tuple(tally.failures),
            tuple(dict.fromkeys(tally.missing)),
        )
        if request is not None and serialise is not None:
            self._store.keep_reply(request, serialise(outcome))
        return outcome

    def import_events(self, batches: Iterable[Sequence[EventLine]]) -> EventsImported:
        """Write the events of a stream, batch by batch; what was written stays if it breaks."""
        tally = _Tally(self._live.revision)
        failed = missing_products = 0
        errors: list[ItemFailure] = []
        for batch in batches:
            self._check_count(batch, 0)
            self._write(batch, tally, None)
            failed += len(tally.failures)
            missing_products += len(tally.missing)
            errors += tally.failures[: self._limits.max_import_errors - len(errors)]
            tally.failures, tally.missing = [], []
        return EventsImported(
            tally.revision,
            tally.received,
            tally.written,
            tally.duplicates,
            failed,
            errors,
            missing_products,
        )

    def prepare(self, event: Event, index: int, field_path: str) -> Event | ItemFailure:
        """An event as it is stored: checked, timed, with hashed ids; or why it is refused."""
        wrong = event_violation(event, field_path, self._limits)
        if wrong is not None:
            return ItemFailure(
                index, event.id[:128], "INVALID_ARGUMENT", f"{wrong.field}: {wrong.description}"
            )
        now_us = self._now_us()
        ahead_s = (event.time_us - now_us) / 1e6
        if ahead_s > self._limits.max_event_ahead_s:
            return ItemFailure(
                index,
                event.id[:128],
                "EVENT_IN_FUTURE",
                f"{field_path}.time: {ahead_s:.0f} s ahead of the server's clock, at most "
                f"{self._limits.max_event_ahead_s:.0f} are allowed; set the clock or leave it out",
            )
        return replace(
            event,
            id=event.id or secrets.token_hex(16),
            user=self._hash(event.user, "user"),
            session=self._hash(event.session, "session"),
            time_us=now_us if not event.time_us or ahead_s > 0 else event.time_us,
            items=tuple(ProductQuantity(i.product_id, i.quantity or 1) for i in event.items),
        )

    def _hash(self, raw: str, purpose: str) -> str:
        return self._digest(raw.encode("utf-8", "surrogatepass"), purpose).hex() if raw else ""

    def _check_count(self, lines: Sequence[EventLine], least: int) -> None:
        found = Violations()
        found.count("events", len(lines), least, self._limits.max_events)
        found.check()

    def _write(
        self, lines: Sequence[EventLine], tally: _Tally, request: Request | None
    ) -> bytes | None:
        """Write one batch; the reply kept for the request, if it was a repeat."""
        events: list[Event] = []
        for index, line in lines:
            tally.received += 1
            prepared = (
                line
                if isinstance(line, ItemFailure)
                else self.prepare(line, index, f"events[{index}]")
            )
            if isinstance(prepared, ItemFailure):
                tally.failures.append(prepared)
            else:
                events.append(prepared)
        if not events:
            return None
        written = self._store.write_events(events, request=request)
        if written.replayed:
            return written.replayed
        fresh = [event for event, new in zip(events, written.fresh, strict=True) if new]
        if fresh and not written.repeated:
            self._live.apply_events(written.revision, fresh)
        tally.revision = max(tally.revision, written.revision)
        tally.written += len(fresh)
        tally.duplicates += len(events) - len(fresh)
        tally.missing += [
            item.product_id
            for event in events
            for item in event.items
            if item.product_id not in self._live.keys
        ]
        return None
