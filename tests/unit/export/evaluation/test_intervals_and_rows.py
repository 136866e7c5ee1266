"""The bootstrap, the rows, and the rule by which a variant agrees with PyTorch."""

import numpy as np
import pytest
from scipy import stats

from relatum_export.evaluation.agreement import agreement
from relatum_export.evaluation.intervals import percentile_interval, resampled_ratios
from relatum_export.evaluation.rows import Outcome, mean_outcome, rows_of


def test_the_interval_of_a_mean_is_that_of_scipys_bootstrap() -> None:
    values = np.random.default_rng(3).exponential(size=200)
    samples = resampled_ratios(values[:, None], np.ones((200, 1)))
    ours = percentile_interval(float(values.mean()), samples[:, 0])
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.01)
    assert ours.high == pytest.approx(theirs.high, abs=0.01)


def test_two_equal_systems_see_the_same_samples() -> None:
    values = np.random.default_rng(0).random((50, 1)).repeat(2, axis=1)
    samples = resampled_ratios(values, np.ones_like(values), resamples=100)
    assert np.array_equal(samples[:, 0], samples[:, 1])


def test_the_same_seed_gives_the_same_samples_however_they_are_cut_into_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(0).random((40, 1))
    whole = resampled_ratios(values, np.ones_like(values), resamples=30)
    monkeypatch.setattr("relatum_export.evaluation.intervals.CHUNK_DRAWS", 41)
    cut = resampled_ratios(values, np.ones_like(values), resamples=30)
    assert np.allclose(whole, cut)


def test_clusters_weigh_by_their_size() -> None:
    outcome = Outcome("test", "s", "R@10", ("a", "b"), np.array([1.0, 0.0]), np.array([1.0, 3.0]))
    assert outcome.value == pytest.approx(0.25)


def test_each_system_has_a_row_and_a_paired_difference_to_zero_shot() -> None:
    units = [str(i) for i in range(30)]
    low = mean_outcome("test", "zero-shot", "P@1", units, [0.5] * 30)
    high = mean_outcome("test", "relatum", "P@1", units, [0.75] * 30)

    rows = {row.name: row for row in rows_of("shop", [low, high])}

    assert list(rows) == [
        "shop/test/P@1/zero-shot",
        "shop/test/P@1/relatum",
        "shop/test/P@1/vs-zero-shot/relatum",
    ]
    delta = rows["shop/test/P@1/vs-zero-shot/relatum"]
    assert (delta.value, delta.low, delta.high) == (0.25, 0.25, 0.25)
    assert list(rows["shop/test/P@1/relatum"].as_json()) == [
        "name", "set", "split", "system", "measure", "value",
        "unit", "low", "high", "n", "required", "better",
    ]  # fmt: skip


def test_every_other_system_has_a_difference_to_both_forms_of_zero_shot() -> None:
    systems = ("zero-shot", "zero-shot-title", "relatum")
    outcomes = [mean_outcome("test", name, "NDCG@10/new", ["q"], [0.5]) for name in systems]

    names = [row.name for row in rows_of("shop", outcomes)]

    assert [name for name in names if "vs-" in name] == [
        "shop/test/NDCG@10/new/vs-zero-shot/zero-shot-title",
        "shop/test/NDCG@10/new/vs-zero-shot/relatum",
        "shop/test/NDCG@10/new/vs-zero-shot-title/relatum",
    ]


def test_a_variant_with_two_changed_queries_agrees_and_with_three_does_not() -> None:
    units = [str(i) for i in range(10)]
    torch = mean_outcome("test", "relatum-torch", "NDCG@10", units, [0.5] * 10)
    two = mean_outcome("test", "relatum", "NDCG@10", units, [0.9] * 2 + [0.5] * 8)
    three = mean_outcome("test", "relatum", "NDCG@10", units, [0.9] * 3 + [0.5] * 7)
    assert agreement(two, torch).agrees
    assert not agreement(three, torch).agrees


def test_a_variant_within_half_a_percent_agrees_however_many_queries_changed() -> None:
    units = [str(i) for i in range(4)]
    torch = mean_outcome("test", "relatum-torch", "NDCG@10", units, [0.5] * 4)
    swapped = mean_outcome("test", "relatum", "NDCG@10", units, [0.6, 0.4, 0.6, 0.4])
    result = agreement(swapped, torch)
    assert result.agrees
    assert result.changed == 4


def test_agreement_over_different_queries_is_refused() -> None:
    one = mean_outcome("test", "relatum", "P@1", ["a"], [1.0])
    other = mean_outcome("test", "relatum-torch", "P@1", ["b"], [1.0])
    with pytest.raises(ValueError, match="same split, measure and units"):
        agreement(one, other)


def test_measures_resampled_together_have_the_intervals_that_each_has_alone() -> None:
    rng = np.random.default_rng(1)
    units = [str(i) for i in range(25)]
    first = mean_outcome("test", "s", "NDCG@10", units, rng.random(25).tolist())
    second = mean_outcome("test", "s", "HR@10", units, rng.random(25).tolist())
    parts = Outcome(
        "test", "s", "macro-F1", tuple(units), rng.random((25, 3)), np.ones((25, 3)),
        combine="mean of ratios",
    )  # fmt: skip

    together = rows_of("shop", [first, parts, second])

    alone = [row for one in (first, parts, second) for row in rows_of("shop", [one])]
    assert [row.name for row in together] == [row.name for row in alone]
    for joint, single in zip(together, alone, strict=True):
        assert (joint.low, joint.high) == pytest.approx((single.low, single.high))


def test_relatum_is_set_against_every_other_system_fitted_alike() -> None:
    systems = ("transitions", "transitions+valid", "relatum", "relatum+valid", "relatum-fp32")
    outcomes = [mean_outcome("test", name, "NDCG@10", ["q", "r"], [0.5, 1]) for name in systems]

    names = [row.name.split("/", 2)[2] for row in rows_of("shop", outcomes) if "vs-" in row.name]

    assert names == [
        "NDCG@10/vs-transitions/relatum",
        "NDCG@10/vs-transitions+valid/relatum+valid",
    ]
