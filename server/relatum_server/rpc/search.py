"""SearchService on the wire."""

from relatum.v1 import search_service_pb2 as pb
from relatum_server.rpc import convert
from relatum_server.rpc.endpoint import Call
from relatum_server.services.completion import CompletionService
from relatum_server.services.ranked import Paging
from relatum_server.services.search import SearchQuery, SearchService


class SearchServicer:
    """Bytes to queries, ranked lists to bytes."""

    def __init__(self, service: SearchService, completion: CompletionService) -> None:
        self._service, self._completion = service, completion

    def Search(self, request: pb.SearchRequest, call: Call) -> pb.SearchResponse:
        """Search by words and by meaning."""
        paths = convert.mask_paths(request.read_mask, "read_mask")
        page = self._service.search(
            SearchQuery(
                query=request.query,
                filter=request.filter,
                facets=tuple(request.facets),
                candidate_ids=tuple(request.candidate_ids),
                disable_lexical=request.disable_lexical,
                disable_semantic=request.disable_semantic,
                user_id=request.user_id,
                all_variants=request.all_variants,
                disable_spelling_correction=request.disable_spelling_correction,
                disable_reranking=request.disable_reranking,
            ),
            Paging(
                size=request.page_size,
                token=request.page_token,
                read_mask=bool(paths),
                min_revision=request.min_revision,
                deadline=call.deadline,
            ),
        )
        return pb.SearchResponse(
            results=convert.results(page.results, paths),
            facets=[convert.facet(counts) for counts in page.facets],
            next_page_token=page.next_page_token,
            attribution_token=page.attribution_token,
            revision=page.revision,
            model_id=page.model_id,
            missing_product_ids=page.missing_product_ids,
            corrected_query=page.corrected_query,
        )

    def CompleteQuery(
        self, request: pb.CompleteQueryRequest, call: Call
    ) -> pb.CompleteQueryResponse:
        """Complete what was typed."""
        del call
        found = self._completion.complete(request.prefix, request.page_size)
        return pb.CompleteQueryResponse(
            queries=[
                pb.QuerySuggestion(query=query, count=count) for query, count in found.queries
            ],
            products=[
                pb.ProductSuggestion(product_id=product_id, title=title)
                for product_id, title in found.products
            ],
        )
