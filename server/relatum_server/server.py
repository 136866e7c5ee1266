"""The composition root: builds each object once, starts, drains, stops."""

import gc
import importlib.metadata
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import grpc

from relatum.v1 import (
    association_service_pb2,
    catalog_service_pb2,
    embedding_service_pb2,
    recommendation_service_pb2,
    search_service_pb2,
    server_info_service_pb2,
)
from relatum_server import observability
from relatum_server.artifact import Artifact, load_artifact, load_ridge
from relatum_server.config import Settings
from relatum_server.encoder.onnx import OnnxEncoder, OnnxSettings
from relatum_server.encoder.pair_head import OnnxPairHead
from relatum_server.encoder.session import SessionSettings
from relatum_server.encoder.user_encoder import OnnxUserEncoder
from relatum_server.errors import ArtifactError, ConfigError
from relatum_server.rpc.admission import HandlerPool
from relatum_server.rpc.association import AssociationServicer
from relatum_server.rpc.catalog import CatalogServicer
from relatum_server.rpc.embedding import EmbeddingServicer
from relatum_server.rpc.health import Health
from relatum_server.rpc.idempotency import Idempotency
from relatum_server.rpc.info import (
    CatalogueFacts,
    ServerInfoServicer,
    library_versions,
    model_facts,
)
from relatum_server.rpc.listener import grpc_server
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
from relatum_server.services.paging import PinnedLists, TokenSigner
from relatum_server.services.pair_scores import PairScorer
from relatum_server.services.pairs import PairService
from relatum_server.services.personal import PersonalRanker
from relatum_server.services.places import BehaviourPlaces
from relatum_server.services.projections import BEHAVIOUR, Projections
from relatum_server.services.ranked import RankedPages
from relatum_server.services.recommendation import RecommendationService
from relatum_server.services.search import SearchService
from relatum_server.services.text_vectors import TextVectors
from relatum_server.services.users import Users
from relatum_server.store.base import Store
from relatum_server.store.directory import DataDirectory
from relatum_server.store.identity import ShopperKey
from relatum_server.store.sqlite import open_sqlite

log = observability.logger("server")

MAX_PORT = 65_535  # gRPC takes a larger number modulo 65,536


@dataclass(frozen=True, slots=True)
class _Heads:
    """The graphs beside the encoder, each None where the artifact lacks it."""

    pairs: OnnxPairHead | None
    users: OnnxUserEncoder | None

    @classmethod
    def open(cls, artifact: Artifact) -> "_Heads":
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
        )


class RelatumServer:
    """A built server. `start` serves, `drain` finishes what was accepted, `close` frees all."""

    def __init__(
        self, settings: Settings, server: grpc.Server, health: Health, resources: ExitStack
    ) -> None:
        self._settings, self._server, self._health = settings, server, health
        self._resources = resources

    def start(self) -> str:
        """Bind, start and become SERVING; the address.

        Raises:
            ConfigError: the address cannot be bound.
        """
        host, _, port = self._settings.listen.rpartition(":")
        if not host or not port.isdecimal() or int(port) > MAX_PORT:
            raise ConfigError(
                f"--listen {self._settings.listen} is not HOST:PORT with a port of 0..{MAX_PORT}"
            )
        try:
            bound = self._server.add_insecure_port(self._settings.listen)
        except RuntimeError as error:
            raise ConfigError(
                f"--listen {self._settings.listen} cannot be bound: another process has it, or "
                "this machine lacks the address"
            ) from error
        self._server.start()
        self._health.set(serving=True)
        address = f"{host}:{bound}"
        log.info("serving", address=address)
        return address

    def drain(self) -> None:
        """NOT_SERVING, time for balancers to see it, then wait for the calls under way."""
        self._health.drain()
        time.sleep(self._settings.drain_s)
        self._server.stop(self._settings.grace_s).wait()
        log.info("drained")

    def close(self) -> None:
        """Stop at once what still runs and free everything. Safe twice."""
        self._server.stop(None).wait()
        self._resources.close()


