import math

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from relatum_server.index.popularity import HALF_LIFE_US, PopularityCounter
from relatum_server.services.history import PurchaseHistory, read_popularity

DAY_US = HALF_LIFE_US // 7
END = 19_000 * DAY_US


def test_popularity_is_read_with_its_times_where_known(tmp_path) -> None:
    file = tmp_path / "popularity.parquet"
    times = [1_700_000_000, None]
    parquet.write_table(
        pa.table({"item_id": ["a", "b"], "count": [3, 1], "last_time": times}), file
    )

    history = read_popularity(file)

    assert history.of("a") == (3.0, 1_700_000_000_000_000)
    assert history.of("b") == (1.0, 0)
    assert history.of("unknown") == (0.0, 0)
    assert history.covered_until_us() == {"a": 1_700_000_000_999_999}


def test_steady_purchases_of_the_history_weigh_as_their_events_would() -> None:
    history = PurchaseHistory({"early": (1.0, END - 365 * DAY_US), "steady": (366.0, END)})
    events = PopularityCounter()
    for day in range(366):
        events.add(0, END - day * DAY_US)

    counted = history.logs(np.array([366.0]), np.array([END]))

    assert counted == pytest.approx(events.logs([0]), abs=0.1)


def test_one_purchase_weighs_one_at_its_time() -> None:
    history = PurchaseHistory({"early": (1.0, END - 365 * DAY_US), "late": (1.0, END)})

    assert history.logs(np.array([1.0]), np.array([END])).tolist() == [END / HALF_LIFE_US]


def test_where_all_was_bought_at_once_nothing_is_spread() -> None:
    history = PurchaseHistory({"a": (8.0, END), "b": (2.0, END)})

    assert history.logs(np.array([8.0]), np.array([END])).tolist() == [3.0 + END / HALF_LIFE_US]


@pytest.mark.parametrize(("count", "time_us"), [(0.0, END), (-3.0, END), (5.0, 0)])
def test_no_purchases_or_no_time_weigh_nothing(count: float, time_us: int) -> None:
    history = PurchaseHistory({"a": (5.0, END)})

    assert history.logs(np.array([count]), np.array([time_us])).tolist() == [-math.inf]
