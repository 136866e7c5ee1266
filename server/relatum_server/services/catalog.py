"""The products that the server knows: write, read, list, delete."""

import contextlib
import heapq
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from relatum_server.domain import Product, ProductWrite
from relatum_server.encoder.base import Lane
from relatum_server.errors import AbortedError
from relatum_server.services.field_mask import merged, observed_now, product_not_found
from relatum_server.services.limits import Limits
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.paging import TokenSigner, invalid_token, request_hash
from relatum_server.services.text_vectors import TextVectors
from relatum_server.services.validation import (
    Violations,
    check_min_revision,
    check_product,
    page_size,
)
from relatum_server.store.base import ProductPut, Request, Store

_ATTEMPTS = 4
_HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class Replay:
    """The reply kept for a request id: the bytes to answer with."""

    reply: bytes


@dataclass(frozen=True, slots=True)
class ProductsUpserted:
    """Outcome of UpsertProducts."""

    revision: int
    etags: Sequence[str]
    without_text_vector: Sequence[str]


@dataclass(frozen=True, slots=True)
class ProductsDeleted:
    """Outcome of DeleteProducts."""

    revision: int
    deleted: int
    missing_product_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class ProductPage:
    """Outcome of ListProducts."""

    products: Sequence[Product]
    next_page_token: str
    total_size: int
    revision: int


