"""Relations of pairs: the figures by hand, a head before and after calibration, the baseline."""

from dataclasses import replace

import numpy as np
import pytest

from relatum_export.corpus.text import TITLE
from relatum_export.evaluation.classification import (
    expected_calibration_error,
    macro_f1,
    negative_log_likelihoods,
)
from relatum_export.evaluation.pair_head import PairHead
from relatum_export.evaluation.protocols.pairs import PAIRS
from relatum_export.evaluation.protocols.same_product import SAME_PRODUCT
from relatum_export.evaluation.rows import rows_of
from tests.unit.export.evaluation.corpora import encoder_system, figures, task_of, write_corpus

ITEMS = tuple("abcdefgh")
ONE_HOT = {item: np.eye(len(ITEMS))[i].tolist() for i, item in enumerate(ITEMS)}


def pair(a, b, relation, split="test"):
    return {"item_id_a": a, "item_id_b": b, "relation": relation, "split": split}


class FakeHead:
    """Answers from a list, in the order of the pairs asked."""

    def __init__(self, answers, temperature=1.0, learned=("unrelated", "substitute")):
        self.answers, self.learned = answers, frozenset(learned)
        self.head = PairHead(None, None, self.learned, temperature)
        self.features, self.uncalibrated = self.head.features, self.head.uncalibrated

    def probabilities(self, a, b, features):
        assert len(a) == len(b) == len(features)
        return np.array(self.answers, np.float64)


def with_head(tmp_path, rows, head, protocol=PAIRS):
    corpus = write_corpus(tmp_path / "set", ITEMS, tables={"pairs": rows})
    task = task_of(corpus, encoder_system(ONE_HOT, (TITLE,), "relatum"), splits=("test",))
    return figures(protocol, replace(task, head=head))


ROWS = [
    pair("a", "b", "substitute"),
    pair("c", "d", "other"),
    pair("e", "f", "other"),
    pair("g", "h", "complement"),
]
SAID = [
    [0.1, 0.3, 0.5, 0.1],
    [0.7, 0.0, 0.1, 0.2],
    [0.3, 0.0, 0.1, 0.6],
    [0.2, 0.0, 0.2, 0.6],
]
FOLDED = np.array([[0.1, 0.1, 0.8], [0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.2, 0.6, 0.2]])
TRUTH = np.array([2, 0, 0, 1])  # unrelated, complement, substitute


def test_a_heads_figures_are_those_of_its_probabilities_with_same_folded_into_substitute(tmp_path):
    found = with_head(tmp_path, ROWS, FakeHead(SAID))

    own = {name: outcome.value for name, outcome in found.items()}
    assert own["test/macro-F1/relatum"] == pytest.approx(macro_f1(TRUTH, FOLDED.argmax(1), 3))
    assert own["test/ECE/relatum"] == pytest.approx(expected_calibration_error(FOLDED, TRUTH))
    assert own["test/NLL/relatum"] == pytest.approx(negative_log_likelihoods(FOLDED, TRUTH).mean())


def test_probabilities_before_calibration_are_those_of_temperature_one(tmp_path):
    logits = np.log(np.array([[0.6, 0.1, 0.1, 0.2]] * 4))
    calm = np.exp(logits / 2) / np.exp(logits / 2).sum(1, keepdims=True)

    found = with_head(tmp_path, ROWS, FakeHead(calm.tolist(), temperature=2.0))

    before = found["test/NLL/relatum-uncalibrated"].value
    expected = -(np.log(0.2) + 2 * np.log(0.6) + np.log(0.2)) / 4
    assert before == pytest.approx(expected)


def test_a_lower_error_is_better_and_each_figure_has_its_interval(tmp_path):
    found = with_head(tmp_path, ROWS * 10, FakeHead(SAID * 10))

    rows = {
        row.measure: row
        for row in rows_of("set", list(found.values()))
        if row.system == "relatum" and "vs-" not in row.measure
    }

    assert {name: rows[name].better for name in ("macro-F1", "ECE", "Brier", "NLL")} == {
        "macro-F1": "higher",
        "ECE": "lower",
        "Brier": "lower",
        "NLL": "lower",
    }
    for row in rows.values():
        assert row.n == 40
        assert row.low is not None
        assert row.high is not None
        assert row.low <= row.value <= row.high
        assert row.low < row.high


def test_a_class_that_the_head_has_not_learned_keeps_probability_zero_before_calibration():
    head = FakeHead([], temperature=3.0)

    sharp = head.uncalibrated(np.array([[0.5, 0.0, 0.5, 0.0]]))

    assert sharp == pytest.approx(np.array([[0.5, 0.0, 0.5, 0.0]]))


def test_logistic_regression_on_frozen_pairs_stands_beside_it(tmp_path):
    rng = np.random.default_rng(0)
    items = [f"i{n:02d}" for n in range(60)]
    kinds = [n % 2 for n in range(60)]
    vectors = {
        item: [1.0, 4.0 * kind, *rng.normal(0, 0.1, 3).tolist()]
        for item, kind in zip(items, kinds, strict=True)
    }
    rows = [
        pair(items[n], items[m], "substitute" if kinds[n] == kinds[m] else "other", split)
        for n in range(60)
        for m, split in (
            ((n + 2) % 60, "train"),
            ((n + 3) % 60, "train"),
            ((n + 4 + n % 4) % 60, "valid"),
        )
    ]
    rows += [pair(items[n], items[(n + 8 + n % 4) % 60], None, "test") for n in range(60)]
    for row in rows[-60:]:
        same = kinds[items.index(row["item_id_a"])] == kinds[items.index(row["item_id_b"])]
        row["relation"] = "substitute" if same else "other"
    corpus = write_corpus(tmp_path / "set", items, tables={"pairs": rows})

    found = figures(PAIRS, task_of(corpus, encoder_system(vectors), splits=("test",)))

    assert found["test/macro-F1/zero-shot"].value > 0.9
    assert "test/NLL/zero-shot-uncalibrated" not in found


def test_pairs_without_a_majority_and_of_other_splits_are_not_judged(tmp_path):
    rows = [*ROWS, pair("a", "c", None), pair("a", "d", "other", "valid")]

    found = with_head(tmp_path, rows, FakeHead(SAID))

    assert len(found["test/macro-F1/relatum"].units) == 4


def test_an_unknown_relation_is_noted_and_nothing_is_judged(tmp_path):
    corpus = write_corpus(
        tmp_path / "set", ITEMS, tables={"pairs": [pair("a", "b", "gift"), pair("a", "c", "other")]}
    )
    task = task_of(corpus, encoder_system(ONE_HOT))

    assert figures(PAIRS, task) == {}
    assert any("'gift', which is no class" in note for note in task.notes)


def test_sameness_is_judged_by_the_head_where_it_has_learned_it(tmp_path):
    rows = [
        {"item_id_a": a, "item_id_b": b, "same_product": same, "split": split}
        for split in ("valid", "test")
        for a, b, same in (("a", "b", 1), ("c", "d", 0), ("e", "f", 1), ("g", "h", 0))
    ]
    said = [[1 - p, p, 0, 0] for p in (0.9, 0.2, 0.8, 0.3)]

    by_head = with_head(tmp_path, rows, FakeHead(said, learned=("same",)), SAME_PRODUCT)
    by_cosine = with_head(tmp_path, rows, FakeHead(said), SAME_PRODUCT)

    assert by_head["test/F1/relatum"].value == 1
    assert by_cosine["test/F1/relatum"].value == pytest.approx(2 / 3)  # all cosines are 0
