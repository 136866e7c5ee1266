"""What a shopper's events say of their taste."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from relatum_server.domain import Event, EventType

HALF_LIFE_US = 30 * 86_400 * 1_000_000
BASKET_DECAY = 0.9  # of the baseline in the next-basket tables: 0.9 per basket
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
class ShopperProfile:
    """What moves one shopper's recommendations.

    Attributes:
        event_count: events it was made of.
        last_time_us: of the newest; 0 without events.
        weights: decayed weight by product id; negative where dismissals and returns prevail.
        purchases: lines bought by product id.
        repeats: recency-weighted count of baskets with the product, over the largest: 0..1.
        bought_us: times of the purchases by product id, newest first.
    """

    event_count: int = 0
    last_time_us: int = 0
    weights: Mapping[str, float] = field(default_factory=dict)
    purchases: Mapping[str, int] = field(default_factory=dict)
    repeats: Mapping[str, float] = field(default_factory=dict)
    bought_us: Mapping[str, Sequence[int]] = field(default_factory=dict)

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
    return ShopperProfile(len(events), newest, weights, purchases, _repeats(events), bought)


def event_weight(event: Event) -> float:
    """Weight of an event before decay: by its type, or by how far a rating is from neutral."""
    if event.type is EventType.RATING:
        return (event.value - NEUTRAL_RATING) / 2 if event.value is not None else 0.0
    return TYPE_WEIGHTS.get(event.type, 0.0)


def _repeats(events: Sequence[Event]) -> dict[str, float]:
    """Own frequency: 0.9 to the number of later baskets, summed, over the largest sum."""
    ranks: dict[str | int, int] = {}
    seen: set[tuple[int, str]] = set()
    counts: dict[str, float] = {}
    for event in events:
        if event.type is not EventType.PURCHASE:
            continue
        # Lines of one basket share a session; without one, the time tells baskets apart.
        rank = ranks.setdefault(event.session or event.time_us, len(ranks))
        for item in event.items:
            if (rank, item.product_id) not in seen:
                seen.add((rank, item.product_id))
                counts[item.product_id] = counts.get(item.product_id, 0.0) + BASKET_DECAY**rank
    largest = max(counts.values(), default=1.0)
    return {product_id: count / largest for product_id, count in counts.items()}
