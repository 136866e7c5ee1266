"""Assembly of the services, each built once out of what was opened, and of their servicers."""

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass

from relatum.v1 import (
    association_service_pb2,
    catalog_service_pb2,
    embedding_service_pb2,
    recommendation_service_pb2,
    search_service_pb2,
    server_info_service_pb2,
)
from relatum_server.artifact import Artifact, load_ridge
from relatum_server.config import Settings
from relatum_server.encoder.onnx import OnnxEncoder
from relatum_server.encoder.pair_head import OnnxPairHead
from relatum_server.encoder.reranker import OnnxReranker
from relatum_server.encoder.user_encoder import OnnxUserEncoder
from relatum_server.errors import ArtifactError
from relatum_server.ranking.fusion import RelationWeights, SearchWeights
from relatum_server.rpc.association import AssociationServicer
from relatum_server.rpc.catalog import CatalogServicer
from relatum_server.rpc.embedding import EmbeddingServicer
from relatum_server.rpc.idempotency import Idempotency
from relatum_server.rpc.info import (
    CatalogueFacts,
    ServerInfoServicer,
    library_versions,
    model_facts,
)
from relatum_server.rpc.recommendation import RecommendationServicer
from relatum_server.rpc.search import SearchServicer
from relatum_server.services.association import AssociationService
from relatum_server.services.catalog import CatalogService
from relatum_server.services.catalog_import import CatalogImportService
from relatum_server.services.completion import CompletionService
from relatum_server.services.embedding import EmbeddingService
from relatum_server.services.events import EventService
from relatum_server.services.knowledge import KnowledgeGraph
from relatum_server.services.limits import Limits
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.offers import OfferService
from relatum_server.services.paging import PinnedLists, TokenSigner
from relatum_server.services.pair_scores import PairScorer
from relatum_server.services.pairs import PairService
from relatum_server.services.personal import PersonalRanker
from relatum_server.services.places import BehaviourPlaces
from relatum_server.services.projections import BEHAVIOUR
from relatum_server.services.ranked import RankedPages
from relatum_server.services.recommendation import RecommendationService
from relatum_server.services.reranking import Reranking
from relatum_server.services.search import SearchService
from relatum_server.services.text_vectors import TextVectors
from relatum_server.services.users import Users
from relatum_server.store.base import Store
from relatum_server.store.identity import ShopperKey


@dataclass(frozen=True, slots=True)
class Heads:
    """The graphs beside the encoder, each None where the artifact lacks it."""

    pairs: OnnxPairHead | None
    users: OnnxUserEncoder | None
    reranker: OnnxReranker | None

    @classmethod
    def open(cls, artifact: Artifact) -> "Heads":
        """Open what the artifact has, and try its golden inputs."""
        pairs, users = artifact.pair_head, artifact.user_encoder
        difference = artifact.golden_max_difference
        if users is not None and users.space != BEHAVIOUR:
            raise ArtifactError(
                f"{users.path}: asks the space {users.space}, and this server asks {BEHAVIOUR} "
                "alone; export again with the server's version of relatum"
            )
        return cls(
            None if pairs is None else OnnxPairHead.open(pairs, difference),
            None if users is None else OnnxUserEncoder.open(users, difference),
            None if artifact.reranker is None else OnnxReranker.open(artifact.reranker),
        )