class CatalogService:
    """UpsertProducts, GetProduct, ListProducts, DeleteProducts."""

    def __init__(
        self,
        store: Store,
        live: LiveCatalogue,
        text_vectors: TextVectors,
        signer: TokenSigner,
        limits: Limits,
        *,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._store = store
        self._live = live
        self._text_vectors = text_vectors
        self._signer = signer
        self._limits = limits
        self._now_us = now_us

    def upsert(
        self,
        writes: Sequence[ProductWrite],
        *,
        update_mask: Sequence[str] | None = None,
        request: Request | None = None,
        serialise: Callable[[ProductsUpserted], bytes] | None = None,
        deadline: float | None = None,
    ) -> ProductsUpserted | Replay:
        """Write up to 256 products, all or nothing; the next search finds them.

        Args:
            writes: products with distinct ids.
            update_mask: fields that change, of products that exist; None replaces them whole.
            request: idempotency key, if the caller gave one.
            serialise: how the outcome is kept for a repeat of `request`.
            deadline: monotonic seconds.

        Raises:
            InvalidArgumentError: what is wrong with which field; ENCODER_MISMATCH.
            NotFoundError: PRODUCT_NOT_FOUND, with a mask.
            AbortedError: ETAG_MISMATCH.
        """
        if request is not None and (reply := self._store.replay(request)) is not None:
            return Replay(reply)
        self._check_ids(writes)
        outcome = self._write_merged(writes, update_mask, request, deadline)
        if request is not None and serialise is not None and not isinstance(outcome, Replay):
            self._store.keep_reply(request, serialise(outcome))
        return outcome

    def _write_merged(
        self,
        writes: Sequence[ProductWrite],
        update_mask: Sequence[str] | None,
        request: Request | None,
        deadline: float | None,
    ) -> ProductsUpserted | Replay:
        """A write that a change in between does not fail, unless the caller gave an etag."""
        own_etags = update_mask is not None and not any(w.expected_etag for w in writes)
        for _ in range(_ATTEMPTS if own_etags else 0):
            with contextlib.suppress(AbortedError):
                return self.write(
                    writes, update_mask=update_mask, request=request, deadline=deadline
                )
        return self.write(writes, update_mask=update_mask, request=request, deadline=deadline)

    def write(
        self,
        writes: Sequence[ProductWrite],
        *,
        update_mask: Sequence[str] | None = None,
        request: Request | None = None,
        lane: Lane = "query",
        deadline: float | None = None,
        checked: bool = False,
    ) -> ProductsUpserted | Replay:
        """One attempt of a write, without looking for a kept reply; distinct valid ids."""
        stored = self._store.get_products([write.product.id for write in writes])
        if update_mask is not None:
            writes = merged(writes, stored, update_mask)
        if not checked:
            found = Violations()
            for i, write in enumerate(writes):
                check_product(found, write.product, f"products[{i}]", self._limits)
            found.check()
        given = [
            self._text_vectors.check_given(write.vectors, f"products[{i}]")
            for i, write in enumerate(writes)
        ]
        vectors = self._text_vectors.make(writes, given, stored, lane=lane, deadline=deadline)
        now_us = self._now_us()
        puts = [
            ProductPut(
                replace(
                    write.product,
                    update_time_us=now_us,
                    etag=secrets.token_hex(8),
                    offer_times=observed_now(write.product, update_mask, now_us),
                ),
                expected_etag=write.expected_etag,
                text_vector=vector.packed,
                encoder_id=self._text_vectors.encoder_id,
                text_hash=vector.text_hash,
                must_exist=update_mask is not None,
            )
            for write, vector in zip(writes, vectors, strict=True)
        ]
        written = self._store.write_products(puts, request=request)
        if written.replayed:
            return Replay(written.replayed)
        if written.repeated:  # the first reply was never kept: the server stopped between the two
            now = self._store.get_products_by_key(written.keys)
            products = [now[key] for key in written.keys if key in now]
            return ProductsUpserted(
                written.revision,
                [product.etag for product in products],
                [p.id for p in products if not self._text_vectors.text_of(p)],
            )
        self._live.apply_products(
            written.revision,
            written.keys,
            [put.product for put in puts],
            [put.text_vector for put in puts],
        )
        return ProductsUpserted(
            written.revision,
            [put.product.etag for put in puts],
            [put.product.id for put in puts if put.text_vector is None],
        )

    def get(
        self, product_id: str, *, min_revision: int = 0, deadline: float | None = None
    ) -> tuple[Product, int]:
        """A product and the revision that the read saw.

        Raises:
            NotFoundError: PRODUCT_NOT_FOUND.
            FailedPreconditionError: REVISION_NOT_REACHED.
        """
        found = Violations()
        found.identifier("product_id", product_id, self._limits.max_product_id_bytes)
        found.check()
        check_min_revision(min_revision)
        revision = self._live.wait_for_revision(min_revision, deadline)
        stored = self._store.get_products([product_id]).get(product_id)
        if stored is None:
            raise product_not_found(product_id)
        return stored.product, revision

    def list(
        self,
        *,
        size: int = 0,
        page_token: str = "",
        filter_text: str = "",
        min_revision: int = 0,
        deadline: float | None = None,
    ) -> ProductPage:
        """A page of the products that match, in the order of their ids (bytes)."""
        size = page_size(size, self._limits.default_page_size, self._limits.max_page_size)
        check_min_revision(min_revision)
        allowed = self._live.matching(filter_text, self._limits)
        request = request_hash("ListProducts", filter_text)
        after_id = self._after_id(page_token, request) if page_token else ""
        revision = self._live.wait_for_revision(min_revision, deadline)
        if allowed is None:
            products = [s.product for s in self._store.list_products(after_id, size + 1)]
            total = len(self._live)
        else:
            ids = self._live.ids_allowed(allowed)
            after = after_id.encode()
            wanted = heapq.nsmallest(
                size + 1, (i for i in ids if i.encode() > after), key=lambda i: i.encode()
            )
            stored = self._store.get_products(wanted)
            products = [stored[i].product for i in wanted if i in stored]
            total = len(ids)
        token = ""
        if len(products) > size:
            products = products[:size]
            token = self._signer.seal(request + products[-1].id.encode(), "products")
        return ProductPage(products, token, total, revision)

    def delete(
        self,
        product_ids: Sequence[str],
        *,
        request: Request | None = None,
        serialise: Callable[[ProductsDeleted], bytes] | None = None,
    ) -> ProductsDeleted | Replay:
        """Delete up to 256 products; unknown ids are reported."""
        if request is not None and (reply := self._store.replay(request)) is not None:
            return Replay(reply)
        found = Violations()
        found.identifiers("product_ids", product_ids, 1, self._limits.max_products, self._limits)
        found.check()
        outcome = self.remove(product_ids, request=request)
        if request is not None and serialise is not None and not isinstance(outcome, Replay):
            self._store.keep_reply(request, serialise(outcome))
        return outcome

    def remove(
        self, product_ids: Sequence[str], *, request: Request | None = None
    ) -> ProductsDeleted | Replay:
        """Delete any number of products in one step; distinct ids."""
        written = self._store.write_products((), product_ids, request=request)
        if written.replayed:
            return Replay(written.replayed)
        if not written.repeated and written.deleted_keys:
            self._live.apply_products(written.revision, (), (), (), written.deleted_keys)
        return ProductsDeleted(written.revision, len(written.deleted_keys), written.missing_ids)

    def _check_ids(self, writes: Sequence[ProductWrite]) -> None:
        found = Violations()
        if found.count("products", len(writes), 1, self._limits.max_products):
            seen: dict[str, int] = {}
            for i, write in enumerate(writes):
                first = seen.setdefault(write.product.id, i)
                if first != i:
                    found.add(
                        f"products[{i}].id",
                        f"the same as of products[{first}]; name each product once",
                    )
                found.identifier(
                    f"products[{i}].id", write.product.id, self._limits.max_product_id_bytes
                )
        found.check()

    def _after_id(self, token: str, request: bytes) -> str:
        payload = self._signer.open(token, "products")
        if payload[:_HASH_BYTES] != request:
            raise invalid_token("the filter differs from the one that the token came from")
        return payload[_HASH_BYTES:].decode()
