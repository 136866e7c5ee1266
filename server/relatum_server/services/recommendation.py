"""Recommend and GetProfile: what to show a shopper, and what is known of them."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import Event, EvidenceKind, ItemFailure, RankedPage
from relatum_server.errors import InvalidArgumentError
from relatum_server.ranking.explanation import Contribution, Ranking
from relatum_server.ranking.fusion import by_largest
from relatum_server.ranking.profile import ShopperProfile
from relatum_server.services.buy_again import BuyAgainRanker
from relatum_server.services.events import EventService
from relatum_server.services.limits import Limits
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.paging import Digest, request_hash
from relatum_server.services.personal import PersonalRanker
from relatum_server.services.ranked import Paging, Ranked, RankedPages
from relatum_server.services.search import both
from relatum_server.services.validation import Violations, check_min_revision, missing

AUDIENCE = "recommend"
POOL = 1000
MAX_INTERESTS = 100
Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]


class RecommendationKind(enum.Enum):
    """What a recommendation is for."""

    PERSONALIZED = "PERSONALIZED"
    BUY_AGAIN = "BUY_AGAIN"
    TRENDING = "TRENDING"


@dataclass(frozen=True, slots=True)
class RecommendQuery:
    """A recommendation as the caller asked for it; ids of shoppers and sessions are raw."""

    kind: RecommendationKind = RecommendationKind.PERSONALIZED
    user_id: str = ""
    session_events: tuple[Event, ...] = ()
    filter: str = ""
    candidate_ids: tuple[str, ...] = ()
    exclude_purchased: bool = False
    all_variants: bool = False


@dataclass(frozen=True, slots=True)
class Interest:
    """A product of a shopper's history, its decayed weight and how often it was bought."""

    product_id: str
    weight: float
    purchases: int


@dataclass(frozen=True, slots=True)
class ProfileRead:
    """Outcome of GetProfile; `event_count` 0 means that nothing is known of the shopper."""

    event_count: int
    last_event_time_us: int
    interests: Sequence[Interest]
    revision: int


class RecommendationService:
    """Recommend, GetProfile."""

    def __init__(
        self,
        live: LiveCatalogue,
        events: EventService,
        pages: RankedPages,
        *,
        digest: Digest,
        limits: Limits,
        ranker: PersonalRanker | None = None,
    ) -> None:
        self._live = live
        self._events = events
        self._pages = pages
        self._digest = digest
        self._limits = limits
        self._ranker = ranker or PersonalRanker(live)
        self._buy_again = BuyAgainRanker(live)

    def recommend(self, query: RecommendQuery, paging: Paging) -> RankedPage:
        """A page of products for a shopper, of what they may need again, or of what is popular.

        Raises:
            InvalidArgumentError: a bad session event, id, filter or token; BUY_AGAIN without a
                shopper, or with `exclude_purchased`.
        """
        session = self._check(query)
        ids = [*query.candidate_ids, *(i.product_id for e in session for i in e.items)]
        return self._pages.page(
            AUDIENCE,
            request_hash(AUDIENCE, query),
            paging,
            lambda: Ranked(self._rank(query, session)),
            lambda: missing(ids, [i for i in ids if i in self._live.keys]),
        )

    def profile(
        self, user_id: str, *, min_revision: int = 0, deadline: float | None = None
    ) -> ProfileRead:
        """What is known of a shopper, as far as it moves recommendations."""
        if not user_id:
            raise InvalidArgumentError("user_id", "is empty; give the shopper's id")
        found = Violations()
        found.text("user_id", user_id, self._limits.max_user_id_bytes)
        found.check()
        check_min_revision(min_revision)
        revision = self._live.wait_for_revision(min_revision, deadline)
        profile = self._live.shoppers.profile(self._user(user_id))
        return ProfileRead(
            profile.event_count,
            profile.last_time_us,
            [
                Interest(product_id, weight, profile.purchases.get(product_id, 0))
                for product_id, weight in profile.heaviest(MAX_INTERESTS)
            ],
            revision,
        )

    def _check(self, query: RecommendQuery) -> list[Event]:
        """The session's events as the store would have them, newest first."""
        limits = self._limits
        found = Violations()
        found.text("user_id", query.user_id, limits.max_user_id_bytes)
        found.identifiers("candidate_ids", query.candidate_ids, 0, limits.max_candidate_ids, limits)
        session: list[Event] = []
        if found.count("session_events", len(query.session_events), 0, limits.max_session_events):
            for i, event in enumerate(query.session_events):
                prepared = self._events.prepare(event, i, f"session_events[{i}]")
                if isinstance(prepared, ItemFailure):
                    place, _, description = prepared.message.partition(": ")
                    found.add(place, description)
                else:
                    session.append(prepared)
        if query.kind is RecommendationKind.BUY_AGAIN:
            if not query.user_id and not query.session_events:
                found.add("user_id", "is empty; BUY_AGAIN needs a shopper: give the id")
            if query.exclude_purchased:
                found.add("exclude_purchased", "leaves nothing of BUY_AGAIN; take one of them out")
        found.check()
        session.sort(key=lambda event: (event.time_us, event.sequence))
        return session[::-1]

    def _rank(self, query: RecommendQuery, session: Sequence[Event]) -> Ranking:
        allowed = self._live.matching(query.filter, self._limits)
        if query.candidate_ids:
            own = self._live.keys.mask(self._live.keys.keys_of(query.candidate_ids))
            allowed = own if allowed is None else both(own, allowed)
        user = self._user(query.user_id) if query.user_id else ""
        profile = ShopperProfile()
        if query.kind is not RecommendationKind.TRENDING or query.exclude_purchased:
            profile = self._live.shoppers.profile(user, session)
        if query.kind is RecommendationKind.BUY_AGAIN:
            ranking = self._buy_again.rank(profile, allowed)
            return self._pages.shorten(ranking, all_variants=query.all_variants)
        popular = self._popular(allowed)
        if query.kind is RecommendationKind.PERSONALIZED and profile.weights:
            given = popular if query.candidate_ids else None
            ranking = self._ranker.rank(profile, allowed, given)
        else:
            values = by_largest(self._live.traffic.popularity(popular))
            ranking = Ranking(popular, (Contribution(EvidenceKind.POPULARITY, values),))
        keep = self._live.keys.present(ranking.keys)
        if query.exclude_purchased:
            bought = self._live.keys.keys_of(profile.purchases)
            keep &= ~np.isin(ranking.keys, bought)
        return self._pages.shorten(
            ranking.take(np.flatnonzero(keep)), all_variants=query.all_variants
        )

    def _popular(self, allowed: Mask | None) -> Keys:
        """The most popular products; of the allowed ones where a mask is given, all if few."""
        if allowed is None:
            keys = self._live.traffic.popular(POOL)
            return keys[self._live.keys.present(keys)]
        keys = np.flatnonzero(allowed).astype(np.int64)
        if len(keys) > POOL:
            popularity = self._live.traffic.popularity(keys)
            keys = keys[np.sort(np.argpartition(-popularity, POOL - 1)[:POOL])]
        return keys

    def _user(self, user_id: str) -> str:
        return self._digest(user_id.encode("utf-8", "surrogatepass"), "user").hex()