def build_servicers(
    settings: Settings,
    artifact: Artifact,
    *,
    encoder: OnnxEncoder,
    heads: Heads,
    store: Store,
    live: LiveCatalogue,
    key: ShopperKey,
) -> Mapping[str, object]:
    """A servicer by the full name of its service."""
    limits = Limits(
        max_concurrent_requests=settings.max_concurrent_requests,
        max_deadline_s=settings.max_deadline_s,
    )
    signer = TokenSigner(key.digest)
    pages = RankedPages(
        store,
        live,
        signer=signer,
        pinned=PinnedLists(signer),
        limits=limits,
        model_id=artifact.model_id,
    )
    vectors = TextVectors(encoder, artifact.encoder.text_form, store)
    catalog = CatalogService(store, live, vectors, signer, limits)
    imports = CatalogImportService(catalog, store, live, vectors, limits)
    idempotency = Idempotency(key.digest, limits)
    dimensions = artifact.encoder.matryoshka_dimensions
    events = EventService(store, live, key.digest, limits)
    places = _places(artifact, live)
    words = artifact.words
    relation_weights, search_weights = RelationWeights(), SearchWeights()
    if words is not None:
        relation_weights = RelationWeights(words=words.similar)
        search_weights = SearchWeights(lexical=words.search, rerank=words.rerank)
    recommendation = RecommendationService(
        live,
        events,
        pages,
        digest=key.digest,
        limits=limits,
        ranker=_personal_ranker(artifact, heads, live, places),
    )
    scorer = None if heads.pairs is None else PairScorer(live, store, encoder, heads.pairs)
    graph = KnowledgeGraph.read(artifact.graph_path) if artifact.graph_path else None
    return {
        _name(catalog_service_pb2, "CatalogService"): CatalogServicer(
            catalog, imports, OfferService(store, live, limits), idempotency
        ),
        _name(embedding_service_pb2, "EmbeddingService"): EmbeddingServicer(
            EmbeddingService(encoder, dimensions, limits), artifact.model_id
        ),
        _name(association_service_pb2, "AssociationService"): AssociationServicer(
            AssociationService(
                live,
                encoder,
                pages,
                limits,
                scorer=scorer,
                places=places,
                weights=relation_weights,
            ),
            PairService(live, scorer, artifact.model_id, limits, graph),
        ),
        _name(search_service_pb2, "SearchService"): SearchServicer(
            SearchService(
                live,
                encoder,
                pages,
                digest=key.digest,
                limits=limits,
                weights=search_weights,
                reranking=_reranking(artifact, heads, store),
            ),
            CompletionService(store, live, limits),
        ),
        _name(recommendation_service_pb2, "RecommendationService"): RecommendationServicer(
            recommendation, events, idempotency
        ),
        _name(server_info_service_pb2, "ServerInfoService"): ServerInfoServicer(
            version=importlib.metadata.version("relatum"),
            library_versions=library_versions(),
            model=model_facts(artifact, encoder.provider, encoder.precision),
            limits=limits,
            catalogue=lambda: CatalogueFacts(
                live.revision,
                len(live),
                {
                    "text": len(live.text),
                    "behaviour": len(live.behaviour),
                    **{name: len(space) for name, space in live.spaces.items()},
                },
            ),
        ),
    }


def _name(module: object, service: str) -> str:
    return str(module.DESCRIPTOR.services_by_name[service].full_name)  # type: ignore[attr-defined]


def _reranking(artifact: Artifact, heads: Heads, store: Store) -> Reranking | None:
    """What reads a query with the products that a caller names; None where it weighs nothing."""
    spec = artifact.reranker
    if spec is None or heads.reranker is None or not spec.rerank:
        return None
    return Reranking(heads.reranker, spec.rerank, artifact.encoder.text_form, store)


def _places(artifact: Artifact, live: LiveCatalogue) -> BehaviourPlaces | None:
    """The behaviour space with places for products without behaviour; None without a space."""
    index = live.behaviour.index
    if index is None:
        return None
    ridge = None if artifact.ridge is None else load_ridge(artifact.ridge)
    return BehaviourPlaces(live, index, ridge)


def _personal_ranker(
    artifact: Artifact, heads: Heads, live: LiveCatalogue, places: BehaviourPlaces | None
) -> PersonalRanker:
    """The artifact's ranker, whose source `users` asks the user encoder where there is one."""
    if heads.users is None or places is None:
        return PersonalRanker(live, artifact.ranker)
    return PersonalRanker(live, artifact.ranker, {"users": Users(heads.users, places).source})
