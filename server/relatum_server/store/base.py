"""What services ask of a store. The store is the truth; every index can be rebuilt from it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from relatum_server.domain import Event, OfferOutcome, OfferUpdate, Product, StoredProduct


@dataclass(frozen=True, slots=True)
class Request:
    """An idempotency key: the RPC and the caller's request id, with a keyed hash of the body."""

    rpc: str
    request_id: str
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class ProductPut:
    """One product to write whole.

    Attributes:
        product: with `update_time_us` and a fresh `etag` already set.
        expected_etag: "" or the etag that the stored product must still have.
        text_vector: little-endian f16 bytes of the text space, or None for no text.
        encoder_id: which encoder made `text_vector`.
        text_hash: hash of the text that was encoded; equal hash, equal vector.
        must_exist: NotFoundError(PRODUCT_NOT_FOUND) when there is no such product (update_mask).
    """

    product: Product
    expected_etag: str = ""
    text_vector: bytes | None = None
    encoder_id: str = ""
    text_hash: bytes = b""
    must_exist: bool = False


@dataclass(frozen=True, slots=True)
class ProductsWritten:
    """Outcome of a write of products.

    Attributes:
        revision: of the write.
        keys: index keys of the written products, in the order given.
        deleted_keys: index keys of the deleted ones.
        missing_ids: ids to delete that did not exist.
        replayed: the reply kept for this request id, if it was a repeat; then nothing was written.
        repeated: a repeat, so nothing was written: all other fields are those of the first write.
            With `replayed` None the first reply was never kept: build it from these fields.
    """

    revision: int
    keys: Sequence[int] = ()
    deleted_keys: Sequence[int] = ()
    missing_ids: Sequence[str] = ()
    replayed: bytes | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class EventsWritten:
    """Outcome of a write of events: `fresh[i]` is False where event i's id was known already.

    `replayed` and `repeated` are as in `ProductsWritten`.
    """

    revision: int
    fresh: Sequence[bool]
    replayed: bytes | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class OffersWritten:
    """Outcome of a write of offers.

    Attributes:
        revision: of the write.
        keys: index keys of the products that changed, each once.
        outcomes: what became of each update, in the order given.
        replayed: as in `ProductsWritten`.
        repeated: as in `ProductsWritten`.
    """

    revision: int
    keys: Sequence[int] = ()
    outcomes: Sequence[OfferOutcome] = ()
    replayed: bytes | None = None
    repeated: bool = False


Written = ProductsWritten | EventsWritten | OffersWritten


@dataclass(frozen=True, slots=True)
class ProductVector:
    """The stored text vector of a product."""

    key: int
    encoder_id: str
    packed_f16: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """One record of the change log: what a revision touched.

    Attributes:
        revision: strictly increasing, no gaps.
        kind: "products" (written or deleted), "offers" (of products, whose texts and vectors stay
            what they are) or "events".
        keys: product keys written.
        deleted_keys: product keys deleted.
        event_rows: first and last row number of events written, inclusive; (0, -1) for none.
    """

    revision: int
    kind: str
    keys: Sequence[int] = ()
    deleted_keys: Sequence[int] = ()
    event_rows: tuple[int, int] = (0, -1)


class Store(Protocol):
    """Durable state. A write is one transaction, fsynced before it returns; reads see it at once.

    All methods may be called from any thread.
    """

    def revision(self) -> int:
        """The highest committed revision; 0 when nothing was written."""
        ...

    def write_products(
        self,
        puts: Sequence[ProductPut],
        delete_ids: Sequence[str] = (),
        *,
        request: Request | None = None,
        reply: bytes = b"",
    ) -> ProductsWritten:
        """Write and delete products, all or nothing; distinct ids.

        Raises:
            AbortedError: an expected etag does not match.
            NotFoundError: `must_exist` and it does not.
            InvalidArgumentError: REQUEST_ID_REUSED, the request id was used with another body.
            ResourceExhaustedError: the disk is full.
        """
        ...

    def write_events(
        self, events: Sequence[Event], *, request: Request | None = None, reply: bytes = b""
    ) -> EventsWritten:
        """Write events; those whose id is known change nothing."""
        ...

    def update_offers(
        self,
        updates: Sequence[OfferUpdate],
        *,
        request: Request | None = None,
        reply: bytes = b"",
    ) -> OffersWritten:
        """Write what was observed of offers, in order: each field keeps its newest observation.

        Of two observations of one moment the later written stays. Products that changed get a new
        etag.

        Raises:
            InvalidArgumentError: REQUEST_ID_REUSED.
            ResourceExhaustedError: the disk is full.
        """
        ...

    def replay(self, request: Request) -> bytes | None:
        """The reply kept for a request id within 24 h, or None. Raises as write_products does."""
        ...

    def keep_reply(self, request: Request, reply: bytes) -> None:
        """Keep a reply that could only be built after the write."""
        ...

    def get_products(self, ids: Sequence[str]) -> dict[str, StoredProduct]:
        """Products by id; unknown ids are left out."""
        ...

    def get_products_by_key(self, keys: Sequence[int]) -> dict[int, Product]:
        """Products by index key; unknown keys are left out."""
        ...

    def list_products(self, after_id: str, limit: int) -> Sequence[StoredProduct]:
        """Products in the order of their ids (bytes), beginning after `after_id`."""
        ...

    def scan_products(self) -> Iterator[StoredProduct]:
        """All products in the order of their keys, from one snapshot."""
        ...

    def scan_vectors(self, encoder_id: str) -> Iterator[ProductVector]:
        """All stored text vectors of this encoder, in the order of their keys."""
        ...

    def get_vectors(self, keys: Sequence[int], encoder_id: str) -> dict[int, bytes]:
        """Stored text vectors of these products made by this encoder."""
        ...

    def product_count(self) -> int:
        """Number of products."""
        ...

    def user_events(self, user: str, limit: int) -> Sequence[Event]:
        """The newest events of one (hashed) shopper, newest first by time, sequence, row."""
        ...

    def scan_events(self, first_row: int = 0) -> Iterator[tuple[int, Event]]:
        """All events with their row numbers, in the order of writing, from `first_row` on."""
        ...

    def changes(self, after_revision: int, limit: int) -> Sequence[Change]:
        """Change-log records after a revision, oldest first."""
        ...

    def close(self) -> None:
        """Finish what was accepted and release the database. Safe twice."""
        ...


class SharedStore(Store, Protocol):
    """A store that several servers write to."""

    def wait_for_change(self, after_revision: int, timeout_s: float) -> None:
        """Return when the log has gone beyond a revision, or after a while; early is harmless.

        Raises:
            UnavailableError: it cannot be reached.
        """
        ...
