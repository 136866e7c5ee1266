"""CatalogService on the wire."""

from collections.abc import Iterable, Iterator, Mapping

from relatum.v1 import catalog_service_pb2 as pb
from relatum.v1 import product_pb2
from relatum_server.domain import ItemFailure
from relatum_server.errors import InvalidArgumentError
from relatum_server.rpc import convert
from relatum_server.rpc.endpoint import Call
from relatum_server.rpc.idempotency import Idempotency
from relatum_server.services.catalog import (
    CatalogService,
    ProductsDeleted,
    ProductsUpserted,
    Replay,
)
from relatum_server.services.catalog_import import (
    CatalogImportService,
    ImportLine,
    ImportMode,
    ProductsImported,
)
from relatum_server.services.offers import OfferService, OffersUpdated

_MODES: Mapping[int, ImportMode] = {
    pb.IMPORT_MODE_UNSPECIFIED: ImportMode.INCREMENTAL,
    pb.IMPORT_MODE_INCREMENTAL: ImportMode.INCREMENTAL,
    pb.IMPORT_MODE_FULL: ImportMode.FULL,
}


class CatalogServicer:
    """Bytes to products and back."""

    def __init__(
        self,
        service: CatalogService,
        imports: CatalogImportService,
        offers: OfferService,
        idempotency: Idempotency,
    ) -> None:
        self._service, self._imports, self._offers = service, imports, offers
        self._idempotency = idempotency

    def UpsertProducts(
        self, request: pb.UpsertProductsRequest, call: Call
    ) -> pb.UpsertProductsResponse | bytes:
        """Write products, all or nothing."""
        writes = [
            convert.product_write(message, f"products[{index}]")
            for index, message in enumerate(request.products)
        ]
        mask = None
        if request.HasField("update_mask"):
            mask = convert.mask_paths(request.update_mask, "update_mask", writable=True)
        outcome = self._service.upsert(
            writes,
            update_mask=mask,
            request=self._idempotency.key("UpsertProducts", request.request_id, request),
            serialise=lambda done: _upserted(done).SerializeToString(),
            deadline=call.deadline,
        )
        return outcome.reply if isinstance(outcome, Replay) else _upserted(outcome)

    def ImportProducts(
        self, requests: Iterator[pb.ImportProductsRequest], call: Call
    ) -> pb.ImportProductsResponse | bytes:
        """Write the products of a stream."""
        first = next(requests, pb.ImportProductsRequest())
        mode = _MODES.get(first.options.mode)
        if mode is None:
            raise InvalidArgumentError(
                "options.mode",
                f"{first.options.mode} is not a value of ImportMode",
                reason="UNKNOWN_ENUM_VALUE",
            )
        outcome = self._imports.import_products(
            _batches(first, requests),
            mode=mode,
            force_delete=first.options.force_delete,
            request=self._idempotency.key(
                "ImportProducts", first.options.request_id, first.options
            ),
            serialise=lambda done: _imported(done).SerializeToString(),
            deadline=call.deadline,
        )
        return outcome.reply if isinstance(outcome, Replay) else _imported(outcome)

    def GetProduct(self, request: pb.GetProductRequest, call: Call) -> pb.GetProductResponse:
        """Read one product."""
        paths = convert.mask_paths(request.read_mask, "read_mask") or None
        product, revision = self._service.get(
            request.product_id, min_revision=request.min_revision, deadline=call.deadline
        )
        return pb.GetProductResponse(
            product=convert.product_message(product, paths), revision=revision
        )

    def ListProducts(self, request: pb.ListProductsRequest, call: Call) -> pb.ListProductsResponse:
        """Read a page of products."""
        paths = convert.mask_paths(request.read_mask, "read_mask") or None
        page = self._service.list(
            size=request.page_size,
            page_token=request.page_token,
            filter_text=request.filter,
            min_revision=request.min_revision,
            deadline=call.deadline,
        )
        return pb.ListProductsResponse(
            products=[convert.product_message(product, paths) for product in page.products],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
            revision=page.revision,
        )

    def DeleteProducts(
        self, request: pb.DeleteProductsRequest, call: Call
    ) -> pb.DeleteProductsResponse | bytes:
        """Delete products."""
        del call
        outcome = self._service.delete(
            request.product_ids,
            request=self._idempotency.key("DeleteProducts", request.request_id, request),
            serialise=lambda done: _deleted(done).SerializeToString(),
        )
        return outcome.reply if isinstance(outcome, Replay) else _deleted(outcome)

    def UpdateOffers(
        self, request: pb.UpdateOffersRequest, call: Call
    ) -> pb.UpdateOffersResponse | bytes:
        """Write what was observed of offers."""
        del call
        outcome = self._offers.update(
            [
                convert.offer_update(message, f"updates[{index}]")
                for index, message in enumerate(request.updates)
            ],
            request=self._idempotency.key("UpdateOffers", request.request_id, request),
            serialise=lambda done: _updated(done).SerializeToString(),
        )
        return outcome.reply if isinstance(outcome, Replay) else _updated(outcome)


def _batches(
    first: pb.ImportProductsRequest, rest: Iterator[pb.ImportProductsRequest]
) -> Iterator[list[ImportLine]]:
    start = 0
    yield _lines(first.products, start)
    start += len(first.products)
    for request in rest:
        if request.HasField("options"):
            raise InvalidArgumentError("options", "only the first message may carry them")
        yield _lines(request.products, start)
        start += len(request.products)


def _lines(products: Iterable[product_pb2.Product], start: int) -> list[ImportLine]:
    lines: list[ImportLine] = []
    for index, message in enumerate(products, start):
        try:
            lines.append((index, convert.product_write(message, f"products[{index}]")))
        except InvalidArgumentError as error:
            failure = ItemFailure(index, message.id[:128], error.reason, error.message)
            lines.append((index, failure))
    return lines


def _upserted(outcome: ProductsUpserted) -> pb.UpsertProductsResponse:
    return pb.UpsertProductsResponse(
        revision=outcome.revision,
        etags=outcome.etags,
        without_text_vector=outcome.without_text_vector,
    )


def _imported(outcome: ProductsImported) -> pb.ImportProductsResponse:
    return pb.ImportProductsResponse(
        revision=outcome.revision,
        received=outcome.received,
        written=outcome.written,
        deleted=outcome.deleted,
        failed=outcome.failed,
        errors=[convert.import_error(failure) for failure in outcome.errors],
        without_text_vector=outcome.without_text_vector,
    )


def _updated(outcome: OffersUpdated) -> pb.UpdateOffersResponse:
    return pb.UpdateOffersResponse(
        revision=outcome.revision,
        outcomes=[int(one) for one in outcome.outcomes],  # type: ignore[misc]
    )


def _deleted(outcome: ProductsDeleted) -> pb.DeleteProductsResponse:
    return pb.DeleteProductsResponse(
        revision=outcome.revision,
        deleted=outcome.deleted,
        missing_product_ids=outcome.missing_product_ids,
    )
