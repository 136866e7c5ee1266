"""What a shopper's events say of their taste."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from relatum_server.domain import Event, EventType

HALF_LIFE_US = 30 * 86_400 * 1_000_000
BASKET_DECAY = 0.9  # of the baseline in the next-basket tables: 0.9 per basket
MAX_HISTORY = 1000
NEUTRAL_RATING = 3.0
TYPE_WEIGHTS: Mapping[EventType, float] = {
    EventType.PURCHASE: 1.0,
    EventType.CART: 0.5,
    EventType.VIEW: 0.2,
    EventType.CLICK: 0.2,
    EventType.REMOVE: -0.5,
    EventType.RETURN: -1.0,
    EventType.DISMISS: -1.0,
}


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """A product of a history, when it was, and how many baskets ago, 0 for the newest.

    What was only looked at since the last purchase is a basket of its own.
    """

    product_id: str
    time_us: int
    rank: int


@dataclass(frozen=True, slots=True)
class ShopperProfile:
    """What moves one shopper's recommendations.

    Attributes:
        event_count: events it was made of.
        last_time_us: of the newest; 0 without events.
        weights: decayed weight by product id; negative where dismissals and returns prevail.
        purchases: lines bought by product id.
        repeats: recency-weighted count of baskets with the product, over the largest: 0..1.
        ranks: by product id, how many baskets ago it was bought, each time.
        bought_us: times of the purchases by product id, newest first.
        history: the newest 1,000 products that tell what comes next, newest basket first, by
            falling id within one: purchases, and what was viewed, clicked or put into the cart
            since the last one.
    """

    event_count: int = 0
    last_time_us: int = 0
    weights: Mapping[str, float] = field(default_factory=dict)
    purchases: Mapping[str, int] = field(default_factory=dict)
    repeats: Mapping[str, float] = field(default_factory=dict)
    bought_us: Mapping[str, Sequence[int]] = field(default_factory=dict)
    ranks: Mapping[str, Sequence[int]] = field(default_factory=dict)
    history: Sequence[HistoryStep] = ()

    def heaviest(self, count: int) -> list[tuple[str, float]]:
        """Products by falling size of their weight, ties by id."""
        ordered = sorted(self.weights.items(), key=lambda item: (-abs(item[1]), item[0]))
        return ordered[:count]


def build_profile(events: Sequence[Event]) -> ShopperProfile:
    """A profile from events, newest first (as the store gives them; session events before).

    An event's weight is that of its type, halved every 30 days before the shopper's newest event:
    a shopper who was away keeps a taste.

    **Source** for `repeats`: recency-aware personal frequency, Hu et al. 2020, Modeling
    Personalized Item Frequency Information for Next-basket Recommendation, section 4.1.
    """
    if not events:
        return ShopperProfile()
    newest = max(event.time_us for event in events)
    weights: dict[str, float] = {}
    bought: dict[str, list[int]] = {}
    for event in events:
        weight = event_weight(event)
        if weight == 0.0:
            continue
        decayed = weight * 0.5 ** ((newest - event.time_us) / HALF_LIFE_US)
        for item in event.items:
            weights[item.product_id] = weights.get(item.product_id, 0.0) + decayed
            if event.type is EventType.PURCHASE:
                bought.setdefault(item.product_id, []).append(event.time_us)
    purchases = {product_id: len(times) for product_id, times in bought.items()}
    ranks = _basket_ranks(events)
    return ShopperProfile(
        event_count=len(events),
        last_time_us=newest,
        weights=weights,
        purchases=purchases,
        repeats=_frequency(ranks, BASKET_DECAY),
        ranks=ranks,
        bought_us=bought,
        history=_history(events),
    )


def event_weight(event: Event) -> float:
    """Weight of an event before decay: by its type, or by how far a rating is from neutral."""
    if event.type is EventType.RATING:
        return (event.value - NEUTRAL_RATING) / 2 if event.value is not None else 0.0
    return TYPE_WEIGHTS.get(event.type, 0.0)


def own_frequency(profile: ShopperProfile, step: float) -> Mapping[str, float]:
    """Count of baskets with each product, `step` to the number of later baskets, over the largest.

    **Source**: as for `ShopperProfile.repeats`, which has a step of 0.9.
    """
    return profile.repeats if step == BASKET_DECAY else _frequency(profile.ranks, step)


def _frequency(ranks: Mapping[str, Sequence[int]], step: float) -> dict[str, float]:
    counts = {product_id: sum(step**rank for rank in own) for product_id, own in ranks.items()}
    largest = max(counts.values(), default=1.0)
    return {product_id: count / largest for product_id, count in counts.items()}


def _basket_ranks(events: Sequence[Event]) -> dict[str, list[int]]:
    """By product, the baskets that hold it, 0 for the newest of all."""
    baskets: dict[str | int, int] = {}
    ranks: dict[str, list[int]] = {}
    for event in events:
        if event.type is not EventType.PURCHASE:
            continue
        # Lines of one basket share a session; without one, the time tells baskets apart.
        rank = baskets.setdefault(event.session or event.time_us, len(baskets))
        for item in event.items:
            own = ranks.setdefault(item.product_id, [])
            if rank not in own:
                own.append(rank)
    return ranks


def _history(events: Sequence[Event]) -> tuple[HistoryStep, ...]:
    """See `ShopperProfile.history`; what was looked at twice in a row counts once."""
    steps: list[HistoryStep] = []
    baskets: dict[str | int, int] = {}
    looked_at = 0
    for event in events:
        if len(steps) >= MAX_HISTORY:
            break
        if event.type is EventType.PURCHASE:
            rank = looked_at + baskets.setdefault(event.session or event.time_us, len(baskets))
            steps += [HistoryStep(i.product_id, event.time_us, rank) for i in event.items]
        elif not baskets and event_weight(event) > 0 and event.type is not EventType.RATING:
            for item in reversed(event.items):
                if not steps or steps[-1].product_id != item.product_id:
                    steps.append(HistoryStep(item.product_id, event.time_us, looked_at))
                    looked_at += 1
    # Within a basket there is no order but that of the ids: lines of one may come as they like.
    steps.sort(key=lambda step: step.product_id, reverse=True)
    steps.sort(key=lambda step: step.rank)
    kept = [
        step for last, step in zip([None, *steps], steps, strict=False) if not _same(last, step)
    ]
    return tuple(kept[:MAX_HISTORY])


def _same(last: HistoryStep | None, step: HistoryStep) -> bool:
    """Whether the basket holds the product already."""
    return last is not None and (last.rank, last.product_id) == (step.rank, step.product_id)