def build(settings: Settings) -> RelatumServer:
    """Verify, open, check, load and warm up; nothing is served yet.

    Raises:
        ArtifactError: damaged, foreign, or below its own thresholds.
        StoreError: the data directory cannot be used.
        ConfigError: a setting does not fit this machine.
    """
    with ExitStack() as resources:
        artifact = load_artifact(settings.artifact)
        directory = DataDirectory.open(settings.data_dir)
        resources.callback(directory.close)
        encoder = _open_encoder(artifact, settings)
        resources.callback(encoder.close)
        cosine = encoder.check_golden(artifact)
        heads = _Heads.open(artifact)
        encoder.warm_up()
        log.info(
            "encoder",
            model_id=artifact.model_id,
            encoder_id=encoder.encoder_id,
            provider=encoder.provider,
            precision=encoder.precision,
            count=round(cosine, 5),
        )
        key = ShopperKey.load_or_create(settings.user_key_file or directory.user_key)
        store = open_sqlite(directory.database, durability=settings.durability)
        resources.callback(store.close)
        started = time.monotonic()
        projections = Projections.open(artifact, directory.path, store)
        gc.freeze()  # millions of objects that stay: no later collection looks at them
        resources.callback(projections.close)
        live = projections.live
        log.info(
            "catalogue",
            products=len(live),
            revision=live.revision,
            seconds=round(time.monotonic() - started, 2),
        )
        pool = HandlerPool(settings.max_workers)
        resources.callback(pool.shutdown)
        servicers = _servicers(
            settings, artifact, encoder=encoder, heads=heads, store=store, live=live, key=key
        )
        health = Health(list(servicers))
        resources.callback(health.close)
        server = grpc_server(settings, pool, servicers, health)
        return RelatumServer(settings, server, health, resources.pop_all())


def _open_encoder(artifact: Artifact, settings: Settings) -> OnnxEncoder:
    return OnnxEncoder.open(
        artifact.encoder,
        OnnxSettings(
            session=SessionSettings(
                provider=settings.provider,
                require_cuda=settings.require_cuda,
                precision=settings.precision,
                intra_op_threads=settings.intra_op_threads,
            ),
            workers=settings.encoder_sessions,
            max_batch_tokens=settings.max_batch_tokens,
            max_queue_tokens=settings.max_queue_tokens,
            cache_bytes=settings.embedding_cache_mib * 2**20,
        ),
    )


def _servicers(
    settings: Settings,
    artifact: Artifact,
    *,
    encoder: OnnxEncoder,
    heads: _Heads,
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
            catalog, imports, idempotency
        ),
        _name(embedding_service_pb2, "EmbeddingService"): EmbeddingServicer(
            EmbeddingService(encoder, dimensions, limits), artifact.model_id
        ),
        _name(association_service_pb2, "AssociationService"): AssociationServicer(
            AssociationService(live, encoder, pages, limits, scorer=scorer, places=places),
            PairService(live, scorer, artifact.model_id, limits, graph),
        ),
        _name(search_service_pb2, "SearchService"): SearchServicer(
            SearchService(live, encoder, pages, digest=key.digest, limits=limits),
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


def _places(artifact: Artifact, live: LiveCatalogue) -> BehaviourPlaces | None:
    """The behaviour space with places for products without behaviour; None without a space."""
    index = live.behaviour.index
    if index is None:
        return None
    ridge = None if artifact.ridge is None else load_ridge(artifact.ridge)
    return BehaviourPlaces(live, index, ridge)


def _personal_ranker(
    artifact: Artifact, heads: _Heads, live: LiveCatalogue, places: BehaviourPlaces | None
) -> PersonalRanker:
    """The artifact's ranker, whose source `users` asks the user encoder where there is one."""
    if heads.users is None or places is None:
        return PersonalRanker(live, artifact.ranker)
    return PersonalRanker(live, artifact.ranker, {"users": Users(heads.users, places).source})
