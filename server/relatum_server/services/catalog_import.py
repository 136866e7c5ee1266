"""A whole catalogue as a stream: bad products are reported one by one, the others are written."""

import enum
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from relatum_server.domain import ItemFailure, ProductWrite
from relatum_server.errors import FailedPreconditionError, RelatumError
from relatum_server.services.catalog import CatalogService, ProductsDeleted, Replay
from relatum_server.services.limits import Limits
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.text_vectors import TextVectors
from relatum_server.services.validation import Violations, check_product
from relatum_server.store.base import Request, Store

ImportLine = tuple[int, ProductWrite | ItemFailure]


class ImportMode(enum.Enum):
    """What happens to products that the stream does not name."""

    INCREMENTAL = "INCREMENTAL"
    FULL = "FULL"


@dataclass(frozen=True, slots=True)
class ProductsImported:
    """Outcome of ImportProducts; `errors` are the first 100 refusals."""

    revision: int
    received: int
    written: int
    deleted: int
    failed: int
    errors: Sequence[ItemFailure]
    without_text_vector: int


@dataclass(slots=True)
class _Tally:
    revision: int
    received: int = 0
    written: int = 0
    failed: int = 0
    without_text_vector: int = 0
    errors: list[ItemFailure] = field(default_factory=list)
    named: set[str] = field(default_factory=set)


class CatalogImportService:
    """ImportProducts."""

    def __init__(
        self,
        catalog: CatalogService,
        store: Store,
        live: LiveCatalogue,
        text_vectors: TextVectors,
        limits: Limits,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._live = live
        self._text_vectors = text_vectors
        self._limits = limits

    def import_products(
        self,
        batches: Iterable[Sequence[ImportLine]],
        *,
        mode: ImportMode = ImportMode.INCREMENTAL,
        force_delete: bool = False,
        request: Request | None = None,
        serialise: Callable[[ProductsImported], bytes] | None = None,
        deadline: float | None = None,
    ) -> ProductsImported | Replay:
        """Write the products of a stream; with FULL, then delete in one step what it did not name.

        A product that was named but refused is not deleted. If the stream breaks, what was written
        stays and nothing is deleted.

        Args:
            batches: at most 256 lines each: place in the stream, and the product or why it cannot
                be one.
            mode: what happens to products that the stream does not name.
            force_delete: let FULL delete more than 20 % of the catalogue.
            request: idempotency key, if the caller gave one.
            serialise: how the outcome is kept for a repeat of `request`.
            deadline: monotonic seconds.

        Raises:
            InvalidArgumentError: a batch of more than 256 lines.
            FailedPreconditionError: TOO_MANY_DELETIONS; what the stream named is written.
        """
        if request is not None and (reply := self._store.replay(request)) is not None:
            return Replay(reply)
        before = self._live.all_ids()
        tally = _Tally(self._live.revision)
        for batch in batches:
            found = Violations()
            found.count("products", len(batch), 0, self._limits.max_products)
            found.check()
            self._write_batch(batch, tally, deadline)
        deleted = self._delete_rest(before, tally, force_delete) if mode is ImportMode.FULL else 0
        outcome = ProductsImported(
            tally.revision,
            tally.received,
            tally.written,
            deleted,
            tally.failed,
            tuple(tally.errors),
            tally.without_text_vector,
        )
        if request is not None and serialise is not None:
            self._store.keep_reply(request, serialise(outcome))
        return outcome

    def _write_batch(
        self, batch: Sequence[ImportLine], tally: _Tally, deadline: float | None
    ) -> None:
        good: list[tuple[int, ProductWrite]] = []
        for index, line in batch:
            tally.received += 1
            failure = (
                line if isinstance(line, ItemFailure) else self._check(index, line, tally.named)
            )
            named = line.id if isinstance(line, ItemFailure) else line.product.id
            tally.named.add(named)
            if failure is not None:
                self._refuse(failure, tally)
            elif isinstance(line, ProductWrite):
                good.append((index, line))
        if not good:
            return
        try:
            self._write([write for _, write in good], tally, deadline)
        except RelatumError as error:
            if error.reason not in {"ETAG_MISMATCH", "INVALID_ARGUMENT"}:
                raise
            for index, write in good:  # all or nothing was nothing: find the culprit
                try:
                    self._write([write], tally, deadline)
                except RelatumError as one:
                    if one.reason not in {"ETAG_MISMATCH", "INVALID_ARGUMENT"}:
                        raise
                    self._refuse(
                        ItemFailure(index, write.product.id, one.reason, one.message), tally
                    )

    def _write(self, writes: Sequence[ProductWrite], tally: _Tally, deadline: float | None) -> None:
        outcome = self._catalog.write(writes, lane="bulk", deadline=deadline, checked=True)
        assert not isinstance(outcome, Replay)  # noqa: S101 - no request id was given
        tally.revision = max(tally.revision, outcome.revision)
        tally.written += len(writes)
        tally.without_text_vector += len(outcome.without_text_vector)

    def _check(self, index: int, write: ProductWrite, named: set[str]) -> ItemFailure | None:
        product = write.product
        found = Violations()
        check_product(found, product, f"products[{index}]", self._limits)
        if found:
            first = found.first()
            return ItemFailure(
                index, product.id[:128], "INVALID_ARGUMENT", f"{first.field}: {first.description}"
            )
        if product.id in named:
            return ItemFailure(
                index,
                product.id,
                "DUPLICATE_ID",
                f"products[{index}].id: {product.id!r} came before in this stream; name it once",
            )
        try:
            self._text_vectors.check_given(write.vectors, f"products[{index}]")
        except RelatumError as error:
            return ItemFailure(index, product.id, error.reason, error.message)
        return None

    def _refuse(self, failure: ItemFailure, tally: _Tally) -> None:
        tally.failed += 1
        if len(tally.errors) < self._limits.max_import_errors:
            tally.errors.append(failure)

    def _delete_rest(self, before: set[str], tally: _Tally, force: bool) -> int:
        rest = sorted(before - tally.named)
        if not rest:
            return 0
        if not force and len(rest) > self._limits.max_deleted_share * len(before):
            raise FailedPreconditionError(
                f"a FULL import would delete {len(rest)} of {len(before)} products, more than "
                f"{self._limits.max_deleted_share:.0%}; nothing was deleted, {tally.written} were "
                "written: complete the stream or set force_delete",
                reason="TOO_MANY_DELETIONS",
            )
        outcome = self._catalog.remove(rest)
        assert isinstance(outcome, ProductsDeleted)  # noqa: S101 - no request id was given
        tally.revision = max(tally.revision, outcome.revision)
        return outcome.deleted
