"""Prices, availabilities and ratings as they are observed: written without encoding anything."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from relatum_server.domain import OfferOutcome, OfferUpdate
from relatum_server.services.catalog import Replay
from relatum_server.services.field_mask import OFFER_FIELDS
from relatum_server.services.limits import Limits
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.validation import Violations, check_price, check_rating
from relatum_server.store.base import Request, Store


@dataclass(frozen=True, slots=True)
class OffersUpdated:
    """Outcome of UpdateOffers; `outcomes` in the order of the updates."""

    revision: int
    outcomes: Sequence[OfferOutcome]


class OfferService:
    """UpdateOffers."""

    def __init__(
        self,
        store: Store,
        live: LiveCatalogue,
        limits: Limits,
        *,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._store = store
        self._live = live
        self._limits = limits
        self._now_us = now_us

    def update(
        self,
        updates: Sequence[OfferUpdate],
        *,
        request: Request | None = None,
        serialise: Callable[[OffersUpdated], bytes] | None = None,
    ) -> OffersUpdated | Replay:
        """Write up to 1,000 observations in order; filters see them at once.

        Args:
            updates: without a time of observation, the server's is taken.
            request: idempotency key, if the caller gave one.
            serialise: how the outcome is kept for a repeat of `request`.

        Raises:
            InvalidArgumentError: what is wrong with which field; then nothing is written.
        """
        if request is not None and (reply := self._store.replay(request)) is not None:
            return Replay(reply)
        now_us = self._now_us()
        self._check(updates, now_us)
        timed = [
            replace(update, observe_time_us=min(update.observe_time_us or now_us, now_us))
            for update in updates
        ]
        written = self._store.update_offers(timed, request=request)
        if written.replayed:
            return Replay(written.replayed)
        if written.keys and not written.repeated:
            products = self._store.get_products_by_key(written.keys)
            self._live.apply_offers(written.revision, list(products), list(products.values()))
        outcome = OffersUpdated(written.revision, written.outcomes)
        if request is not None and serialise is not None:
            self._store.keep_reply(request, serialise(outcome))
        return outcome

    def _check(self, updates: Sequence[OfferUpdate], now_us: int) -> None:
        found = Violations()
        if found.count("updates", len(updates), 1, self._limits.max_offer_updates):
            for i, update in enumerate(updates):
                self._check_one(found, f"updates[{i}]", update, now_us)
        found.check()

    def _check_one(self, found: Violations, field: str, update: OfferUpdate, now_us: int) -> None:
        found.identifier(
            f"{field}.product_id", update.product_id, self._limits.max_product_id_bytes
        )
        if all(getattr(update, name) is None for name in OFFER_FIELDS):
            found.add(field, f"says nothing; give one of {', '.join(OFFER_FIELDS)}")
        if update.price is not None:
            check_price(found, f"{field}.price", update.price)
        if update.rating is not None:
            check_rating(found, f"{field}.rating", update.rating)
        ahead_s = (update.observe_time_us - now_us) / 1e6
        if ahead_s > self._limits.max_event_ahead_s:
            found.add(
                f"{field}.observe_time",
                f"{ahead_s:.0f} s ahead of the server's clock, at most "
                f"{self._limits.max_event_ahead_s:.0f} are allowed; set the clock or leave it out",
            )
