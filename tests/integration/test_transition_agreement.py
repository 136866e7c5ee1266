"""The server's transitions are those of the table in the evaluation, counted before or live."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyarrow import parquet

from relatum_export.evaluation.transitions import Transitions
from relatum_export.evaluation.transitions import TransitionSettings as Offline
from relatum_server.artifact import RankerSource, RankerSpec
from relatum_server.domain import Event, EventType, EvidenceKind, Product, ProductQuantity
from relatum_server.index.counters import EventCounters
from relatum_server.services.copurchase import PairPart, read_transitions
from relatum_server.services.history import PurchaseHistory
from relatum_server.services.ranked import Paging
from relatum_server.services.ranker import optional_counts
from relatum_server.services.recommendation import RecommendQuery
from relatum_server.services.traffic import Traffic
from tests.unit.server.services.conftest import DAY_US, NOW_US, Shop, build_shop

ITEMS, WINDOW, STEP, BACKWARDS, POPULARITY, HISTORY = 12, 3, 0.6, 0.3, 0.25, 0.7
OFFLINE = Offline(WINDOW, STEP, BACKWARDS, POPULARITY, HISTORY)
SETTINGS = {
    "window": float(WINDOW),
    "step": STEP,
    "backwards": BACKWARDS,
    "row_power": 0.5,
    "popularity_power": POPULARITY,
    "history_step": HISTORY,
}
RANKER = RankerSpec(1, True, (RankerSource("transitions", 2.0, 2.0, ITEMS, SETTINGS),))


def histories() -> list[list[int]]:
    draw = np.random.default_rng(3)
    return [draw.integers(0, ITEMS, draw.integers(2, 9)).tolist() for _ in range(30)]


def raw_counts(known: list[list[int]]) -> NDArray[np.float64]:
    """Decayed counts [items, items], divided by nothing, as `transitions.parquet` has them."""
    counts = np.zeros((ITEMS, ITEMS))
    for history in known:
        for at, first in enumerate(history):
            for between, second in enumerate(history[at + 1 : at + 1 + WINDOW]):
                counts[first, second] += STEP**between
                counts[second, first] += BACKWARDS * STEP**between
    return counts


def traffic(folder: Path, known: list[list[int]]) -> Traffic:
    """As a server has it whose artifact was fitted on these histories."""
    a, b = np.nonzero(raw_counts(known))
    weights = raw_counts(known)[a, b].astype(np.float32)
    order = np.lexsort((b, -weights, a))
    columns = {
        "item_id_a": pa.array([f"p{i}" for i in a[order]], pa.string()),
        "item_id_b": pa.array([f"p{i}" for i in b[order]], pa.string()),
        "weight": pa.array(weights[order], pa.float32()),
    }
    file = folder / "transitions.parquet"
    parquet.write_table(pa.table(columns), file)
    bought = np.bincount([i for h in known for i in h], minlength=ITEMS)
    old = {f"p{i}": (float(n), NOW_US - 50 * DAY_US) for i, n in enumerate(bought) if n}
    history = PurchaseHistory(old)
    return Traffic(
        EventCounters(history.covered_until_us(), optional_counts(RANKER)),
        transitions=PairPart(read_transitions(file)),
        history=history,
    )


def events(known: list[list[int]], name: str) -> list[Event]:
    """Each purchase its own event, hour by hour, after the artifact's history."""
    return [
        Event(
            "",
            EventType.PURCHASE,
            user=f"{name}{shopper}",
            time_us=NOW_US - 40 * DAY_US + at * DAY_US // 24,
            items=(ProductQuantity(f"p{item}"),),
        )
        for shopper, history in enumerate(known)
        for at, item in enumerate(history)
    ]


def served(shop: Shop, history: list[int]) -> NDArray[np.float64]:
    """The evidence of the transitions by item for a shopper with this session alone."""
    session = tuple(events([history], ""))
    page = shop.recommendation.recommend(
        RecommendQuery(session_events=session, candidate_ids=tuple(f"p{i}" for i in range(ITEMS))),
        Paging(size=ITEMS),
    )
    found = np.zeros(ITEMS)
    for line in page.results:
        assert line.score == pytest.approx(sum(part.contribution for part in line.evidence))
        for part in line.evidence:
            assert part.kind is EvidenceKind.TRANSITION
            assert part.product_id in {f"p{i}" for i in history}
            found[int(line.product_id[1:])] = part.contribution
    return found


@pytest.mark.parametrize("before", [0, 17, 30], ids=["all live", "some live", "none live"])
def test_a_served_score_is_the_offline_one_times_its_weight(tmp_path, before) -> None:
    everybody = histories()
    offline = Transitions.fit(everybody, ITEMS, OFFLINE)
    shop = build_shop(tmp_path, ranker=RANKER, traffic=traffic(tmp_path, everybody[:before]))
    shop.add(*(Product(f"p{i}", f"thing {i}") for i in range(ITEMS)))

    lines = events(everybody[before:], "u")
    for start in range(0, len(lines), 200):
        shop.events.write(list(enumerate(lines[start : start + 200])))

    for asked in ([3], [1, 2], [5, 5, 7], everybody[0]):
        expected = 2.0 * offline.scores([asked])[0]
        assert served(shop, asked) == pytest.approx(expected, rel=1e-6, abs=1e-9)
