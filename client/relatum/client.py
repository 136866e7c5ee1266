"""The client for threads: every call of the API, with plain values in and out."""

from collections.abc import Iterable, Sequence

from relatum import channel, convert, requests
from relatum.pairs import AssociationScores, Side
from relatum.requests import EventLike, OfferLike, ProductLike
from relatum.server_info import ServerInfo
from relatum.transport import Transport
from relatum.types import (
    Completions,
    DeleteResult,
    Embeddings,
    ImportResult,
    OffersResult,
    Product,
    ProductPage,
    Profile,
    RankedList,
    UpsertResult,
    WriteEventsResult,
)
from relatum.v1 import (
    catalog_service_pb2,
    recommendation_service_pb2,
    search_service_pb2,
    server_info_service_pb2,
)


class Client(Transport):
    """Calls a relatum server, or several; may be shared by threads.

    Every call raises a subclass of `RelatumError` when it fails, and ValueError for arguments that
    cannot be written as a request. `timeout_s` of a call overrides the client's.

    Args:
        target: HOST:PORT, or several joined by commas, which share the load.
        timeout_s: Seconds that a call may take, retries included.
        credentials: For TLS; plain text without.
        metadata: Pairs sent with every call, such as an API key.
        wait_for_ready: Wait for a server until the deadline instead of failing at once.
    """

    def search(
        self,
        query: str = "",
        *,
        filter: str = "",  # noqa: A002 - the API's name
        page_size: int = 0,
        page_token: str = "",
        facets: Sequence[str] = (),
        candidate_ids: Sequence[str] = (),
        disable_lexical: bool = False,
        disable_semantic: bool = False,
        user_id: str = "",
        read_mask: Sequence[str] = (),
        min_revision: int = 0,
        all_variants: bool = False,
        disable_spelling_correction: bool = False,
        disable_reranking: bool = False,
        timeout_s: float | None = None,
    ) -> RankedList:
        """Products for free text."""
        request = requests.search(
            query=query,
            filter=filter,
            page_size=page_size,
            page_token=page_token,
            facets=facets,
            candidate_ids=candidate_ids,
            disable_lexical=disable_lexical,
            disable_semantic=disable_semantic,
            user_id=user_id,
            read_mask=read_mask,
            min_revision=min_revision,
            all_variants=all_variants,
            disable_spelling_correction=disable_spelling_correction,
            disable_reranking=disable_reranking,
        )
        return convert.ranked(self._call(self._search.Search, request, timeout_s))

    def complete(
        self, prefix: str, *, page_size: int = 0, timeout_s: float | None = None
    ) -> Completions:
        """What a shopper may be typing."""
        request = search_service_pb2.CompleteQueryRequest(prefix=prefix, page_size=page_size)
        return convert.completions(self._call(self._search.CompleteQuery, request, timeout_s))

    def related(
        self,
        *,
        product_id: str = "",
        text: str = "",
        positive: Sequence[str] = (),
        negative: Sequence[str] = (),
        batch: Sequence[str] = (),
        relation: str = "SIMILAR",
        filter: str = "",  # noqa: A002 - the API's name
        page_size: int = 0,
        page_token: str = "",
        read_mask: Sequence[str] = (),
        min_revision: int = 0,
        all_variants: bool = False,
        timeout_s: float | None = None,
    ) -> RankedList:
        """Products that belong with a product, a text or several; `batch` gives `lists`."""
        request = requests.related(
            product_id=product_id,
            text=text,
            positive=positive,
            negative=negative,
            batch=batch,
            relation=relation,
            filter=filter,
            page_size=page_size,
            page_token=page_token,
            read_mask=read_mask,
            min_revision=min_revision,
            all_variants=all_variants,
        )
        return convert.ranked(self._call(self._association.ListRelated, request, timeout_s))

    def score(
        self,
        pairs: Iterable[tuple[Side, Side]],
        *,
        min_revision: int = 0,
        timeout_s: float | None = None,
    ) -> AssociationScores:
        """What the second of each of up to 256 pairs is to the first, with probabilities.

        A side is a product's id, or a `Text` that is taken for a title.
        """
        request = requests.score(pairs, min_revision)
        return convert.scores(self._call(self._association.ScoreAssociations, request, timeout_s))

    def recommend(
        self,
        user_id: str = "",
        *,
        kind: str = "PERSONALIZED",
        session_events: Iterable[EventLike] = (),
        filter: str = "",  # noqa: A002 - the API's name
        page_size: int = 0,
        page_token: str = "",
        candidate_ids: Sequence[str] = (),
        exclude_purchased: bool = False,
        read_mask: Sequence[str] = (),
        min_revision: int = 0,
        all_variants: bool = False,
        timeout_s: float | None = None,
    ) -> RankedList:
        """Products for a shopper, again for a shopper (BUY_AGAIN), or what is popular now."""
        request = requests.recommend(
            user_id=user_id,
            kind=kind,
            session_events=session_events,
            filter=filter,
            page_size=page_size,
            page_token=page_token,
            candidate_ids=candidate_ids,
            exclude_purchased=exclude_purchased,
            read_mask=read_mask,
            min_revision=min_revision,
            all_variants=all_variants,
        )
        return convert.ranked(self._call(self._recommendation.Recommend, request, timeout_s))

    def profile(
        self, user_id: str, *, min_revision: int = 0, timeout_s: float | None = None
    ) -> Profile | None:
        """What is known of a shopper; None when nothing is."""
        request = recommendation_service_pb2.GetProfileRequest(
            user_id=user_id, min_revision=min_revision
        )
        return convert.profile(self._call(self._recommendation.GetProfile, request, timeout_s))

    def write_events(
        self,
        events: Iterable[EventLike],
        *,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> WriteEventsResult:
        """Write up to 256 events. A request id is made where none is given."""
        request = recommendation_service_pb2.WriteEventsRequest(
            events=[requests.event(value) for value in events],
            request_id=requests.request_id(request_id),
        )
        reply = self._call(self._recommendation.WriteEvents, request, timeout_s)
        return convert.written_events(reply)

    def import_events(
        self, events: Iterable[EventLike], *, timeout_s: float = channel.IMPORT_TIMEOUT_S
    ) -> ImportResult:
        """Stream any number of events."""
        messages = requests.import_events(events)
        return convert.imported(
            self._stream(self._recommendation.ImportEvents, messages, timeout_s)
        )

    def upsert_products(
        self,
        products: Iterable[ProductLike],
        *,
        update_mask: Sequence[str] = (),
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> UpsertResult:
        """Write up to 256 products, all or nothing. A request id is made where none is given."""
        request = requests.upsert(products, update_mask, request_id)
        return convert.upserted(self._call(self._catalog.UpsertProducts, request, timeout_s))

    def import_products(
        self,
        products: Iterable[ProductLike],
        *,
        full: bool = False,
        force_delete: bool = False,
        request_id: str = "",
        timeout_s: float = channel.IMPORT_TIMEOUT_S,
    ) -> ImportResult:
        """Stream a catalogue. `full` deletes what it does not name, unless that is over 20 %.

        An error that the iterable raises ends the import and is raised here; a full import has
        then deleted nothing.
        """
        messages = requests.import_products(
            products, full=full, force_delete=force_delete, given_request_id=request_id
        )
        return convert.imported(self._stream(self._catalog.ImportProducts, messages, timeout_s))

    def get_product(
        self,
        product_id: str,
        *,
        read_mask: Sequence[str] = (),
        min_revision: int = 0,
        timeout_s: float | None = None,
    ) -> Product:
        """One product; all its fields without a mask."""
        request = catalog_service_pb2.GetProductRequest(
            product_id=product_id, read_mask=requests.mask(read_mask), min_revision=min_revision
        )
        return convert.product(self._call(self._catalog.GetProduct, request, timeout_s).product)

    def list_products(
        self,
        *,
        filter: str = "",  # noqa: A002 - the API's name
        page_size: int = 0,
        page_token: str = "",
        read_mask: Sequence[str] = (),
        min_revision: int = 0,
        timeout_s: float | None = None,
    ) -> ProductPage:
        """Products in the order of their ids, a page at a time."""
        request = catalog_service_pb2.ListProductsRequest(
            filter=filter,
            page_size=page_size,
            page_token=page_token,
            read_mask=requests.mask(read_mask),
            min_revision=min_revision,
        )
        return convert.product_page(self._call(self._catalog.ListProducts, request, timeout_s))

    def delete_products(
        self, product_ids: Sequence[str], *, request_id: str = "", timeout_s: float | None = None
    ) -> DeleteResult:
        """Delete up to 256 products."""
        request = catalog_service_pb2.DeleteProductsRequest(
            product_ids=product_ids, request_id=requests.request_id(request_id)
        )
        return convert.deleted(self._call(self._catalog.DeleteProducts, request, timeout_s))

    def update_offers(
        self, updates: Iterable[OfferLike], *, request_id: str = "", timeout_s: float | None = None
    ) -> OffersResult:
        """Write up to 1,000 observed prices, availabilities and ratings; the newest stays."""
        request = requests.update_offers(updates, request_id)
        return convert.updated_offers(self._call(self._catalog.UpdateOffers, request, timeout_s))

    def embed(
        self,
        texts: Sequence[str],
        *,
        kind: str = "DOCUMENT",
        dimension: int = 0,
        packed: bool = False,
        timeout_s: float | None = None,
    ) -> Embeddings:
        """Vectors of up to 256 texts; `packed` asks for half floats as bytes."""
        request = requests.embed(texts, kind, dimension, packed)
        return convert.embeddings(self._call(self._embedding.EmbedTexts, request, timeout_s))

    def info(self, *, timeout_s: float | None = None) -> ServerInfo:
        """Versions, model, limits and state of the server."""
        request = server_info_service_pb2.GetServerInfoRequest()
        return convert.server_info(self._call(self._info.GetServerInfo, request, timeout_s))
