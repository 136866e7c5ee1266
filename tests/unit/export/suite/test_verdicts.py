"""What is required, held against what was measured."""

import numpy as np
import pytest

from relatum_export.errors import InputError
from relatum_export.evaluation.rows import Outcome, mean_outcome, rows_of
from relatum_export.evaluation.values import values_file, write_values
from relatum_export.suite.required import REQUIREMENTS, Beats, EachSet, Figure, Pooled
from relatum_export.suite.verdicts import pooled_gain, verdicts

UNITS = [str(i) for i in range(40)]


def outcome(system, values, measure="P@1"):
    return mean_outcome("test", system, measure, UNITS, list(values))


def judged(folder, sets):
    """Rows of sets whose values lie where `evaluate` leaves them."""
    rows = []
    for name, outcomes in sets.items():
        write_values(values_file(folder / name / "rows.json"), outcomes)
        rows += [row.as_json() for row in rows_of(name, outcomes)]
    return rows


def verdict(rows, folder, requirement):
    (found,) = verdicts(rows, folder, [requirement])
    return found


@pytest.mark.parametrize(
    ("required", "wanted", "reached", "has_wanted"),
    [(0.4, 0.6, True, False), (0.4, 0.5, True, True), (0.6, None, False, False)],
)
def test_a_figure_is_held_against_required_and_wanted(
    tmp_path, required, wanted, reached, has_wanted
):
    rows = judged(tmp_path, {"s": [outcome("relatum", [0.5] * 40)]})

    found = verdict(rows, tmp_path, Figure("s/test/P@1/relatum", required, wanted))

    assert (found.reached, found.has_wanted) == (reached, has_wanted)


def test_a_loss_must_not_exceed_what_is_required(tmp_path):
    rows = judged(tmp_path, {"s": [outcome("relatum", [0.02] * 40, "loss/typos")]})

    found = verdict(rows, tmp_path, Figure("s/test/loss/typos/relatum", 0.03, 0.01))

    assert (found.required, found.reached, found.has_wanted) == ("≤ 0.03", True, False)


def test_a_gain_whose_interval_holds_0_is_no_gain_unless_the_value_alone_counts(tmp_path):
    wavering = [1.0] * 22 + [0.0] * 18
    rows = judged(tmp_path, {"s": [outcome("ease", [0.5] * 40), outcome("relatum", wavering)]})

    surely = verdict(rows, tmp_path, Beats("s/test/P@1", "ease"))
    likely = verdict(rows, tmp_path, Beats("s/test/P@1", "ease", surely=False))

    assert surely.value == pytest.approx(0.05)
    assert (surely.reached, likely.reached) == (False, True)


def test_a_lower_brier_score_than_the_uncalibrated_heads_is_better(tmp_path):
    outcomes = [
        outcome("relatum-uncalibrated", [0.3] * 40, "Brier"),
        outcome("relatum", [0.2] * 40, "Brier"),
    ]

    found = verdict(
        judged(tmp_path, {"s": outcomes}), tmp_path, Beats("s/test/Brier", "relatum-uncalibrated")
    )

    assert (found.required, found.reached) == ("< 0, CI too", True)


def test_what_was_not_measured_is_neither_reached_nor_missed(tmp_path):
    found = verdicts([], tmp_path)

    assert len(found) == len(REQUIREMENTS)
    assert all(one.reached is None and one.value is None for one in found)
    required = {one.label: (one.required, one.wanted) for one in found}
    assert required["askul_relations_2023/test/ECE/relatum"] == ("≤ 0.07", "≤ 0.04")
    assert required["askul_relations_2023/test/NLL/vs-relatum-uncalibrated/relatum"][0] == "< 0"


def test_pooled_sets_weigh_alike_and_the_harder_of_two_others_counts(tmp_path):
    big = mean_outcome("test", "relatum", "P@1", [str(i) for i in range(400)], [0.7] * 400)
    big_other = mean_outcome("test", "zero-shot", "P@1", list(big.units), [0.6] * 400)
    small = [
        outcome("zero-shot", [0.1] * 40),
        outcome("zero-shot-title", [0.2] * 40),
        outcome("relatum", [0.5] * 40),
    ]
    judged(tmp_path, {"big": [big_other, big], "small": small})
    pooled = Pooled("both", ("big/test/P@1", "small/test/P@1"), ("zero-shot", "zero-shot-title"))

    gain = pooled_gain(pooled, tmp_path)

    assert gain is not None
    assert gain.value == pytest.approx((0.1 + 0.3) / 2)


def test_the_pooled_interval_is_that_of_independent_sets(tmp_path):
    rng = np.random.default_rng(0)
    drawn = rng.normal(0.1, 0.3, (2, 40))
    sets = {
        name: [outcome("zero-shot", [0.0] * 40), outcome("relatum", values)]
        for name, values in zip("ab", drawn, strict=True)
    }
    rows = judged(tmp_path, sets)
    pooled = Pooled("both", ("a/test/P@1", "b/test/P@1"), ("zero-shot",))

    found = verdict(rows, tmp_path, pooled)

    error = np.sqrt((drawn.var(axis=1) / 40).sum()) / 2
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.05)
    assert found.value == pytest.approx(drawn.mean())


def test_three_times_the_other_and_clusters_of_unequal_weight(tmp_path):
    weights = np.array([1.0, 3.0])
    own = Outcome("test", "relatum", "R@10", ("a", "b"), np.array([0.5, 1.5]), weights)
    other = Outcome("test", "random", "R@10", ("a", "b"), np.array([0.1, 0.3]), weights)
    rows = judged(tmp_path, {"s": [other, own]})

    found = verdict(rows, tmp_path, Pooled("x", ("s/test/R@10",), ("random",), factor=3.0))

    assert found.value == pytest.approx(0.5 - 3 * 0.1)
    assert found.reached


def test_not_worse_than_a_margin_is_held_at_the_lower_end(tmp_path):
    rows = judged(
        tmp_path,
        {"s": [outcome("zero-shot", [0.5] * 40), outcome("relatum", [0.495] * 40)]},
    )

    found = verdict(rows, tmp_path, Pooled("x", ("s/test/P@1",), ("zero-shot",), least=-0.01))

    assert (found.required, found.reached) == ("≥ -0.01, CI too", True)


def test_kept_rows_without_their_values_are_not_measured_and_damaged_values_are_an_error(tmp_path):
    rows = [row.as_json() for row in rows_of("s", [outcome("relatum", [0.5] * 40)])]
    pooled = Pooled("x", ("s/test/P@1",), ("zero-shot",))

    assert verdict(rows, tmp_path, pooled).reached is None

    values_file(tmp_path / "s" / "rows.json").parent.mkdir()
    values_file(tmp_path / "s" / "rows.json").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="run `evaluate` again"):
        verdicts(rows, tmp_path, [pooled])


def test_every_requirement_is_named_by_the_rules_of_rows_and_only_once():
    names = [one.name if isinstance(one, Figure | Beats) else one.label for one in REQUIREMENTS]

    assert len(names) == len(set(names))
    for one in REQUIREMENTS:
        own = one.label if isinstance(one, EachSet) else getattr(one, "name", "")
        groups = one.groups if isinstance(one, Pooled) else [own.rsplit("/", 1)[0]]
        split = {"pooled": "valid"}  # `compress` measures there; test is reported once, by encoders
        assert all(g.split("/")[1] == split.get(g.split("/")[0], "test") for g in groups)
