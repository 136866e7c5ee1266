"""How wide recommendations are, and the values kept beside the rows."""

import math

import numpy as np
import pyarrow.parquet as pq
import pytest

from relatum_export.errors import InputError
from relatum_export.evaluation.diversity import (
    beyond_accuracy,
    coverage,
    gini,
    intra_list_diversity,
    named_alone,
    novelty,
)
from relatum_export.evaluation.evidence import Case, Cases, Evidence, Given
from relatum_export.evaluation.product_facts import ProductFacts
from relatum_export.evaluation.rows import Outcome, mean_outcome
from relatum_export.evaluation.slices import length_label, sliced
from relatum_export.evaluation.values import read_values, values_file, write_values
from tests.unit.export.evaluation.corpora import event, write_corpus

ITEMS = ("a", "b", "c", "d")
LISTS = Given.of(ITEMS, [[0, 1], [0]])


def test_coverage_is_the_share_of_the_catalogue_that_anyone_was_given():
    assert coverage(LISTS) == 0.5


@pytest.mark.parametrize(
    ("lists", "expected"), [([[0, 1], [2, 3]], 0.0), ([[0], [0]], 1.0), ([[0], [1]], 2 / 3)]
)
def test_gini_is_0_for_equal_shares_and_1_for_one_product_alone(lists, expected):
    assert gini(Given.of(ITEMS, lists)) == pytest.approx(expected)


def test_novelty_is_the_mean_surprise_of_a_list_in_bits():
    found = novelty(LISTS, {"a": 3, "b": 1})

    # With one added to each: 4, 2, 1, 1 of 8.
    assert found == pytest.approx([(1 + 2) / 2, 1])


def test_intra_list_diversity_is_the_mean_distance_of_a_lists_pairs():
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0, 0]], np.float32)

    found = intra_list_diversity(Given.of(ITEMS, [[0, 1, 2], [0, 1], [2]]), vectors)

    assert found == pytest.approx([2 / 3, 0, 0])


def test_lists_over_the_answers_given_alone_are_the_same_lists():
    few = named_alone(Given.of(ITEMS, [[3, 1], [3]]))

    assert [few.of_unit(i) for i in range(2)] == [["d", "b"], ["d"]]
    assert set(few.answers) == {"b", "d"}


def test_only_recommendations_are_measured_so_and_all_lists_together_have_no_interval():
    def outcome(kind):
        cases = Cases(kind, {unit: Case("", ()) for unit in ("u", "v")})
        return mean_outcome(
            "test", "relatum", "NDCG@10", ["u", "v"], [1, 0], evidence=Evidence(cases, LISTS)
        )

    rows, each = beyond_accuracy("shop", [outcome("next item"), outcome("search")], {}, None)

    assert [row.name for row in rows] == ["shop/test/coverage/relatum", "shop/test/Gini/relatum"]
    assert [(row.low, row.better) for row in rows] == [(None, "higher"), (None, "lower")]
    assert [(o.measure, o.system) for o in each] == [("novelty", "relatum")]


def test_slices_share_the_units_out_and_small_ones_are_left_out():
    lengths = [1] * 12 + [5] * 12 + [40] * 3
    units = [str(i) for i in range(len(lengths))]
    by_unit = {
        unit: Case("", (), {"history": length_label("history", n)})
        for unit, n in zip(units, lengths, strict=True)
    }
    values = [float(n == 5) for n in lengths]
    whole = mean_outcome(
        "test", "s", "NDCG@10", units, values, evidence=Evidence(Cases("next item", by_unit))
    )

    found = {part.measure: (part.value, len(part.units)) for part in sliced([whole])}

    assert found == {"NDCG@10/history-1": (0.0, 12), "NDCG@10/history-4-7": (1.0, 12)}


def test_a_category_is_told_at_the_first_level_that_tells_products_apart(tmp_path):
    items = [f"i{n}" for n in range(4)]
    rows: list[dict[str, object]] = [
        {"item_id": "i0", "title": "t", "category": "Food > Tea / Herbs > Green"},
        {"item_id": "i1", "title": "t", "category": "Food > Tea / Herbs"},
        {"item_id": "i2", "title": "t", "category": "Food > Nuts"},
        {"item_id": "i3", "title": "t", "category": None},
    ]
    events = [event("u", "i0"), event("u", "i0"), event("u", "i1"), event("u", "i2", "test")]
    corpus = write_corpus(tmp_path, events=events, tables={"items": rows})

    facts = ProductFacts.read(corpus)

    assert facts.slices(["i0", "i1", "i2"]) == {"category": "category-Tea Herbs"}
    assert [facts.popularity(item) for item in items] == ["tail", "tail", "cold", "cold"]


def test_values_come_back_by_system_and_give_the_same_figure(tmp_path):
    file = values_file(tmp_path / "rows.json")
    bundles = Outcome("test", "s", "R@10", ("x", "y"), np.array([1.0, 0.5]), np.array([2.0, 3.0]))
    other = mean_outcome("test", "t", "R@10", ["x", "y"], [1, 0])
    parts = Outcome(
        "test", "s", "macro-F1", ("x",), np.ones((1, 2)), np.ones((1, 2)), "mean of ratios"
    )
    write_values(file, [bundles, other, parts])

    found = read_values(file, "test", "R@10", ["t", "s", "missing"])

    assert list(found) == ["t", "s"]
    assert found["s"].units == bundles.units
    assert found["s"].value == pytest.approx(bundles.value)
    assert not read_values(file, "test", "macro-F1", ["s"])
    assert file.name == "rows.values.parquet"
    assert pq.ParquetFile(file).schema_arrow.names[:3] == ["split", "measure", "system"]
    assert math.isclose(bundles.value, 0.3)


def test_damaged_values_are_named(tmp_path):
    file = tmp_path / "rows.values.parquet"
    file.write_bytes(b"PAR1 no more")

    with pytest.raises(InputError, match="run `evaluate` again"):
        read_values(file, "test", "R@10", ["s"])
