"""Same product: F1 at the threshold that valid gives."""

import numpy as np
import pytest

from relatum_export.evaluation.agreement import agreement
from relatum_export.evaluation.protocols.same_product import SAME_PRODUCT
from relatum_export.evaluation.rows import Outcome
from tests.unit.export.evaluation.corpora import encoder_system, figures, task_of, write_corpus


def at(cosine):
    return (cosine, np.sqrt(1 - cosine**2))


# Item x is the left side of each pair, so the right side's name is the pair's cosine.
ITEMS = ("x", "0.95", "0.90", "0.80", "0.70", "0.60", "0.50")
VECTORS = {"x": (1, 0)} | {item: at(float(item)) for item in ITEMS[1:]}


def pairs(split, source, **rows):
    return [
        {
            "item_id_a": "x",
            "item_id_b": name.replace("c", "0."),
            "same_product": same,
            "split": split,
            "source": source,
        }
        for name, same in rows.items()
    ]


def measured(tmp_path, rows):
    corpus = write_corpus(tmp_path, ITEMS, tables={"pairs": rows})
    task = task_of(corpus, encoder_system(VECTORS))
    return figures(SAME_PRODUCT, task), task


def test_the_threshold_is_chosen_on_valid_and_used_on_test(tmp_path):
    rows = pairs("valid", "A", c95=1, c80=1, c70=0, c60=0)  # best from .80: F1 1
    rows += pairs("test", "A", c90=1, c70=1, c95=0, c50=0)  # TP .90, FP .95, FN .70

    found, _ = measured(tmp_path, rows)

    assert found["valid/F1/zero-shot"].value == 1
    assert found["test/F1/zero-shot"].value == pytest.approx(2 / (2 + 1 + 1))


def test_each_source_has_its_threshold_and_its_row(tmp_path):
    rows = pairs("valid", "A", c95=1, c90=0) + pairs("valid", "B", c60=1, c50=0)
    rows += pairs("test", "A", c90=1, c95=1) + pairs("test", "B", c70=1, c60=0)

    found, _ = measured(tmp_path, rows)

    # A from .925: TP .95, FN .90. B from .55: TP .70, FP .60.
    assert found["test/F1/A/zero-shot"].value == pytest.approx(2 / (2 + 1))
    assert found["test/F1/B/zero-shot"].value == pytest.approx(2 / (2 + 1))
    assert found["test/F1/zero-shot"].value == pytest.approx(4 / (4 + 2))


def test_without_valid_pairs_nothing_is_measured_and_the_note_says_why(tmp_path):
    found, task = measured(tmp_path, pairs("test", "A", c90=1, c50=0))

    assert found == {}
    assert task.notes == ["same product: no pair in valid to choose a threshold on"]


def test_pairs_that_state_a_relation_alone_are_not_this_protocols(tmp_path):
    rows = [{**row, "same_product": None} for row in pairs("test", "A", c90=1)]
    rows.append({**rows[0], "relation": "substitute"})
    corpus = write_corpus(tmp_path, ITEMS, tables={"pairs": rows})

    assert not SAME_PRODUCT.applies(corpus)


def test_a_pair_newly_called_the_same_has_changed():
    torch = Outcome("test", "relatum-torch", "F1", ("p",) * 3, np.zeros(3), np.zeros(3))
    wrong = Outcome("test", "relatum", "F1", ("p",) * 3, np.zeros(3), np.ones(3))

    assert agreement(wrong, torch).changed == 3
