"""What the client takes and returns: frozen values, free of protobuf.

Kinds, relations and other enums are the names of the API without their prefix: "PURCHASE",
"SIMILAR", "CO_PURCHASE". Times are aware datetimes in UTC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (ISO 4217), to nine decimals."""

    amount: Decimal
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Rating:
    """Mean rating, 0 to 5, and how many gave one."""

    average: float
    count: int = 0


@dataclass(frozen=True, slots=True)
class Attribute:
    """Values of one attribute of a product."""

    text: Sequence[str] = ()
    numbers: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector of a product, little-endian half floats, and the encoder that made it."""

    space: str
    packed_f16: bytes
    encoder_id: str


@dataclass(frozen=True, slots=True)
class Product:
    """One sellable thing of a catalogue. A title, or a category or an attribute, is required."""

    id: str
    title: str = ""
    description: str = ""
    brand: str = ""
    categories: Sequence[str] = ()
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    price: Money | None = None
    availability: str = ""
    rating: Rating | None = None
    image_uris: Sequence[str] = ()
    language_code: str = ""
    group_id: str = ""
    platform: str = ""
    vectors: Sequence[Vector] = ()
    update_time: datetime | None = None
    etag: str = ""


@dataclass(frozen=True, slots=True)
class OfferUpdate:
    """What was observed of a product's offer: at least one of price, availability and rating.

    Without `observe_time` the server's time is taken. An `availability` of None was not observed.
    """

    product_id: str
    price: Money | None = None
    availability: str | None = None
    rating: Rating | None = None
    observe_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class OffersResult:
    """What UpdateOffers did; `outcomes` are "OK", "NOT_FOUND" or "STALE", one an update."""

    revision: int
    outcomes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """What a shopper did. `items` are pairs of a product id and a quantity."""

    type: str
    user_id: str = ""
    items: Sequence[tuple[str, int]] = ()
    session_id: str = ""
    id: str = ""
    time: datetime | None = None
    sequence: int = 0
    query: str = ""
    attribution_token: str = ""
    platform: str = ""
    value: float | None = None


@dataclass(frozen=True, slots=True)
class PathStep:
    """One edge of a way through the knowledge graph."""

    source: str
    relation: str
    target: str
    count: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """One part of a score; of kind "PATH", the edges from the first product to the second."""

    kind: str
    contribution: float
    product_id: str = ""
    attribute: str = ""
    path: tuple[PathStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One line of a ranked list: evidence sums to its score; `probability` is for SUBSTITUTE."""

    product_id: str
    score: float
    product: Product | None = None
    evidence: tuple[Evidence, ...] = ()
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a column and how many matches have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """The commonest values of one column among the matches."""

    column: str
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True)
class RelatedList:
    """The list of one product of a batch."""

    product_id: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class RankedList:
    """The reply of a ranked call, best first."""

    results: tuple[Result, ...]
    next_page_token: str = ""
    attribution_token: str = ""
    revision: int = 0
    model_id: str = ""
    missing_product_ids: tuple[str, ...] = ()
    facets: tuple[Facet, ...] = ()
    lists: tuple[RelatedList, ...] = ()
    corrected_query: str = ""


@dataclass(frozen=True, slots=True)
class QuerySuggestion:
    """A query that shoppers searched for, and how often."""

    query: str
    count: int


@dataclass(frozen=True, slots=True)
class ProductSuggestion:
    """A product whose title matches."""

    product_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Completions:
    """What a shopper may be typing."""

    queries: tuple[QuerySuggestion, ...]
    products: tuple[ProductSuggestion, ...]


@dataclass(frozen=True, slots=True)
class Interest:
    """A product of a shopper's history, its decayed weight and its purchases."""

    product_id: str
    weight: float
    purchases: int


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a shopper, without the shopper's id."""

    event_count: int
    last_event_time: datetime | None
    interests: tuple[Interest, ...]


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Vectors of length 1, in the order of the texts.

    Attributes:
        vectors: Floats, one row a text; empty where packed halves were asked for.
        packed: Little-endian half floats, one row a text; empty otherwise.
        token_counts: Tokens of each text after truncation.
        truncated: Whether each text was cut.
    """

    vectors: tuple[tuple[float, ...], ...]
    packed: tuple[bytes, ...]
    token_counts: tuple[int, ...]
    truncated: tuple[bool, ...]
    encoder_id: str
    model_id: str


@dataclass(frozen=True, slots=True)
class ItemError:
    """One refused item: its place in the request or stream from 0, its id, and why."""

    index: int
    id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class UpsertResult:
    """Revision of the write, the new etags in order, and products that have no text vector."""

    revision: int
    etags: tuple[str, ...]
    without_text_vector: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """Revision of the write, how many went, and the ids that the catalogue did not have."""

    revision: int
    deleted: int
    missing_product_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WriteEventsResult:
    """Revision of the write, and what became of the events."""

    revision: int
    written: int
    duplicates: int
    errors: tuple[ItemError, ...]
    missing_product_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Sums of a stream. `errors` are the first 100 refusals.

    `deleted` and `without_text_vector` are of products; `duplicates` and `missing_products` of
    events.
    """

    revision: int
    received: int
    written: int
    failed: int
    errors: tuple[ItemError, ...]
    deleted: int = 0
    without_text_vector: int = 0
    duplicates: int = 0
    missing_products: int = 0


@dataclass(frozen=True, slots=True)
class ProductPage:
    """Products in the order of their ids."""

    products: tuple[Product, ...]
    next_page_token: str
    total_size: int
    revision: int
