"""Each source of the ranker says of a served shopper what it says offline."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.evaluation.recommendation.user_encoder import ServedUsers
from relatum_export.evaluation.systems import BehaviourSpace
from relatum_export.training.ranker.model import WeightedSource
from relatum_export.training.ranker.requests import BasketLog, Request
from relatum_export.training.ranker.sources import (
    Frequency,
    ItemPairs,
    Popularity,
    RecentCoPurchase,
    RecentPopularity,
    Source,
    Space,
)
from relatum_export.training.users.export import GRAPH, RIDGE, write_graph
from relatum_export.training.users.model import UserEncoder
from relatum_export.training.users.settings import UserSettings
from relatum_server.artifact import RankerSource, RankerSpec, UserEncoderSpec
from relatum_server.domain import Event, EventType, Product, ProductQuantity
from relatum_server.encoder.graph import Graph
from relatum_server.encoder.user_encoder import OnnxUserEncoder
from relatum_server.services.ranked import Paging
from relatum_server.services.recommendation import RecommendQuery
from tests.fakes.encoder import FakeEncoder
from tests.unit.server.services.conftest import DAY_US, NOW_US, Shop, build_shop

ITEMS, SHOPPERS, DIMENSION = 12, 40, 5
USERS = UserSettings(dimension=8, layers=1, max_history=6, batch_events=6, time_gaps="on")
IDS = [f"p{i:02d}" for i in range(ITEMS)]
WEIGHT, NEW_WEIGHT, POWER, STEP = 3.0, 1.5, 0.5, 0.8
END_US = (NOW_US // DAY_US) * DAY_US  # so that days and windows of seven days begin together


@dataclass(frozen=True)
class Basket:
    """Items of one shopper at a time."""

    shopper: int
    time_us: int
    items: tuple[int, ...]


def baskets() -> list[Basket]:
    draw = np.random.default_rng(5)
    found = [
        Basket(
            shopper=int(draw.integers(SHOPPERS)),
            time_us=END_US - int(draw.integers(1, 40 * 24)) * DAY_US // 24,
            items=tuple(sorted(draw.choice(ITEMS, draw.integers(1, 5), replace=False).tolist())),
        )
        for _ in range(300)
    ]
    return sorted(found, key=lambda basket: basket.time_us)


BASKETS = baskets()
VECTORS = {
    name: np.random.default_rng(seed).normal(size=(ITEMS, DIMENSION)).astype(np.float16)
    for seed, name in enumerate(("diffused", "complement_out", "complement_in"))
}
for name in ("diffused",):
    VECTORS[name] /= np.linalg.norm(VECTORS[name], axis=1, keepdims=True)


def held() -> sparse.csr_matrix:
    rows = [n for n, basket in enumerate(BASKETS) for _ in basket.items]
    columns = [item for basket in BASKETS for item in basket.items]
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (300, ITEMS))


def log() -> BasketLog:
    return BasketLog(np.array([basket.time_us / 1e6 for basket in BASKETS]), held())


def associations() -> sparse.csr_matrix:
    together = (held().T @ held()).toarray()
    counts = np.diag(together).copy()
    np.fill_diagonal(together, 0.0)
    roots = np.sqrt(np.maximum(counts[:, None], together) * np.maximum(counts[None, :], together))
    return sparse.csr_matrix((together / (roots + 5.0)).astype(np.float32))


def request(shopper: int) -> Request:
    own = [basket for basket in BASKETS if basket.shopper == shopper]
    return Request(
        tuple(np.array(basket.items) for basket in own),
        END_US / 1e6,
        np.concatenate([[basket.time_us / 86_400e6] * len(basket.items) for basket in own]),
    )


def space(asked: str, found: str) -> Space:
    return Space(VECTORS[asked].astype(np.float32), VECTORS[found].astype(np.float32), STEP)


SOURCES: dict[str, tuple[Source, dict[str, float]]] = {
    "frequency": (Frequency(ITEMS, STEP), {"basket_step": STEP}),
    "lasting_frequency": (Frequency(ITEMS, 1.0), {"basket_step": 1.0}),
    "recent_popularity": (RecentPopularity(log()), {}),
    "recent_copurchase": (
        RecentCoPurchase(log(), 3.0, STEP),
        {"half_life_days": 3.0, "basket_step": STEP},
    ),
    "copurchase": (ItemPairs(associations(), STEP, mean=True), {"history_step": STEP}),
    "popularity": (Popularity(np.asarray(held().sum(axis=0)).ravel()), {}),
    "diffused": (space("diffused", "diffused"), {"history_step": STEP}),
    "complement": (space("complement_out", "complement_in"), {"history_step": STEP}),
}


def served(name: str, settings: dict[str, float], folder: Path, **parts: Any) -> Shop:
    spec = RankerSpec(
        1, True, (RankerSource(name, WEIGHT, NEW_WEIGHT, ITEMS, settings, power=POWER),)
    )
    shop = build_shop(
        folder,
        ranker=spec,
        spaces={
            space: dict(zip(IDS, rows.tolist(), strict=True)) for space, rows in VECTORS.items()
        },
        **parts,
    )
    shop.add(*(Product(i, f"thing {i}") for i in IDS))
    lines = [
        Event(
            "",
            EventType.PURCHASE,
            user=f"u{basket.shopper}",
            session=f"b{number}",
            time_us=basket.time_us,
            items=(ProductQuantity(IDS[item]),),
        )
        for number, basket in enumerate(BASKETS)
        for item in basket.items
    ]
    for start in range(0, len(lines), 200):
        shop.events.write(list(enumerate(lines[start : start + 200])))
    return shop


def scores(shop: Shop, shopper: int) -> NDArray[np.float64]:
    page = shop.recommendation.recommend(
        RecommendQuery(user_id=f"u{shopper}", candidate_ids=tuple(IDS)), Paging(size=ITEMS)
    )
    found = np.zeros(ITEMS)
    for line in page.results:
        found[IDS.index(line.product_id)] = line.score
    return found


def assert_served_as(shop: Shop, source: Source, asked: Callable[[int], Request] = request) -> None:
    known = sorted({basket.shopper for basket in BASKETS})[:8]
    offline = WeightedSource(source, WEIGHT, POWER, NEW_WEIGHT).contributions(
        [asked(shopper) for shopper in known]
    )

    assert (offline > 0).any()
    for shopper, expected in zip(known, offline, strict=True):
        assert scores(shop, shopper) == pytest.approx(expected, rel=2e-3, abs=2e-3)


@pytest.mark.parametrize("name", list(SOURCES))
def test_a_served_score_is_the_offline_one(tmp_path: Path, name: str) -> None:
    source, settings = SOURCES[name]

    assert_served_as(served(name, settings, tmp_path), source)


def test_a_served_score_of_text_is_the_offline_one(tmp_path: Path) -> None:
    shop = served("text", {"history_step": STEP}, tmp_path)
    vectors, _ = shop.live.text.get(shop.live.keys.keys_of(IDS))

    assert_served_as(shop, Space(vectors, vectors, STEP))


@pytest.mark.parametrize("repeats", [True, False])
def test_a_served_score_of_the_user_encoder_is_that_of_its_files(
    tmp_path: Path, *, repeats: bool
) -> None:
    known, ridge = behaviour(), ridge_map()
    spec = write_users(tmp_path, ridge, repeats=repeats)
    shop = served(
        "users",
        {},
        tmp_path,
        behaviour={item: row.tolist() for item, row in known.items()},
        users=OnnxUserEncoder(spec, Graph(spec.path, ("vectors", "lengths", "gap_days"), "query")),
        ridge=ridge.tolist(),
    )
    texts, _ = shop.live.text.get(shop.live.keys.keys_of(IDS))
    space = BehaviourSpace(tuple(known), np.stack(list(known.values())).astype(np.float32))
    read = ServedUsers.read(tmp_path, space, max_history=spec.max_history, repeats=repeats)

    def asked(shopper: int) -> Request:
        return replace(request(shopper), time=BASKETS[-1].time_us / 1e6)

    assert_served_as(shop, read.source(IDS, texts), asked)


def behaviour() -> dict[str, NDArray[np.float16]]:
    """Of all products but two, which nobody has bought yet as far as the artifact knows."""
    draw = np.random.default_rng(8)
    rows = draw.normal(size=(ITEMS - 2, USERS.dimension))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return dict(zip(IDS, rows.astype(np.float16), strict=False))


def ridge_map() -> NDArray[np.float32]:
    shape = (FakeEncoder().dimension + 1, USERS.dimension)
    return np.random.default_rng(9).normal(scale=0.3, size=shape).astype(np.float32)


def write_users(folder: Path, ridge: NDArray[np.float32], *, repeats: bool) -> UserEncoderSpec:
    torch.manual_seed(0)
    write_graph(UserEncoder(USERS), folder / GRAPH)
    np.save(folder / RIDGE, ridge, allow_pickle=False)
    return UserEncoderSpec(
        folder / GRAPH,
        "behaviour",
        USERS.dimension,
        USERS.max_history,
        reads_gaps=True,
        repeats=repeats,
        golden_path=folder / "none",
    )
