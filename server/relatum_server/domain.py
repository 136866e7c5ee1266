"""The words that all layers share: products, events, results."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


class Availability(enum.IntEnum):
    """As on the wire; UNSPECIFIED counts as in stock."""

    UNSPECIFIED = 0
    IN_STOCK = 1
    OUT_OF_STOCK = 2
    PREORDER = 3
    BACKORDER = 4


class EventType(enum.IntEnum):
    """As on the wire."""

    VIEW = 1
    CART = 2
    REMOVE = 3
    PURCHASE = 4
    RETURN = 5
    SEARCH = 6
    IMPRESSION = 7
    CLICK = 8
    DISMISS = 9
    RATING = 10


class Relation(enum.IntEnum):
    """As on the wire."""

    SIMILAR = 1
    COMPLEMENT = 2
    SUBSTITUTE = 3


class AssociationClass(enum.IntEnum):
    """As on the wire: what the second product of a pair is to the first."""

    UNRELATED = 1
    SAME = 2
    SUBSTITUTE = 3
    COMPLEMENT = 4


class EvidenceKind(enum.IntEnum):
    """As on the wire: where a contribution to a score comes from."""

    TEXT = 1
    BEHAVIOUR = 2
    LEXICAL = 3
    CO_PURCHASE = 4
    POPULARITY = 5
    CATEGORY = 6
    PROFILE = 7
    REPEAT = 8
    TRANSITION = 9
    ASSOCIATION = 10
    COMPLEMENT = 11
    PATH = 12
    RERANKER = 13


@dataclass(frozen=True, slots=True)
class Attribute:
    """Values of one attribute."""

    text: tuple[str, ...] = ()
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Money:
    """An amount: units and billionths of the currency, of the same sign."""

    currency_code: str
    units: int
    nanos: int = 0

    @property
    def amount(self) -> float:
        """The amount as a float, for filters and facets."""
        return self.units + self.nanos / 1e9


@dataclass(frozen=True, slots=True)
class Rating:
    """Mean of 0..5 and how many gave one."""

    average: float
    count: int = 0


@dataclass(frozen=True, slots=True)
class OfferTimes:
    """When price, availability and rating were observed, microseconds since 1970; 0 for never."""

    price_us: int = 0
    availability_us: int = 0
    rating_us: int = 0


@dataclass(frozen=True, slots=True)
class Product:
    """A product as the shop wrote it, plus what the server adds (update time, etag)."""

    id: str
    title: str = ""
    description: str = ""
    brand: str = ""
    categories: tuple[str, ...] = ()
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    price: Money | None = None
    availability: Availability = Availability.UNSPECIFIED
    rating: Rating | None = None
    image_uris: tuple[str, ...] = ()
    language_code: str = ""
    group_id: str = ""
    platform: str = ""
    update_time_us: int = 0
    etag: str = ""
    offer_times: OfferTimes = OfferTimes()


@dataclass(frozen=True, slots=True)
class OfferUpdate:
    """What was observed of a product's offer at one moment; None for what was not."""

    product_id: str
    price: Money | None = None
    availability: Availability | None = None
    rating: Rating | None = None
    observe_time_us: int = 0


class OfferOutcome(enum.IntEnum):
    """As on the wire: what became of an update of an offer."""

    OK = 1
    NOT_FOUND = 2
    STALE = 3


@dataclass(frozen=True, slots=True)
class GivenVector:
    """A vector that came with a product: little-endian half floats."""

    space: str
    packed_f16: bytes
    encoder_id: str


@dataclass(frozen=True, slots=True)
class ProductWrite:
    """A product to write, with the vectors and the etag that the caller gave."""

    product: Product
    vectors: tuple[GivenVector, ...] = ()
    expected_etag: str = ""


@dataclass(frozen=True, slots=True)
class StoredProduct:
    """A product with the number by which indexes know it (stable for its id's life)."""

    key: int
    product: Product


@dataclass(frozen=True, slots=True)
class ProductQuantity:
    """A product of an event."""

    product_id: str
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Event:
    """What a shopper did. In the store, `user` and `session` are keyed hashes ("" if absent)."""

    id: str
    type: EventType
    user: str = ""
    session: str = ""
    time_us: int = 0
    sequence: int = 0
    items: tuple[ProductQuantity, ...] = ()
    query: str = ""
    attribution_token: str = ""
    platform: str = ""
    value: float | None = None


@dataclass(frozen=True, slots=True)
class PathStep:
    """One edge of a way through the knowledge graph.

    `count` is of purchases of the two products, or of the products that have the value.
    """

    source: str
    relation: str
    target: str
    count: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """One part of a score, or one fact of a pair."""

    kind: EvidenceKind
    contribution: float
    product_id: str = ""
    attribute: str = ""
    path: tuple[PathStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One line of a ranked list; the contributions of `evidence` sum to `score`.

    `probability` is that of the relation, where one was asked for that has it.
    """

    product_id: str
    score: float
    evidence: tuple[Evidence, ...]
    product: Product | None = None
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """Counts of one column's values among the matches."""

    column: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class RankedPage:
    """What every ranked RPC answers with."""

    results: Sequence[Result]
    next_page_token: str
    attribution_token: str
    revision: int
    model_id: str
    missing_product_ids: Sequence[str] = ()
    facets: Sequence[Facet] = ()
    corrected_query: str = ""  # of a search: what was searched for instead


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """One refused line of a batch or stream."""

    index: int
    id: str
    reason: str
    message: str
