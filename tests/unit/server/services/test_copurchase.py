import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from relatum_server.services.copurchase import PairPart, read_copurchase

PAIRS = [("a", "c", 7), ("a", "b", 2), ("b", "a", 2), ("c", "a", 7), ("c", "b", 1)]


def part(file, pairs) -> PairPart:
    first, second, counts = zip(*pairs, strict=True)
    columns = {"item_id_a": first, "item_id_b": second, "count": pa.array(counts, pa.int32())}
    parquet.write_table(pa.table(columns), file)
    return PairPart(read_copurchase(file))


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 0, 2, 1, 3), (1, 0, 2, 4, 3)])
def test_neighbours_come_most_often_first_whatever_the_files_order(tmp_path, order) -> None:
    pairs = part(tmp_path / "c.parquet", [PAIRS[i] for i in order])
    for key, product_id in enumerate("abc"):
        pairs.join(key, product_id)

    found = [pairs.neighbours(key, 5) for key in range(3)]

    assert [(k.tolist(), c.tolist()) for k, c in found] == [
        ([2, 1], [7, 2]),
        ([0], [2]),
        ([0, 1], [7, 1]),
    ]


def test_only_products_of_the_catalogue_are_neighbours(tmp_path) -> None:
    pairs = part(tmp_path / "c.parquet", PAIRS)
    pairs.join(10, "a")
    pairs.join(30, "c")
    assert pairs.neighbours(10, 5)[0].tolist() == [30]

    pairs.leave(30)
    pairs.leave(99)

    assert pairs.neighbours(10, 5)[0].tolist() == []
    assert pairs.neighbours(30, 5)[0].tolist() == []


def test_without_a_table_there_are_no_pairs() -> None:
    pairs = PairPart()
    pairs.join(1, "a")

    assert not pairs
    np.testing.assert_array_equal(pairs.neighbours(1, 5)[0], [])
