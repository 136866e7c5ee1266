"""The services over a fake encoder and store: a whole shop without a model or a server."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relatum_server.artifact import RankerSpec, TextField, TextForm, WordWeights
from relatum_server.domain import Event, EventType, Product, ProductQuantity, ProductWrite
from relatum_server.encoder.pair_head import PairHead
from relatum_server.encoder.reranker import Reranker
from relatum_server.encoder.user_encoder import UserEncoder
from relatum_server.index.attributes import AttributeTable
from relatum_server.index.counters import EventCounters
from relatum_server.index.exact import ExactIndex
from relatum_server.index.lexical import Fts5Index
from relatum_server.ranking.fusion import RelationWeights, SearchWeights
from relatum_server.services.association import AssociationService
from relatum_server.services.behaviour import BehaviourPart
from relatum_server.services.catalog import CatalogService
from relatum_server.services.catalog_import import CatalogImportService
from relatum_server.services.completion import CompletionService
from relatum_server.services.events import EventService
from relatum_server.services.filtering import Filtering
from relatum_server.services.limits import Limits
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.offers import OfferService
from relatum_server.services.paging import PinnedLists, TokenSigner
from relatum_server.services.pair_scores import PairScorer
from relatum_server.services.pairs import PairService
from relatum_server.services.personal import PersonalRanker
from relatum_server.services.places import BehaviourPlaces
from relatum_server.services.ranked import RankedPages
from relatum_server.services.ranker import optional_counts
from relatum_server.services.recommendation import RecommendationService
from relatum_server.services.reranking import Reranking
from relatum_server.services.search import SearchService
from relatum_server.services.static_space import StaticSpace
from relatum_server.services.text_vectors import TextVectors
from relatum_server.services.traffic import Traffic
from relatum_server.services.users import Users
from tests.fakes.encoder import FakeEncoder
from tests.fakes.store import FakeStore

NOW_US = 1_700_000_000 * 1_000_000
DAY_US = 86_400 * 1_000_000
RERANKER_WEIGHT = 0.5
FORM = TextForm((TextField("title", 0), TextField("categories", 0)), " | ")


def digest(data: bytes, purpose: str) -> bytes:
    return hmac.digest(b"key" + purpose.encode(), data, hashlib.sha256)


@dataclass(frozen=True)
class WordsOfShop:
    """What the artifact says of words."""

    table: WordWeights
    similar: float = 0.0
    search: float = 0.0
    rerank: float = 0.0


@dataclass
class Shop:
    """All services over one store; `restarted` is a new server over the same store."""

    folder: Path
    store: FakeStore
    encoder: FakeEncoder
    live: LiveCatalogue
    catalog: CatalogService
    imports: CatalogImportService
    offers: OfferService
    association: AssociationService
    search: SearchService
    completion: CompletionService
    events: EventService
    recommendation: RecommendationService
    pairs: PairService
    parts: Mapping[str, Any]

    def restarted(self) -> "Shop":
        return build_shop(self.folder, store=self.store, **self.parts)

    def add(self, *products: Product) -> None:
        self.catalog.upsert([ProductWrite(product) for product in products])

    def buy(self, basket: str, *ids: str, user: str = "", days_ago: float = 0) -> None:
        event = Event(
            id="",
            type=EventType.PURCHASE,
            user=user,
            session=basket,
            time_us=int(NOW_US - days_ago * DAY_US),
            items=tuple(ProductQuantity(i) for i in ids),
        )
        self.events.write([(0, event)])


def build_shop(
    folder: Path,
    store: FakeStore | None = None,
    behaviour: Mapping[str, Sequence[float]] | None = None,
    limits: Limits | None = None,
    ranker: RankerSpec | None = None,
    traffic: Traffic | None = None,
    head: PairHead | None = None,
    users: UserEncoder | None = None,
    ridge: Sequence[Sequence[float]] | None = None,
    spaces: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    words: WordsOfShop | None = None,
    reranker: Reranker | None = None,
) -> Shop:
    store = FakeStore() if store is None else store
    limits = limits or Limits()
    encoder = FakeEncoder()
    part = BehaviourPart()
    if behaviour:
        vectors = np.array(list(behaviour.values()), np.float16)
        part = BehaviourPart(ExactIndex(vectors.shape[1]), list(behaviour), vectors)
    live = LiveCatalogue(
        store,
        encoder.encoder_id,
        text=ExactIndex(encoder.dimension),
        lexical=Fts5Index.open(
            folder / f"{secrets.token_hex(4)}.db", weights=None if words is None else words.table
        )[0],
        filtering=Filtering(AttributeTable()),
        behaviour=part,
        spaces={
            name: StaticSpace(list(rows), np.array(list(rows.values()), np.float16))
            for name, rows in (spaces or {}).items()
        },
        traffic=traffic or Traffic(EventCounters(optional=optional_counts(ranker))),
    )
    live.replay()
    signer = TokenSigner(digest)
    text_vectors = TextVectors(encoder, FORM, store)
    catalog = CatalogService(store, live, text_vectors, signer, limits, now_us=lambda: NOW_US)
    pages = RankedPages(
        store, live, signer=signer, pinned=PinnedLists(signer), limits=limits, model_id="model"
    )
    events = EventService(store, live, digest, limits, now_us=lambda: NOW_US)
    scorer = None if head is None else PairScorer(live, store, encoder, head)
    makers = {}
    places = None
    if part.index is not None:
        matrix = None if ridge is None else np.array(ridge, np.float32)
        places = BehaviourPlaces(live, part.index, matrix)
    if users is not None:
        assert places is not None
        makers["users"] = Users(users, places).source
    return Shop(
        folder=folder,
        store=store,
        encoder=encoder,
        live=live,
        catalog=catalog,
        imports=CatalogImportService(catalog, store, live, text_vectors, limits),
        offers=OfferService(store, live, limits, now_us=lambda: NOW_US),
        association=AssociationService(
            live,
            encoder,
            pages,
            limits,
            scorer=scorer,
            places=places,
            weights=None if words is None else RelationWeights(words=words.similar),
        ),
        search=SearchService(
            live,
            encoder,
            pages,
            digest=digest,
            limits=limits,
            weights=None
            if words is None
            else SearchWeights(lexical=words.search, rerank=words.rerank),
            reranking=None
            if reranker is None
            else Reranking(reranker, RERANKER_WEIGHT, FORM, store),
        ),
        completion=CompletionService(store, live, limits),
        events=events,
        recommendation=RecommendationService(
            live,
            events,
            pages,
            digest=digest,
            limits=limits,
            ranker=PersonalRanker(live, ranker, makers),
        ),
        pairs=PairService(live, scorer, "model", limits),
        parts={
            "behaviour": behaviour,
            "ranker": ranker,
            "head": head,
            "users": users,
            "ridge": ridge,
            "spaces": spaces,
            "words": words,
            "reranker": reranker,
        },
    )


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = build_shop(tmp_path)
    yield shop
    shop.live.close()
