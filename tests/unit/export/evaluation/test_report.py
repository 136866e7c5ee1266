"""What a person is shown."""

import io
import re

import numpy as np
from rich.console import Console

from relatum_export.evaluation.agreement import agreement
from relatum_export.evaluation.evaluate import NotJudged
from relatum_export.evaluation.evidence import Case, Cases, Evidence, Given
from relatum_export.evaluation.judgement import Judgement
from relatum_export.evaluation.page.document import page
from relatum_export.evaluation.page.terminal import tables
from relatum_export.evaluation.rows import Outcome, mean_outcome, rows_of
from relatum_export.evaluation.slices import sliced

UNITS = [str(i) for i in range(24)]
CASES = Cases(
    "search",
    {
        unit: Case(f"query <{unit}>", ("right",), {"lang": "lang-en" if i < 12 else "lang-de"})
        for i, unit in enumerate(UNITS)
    },
    {"right": "the right one", "wrong": "the wrong one"},
)


def outcome(system, values):
    ranked = np.array([[0 if value > 0.5 else 1] for value in values])
    evidence = Evidence(CASES, Given(("right", "wrong"), ranked))
    return mean_outcome("test", system, "NDCG@10", UNITS, values, evidence=evidence)


TORCH = outcome("relatum-torch", [0.5] * 24)
INT8 = outcome("relatum", [0.75] * 23 + [0.1])
ZERO = outcome("zero-shot", [0.25] * 23 + [0.9])
UNJUDGED = [NotJudged("reviews", "no protocol & no label")]
AGREEING = [agreement(INT8, TORCH)]


def judgement(*outcomes):
    figures, slices = rows_of("shop <x>", list(outcomes)), rows_of("shop <x>", sliced(outcomes))
    return Judgement("shop <x>", tuple(outcomes), tuple(figures), tuple(slices), ())


def shown(*outcomes):
    return page(judgement(*outcomes), AGREEING, UNJUDGED, ["a note"])


def test_the_tables_show_figures_differences_disagreement_and_what_is_not_judged():
    out = io.StringIO()
    console = Console(width=100, file=out)
    for table in tables("shop", rows_of("shop", [ZERO, INT8]), AGREEING, UNJUDGED):
        console.print(table)

    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]

    assert any(line.startswith("relatum .7229") and " 24 +.446 [" in line for line in lines)
    assert any("0.7229" in line and "NO" in line for line in lines)
    assert any("reviews" in line and "no protocol & no label" in line for line in lines)


def test_a_figure_of_ten_or_more_keeps_its_digits():
    novelty = mean_outcome("test", "relatum", "novelty", ["u", "v"], [10.5, 10.5])
    shares = mean_outcome("test", "relatum", "ILD", ["u", "v"], [0.25, 0.25])

    (table,) = tables("shop", rows_of("shop", [novelty, shares]), [], [])

    assert list(table.columns[2].cells) == ["10.5000", ".2500"]


def test_the_page_escapes_what_it_is_given_and_needs_no_script_and_no_address():
    text = shown(ZERO, TORCH, INT8)

    assert "shop &lt;x&gt;" in text
    assert "<x>" not in text
    assert "no protocol &amp; no label" in text
    assert "a note" in text
    assert "http" not in text
    assert "<script" not in text
    assert not re.search(r"\b(src|href)=(?!\"#)", text)


def test_the_page_shows_paired_differences_with_what_they_say():
    text = " ".join(shown(ZERO, INT8).split())

    assert re.search(r"<td>relatum<td>zero-shot<td class=\"n\">\+0\.4458.*?better", text)


def test_the_gallery_holds_the_case_where_relatum_is_worst_against_the_best_other():
    text = shown(ZERO, INT8)
    failures = text[text.index('id="failures"') :]

    assert "on 1 of 24" in failures
    assert "query &lt;23&gt;" in failures
    assert "query &lt;22&gt;" not in failures
    assert failures.index("the wrong one") < failures.index("the right one")


def test_before_and_after_counts_the_cases_that_gained_and_lost():
    assert "relatum against zero-shot: 23 better, 0 equal, 1 worse." in shown(ZERO, INT8)


def test_each_slice_is_there_with_its_own_interval():
    found = {row.name: row for row in judgement(ZERO, INT8).slices}

    assert found["shop <x>/test/NDCG@10/lang-en/relatum"].value == 0.75
    assert found["shop <x>/test/NDCG@10/lang-de/relatum"].n == 12
    assert "NDCG@10/lang-de, test" in shown(ZERO, INT8)


def test_a_classifier_has_a_calibration_curve_of_accuracy_by_confidence():
    confidence = np.array([0.95] * 10 + [0.65] * 10)
    right = np.array([True] * 9 + [False] + [True] * 5 + [False] * 5)
    ece = Outcome(
        "test", "relatum", "ECE", tuple(UNITS[:20]), np.zeros(20), np.ones(20),
        evidence=Evidence(confidence=confidence, right=right),
    )  # fmt: skip

    text = shown(ece)

    # 240 px: .65 and .95 across, .5 and .9 from below.
    assert 'points="156.0,120.0 228.0,24.0 "' in text


def test_without_an_artifact_the_page_still_stands():
    text = shown(ZERO, outcome("bm25", [0.5] * 24))

    assert "Before and after" not in text
    assert "zero-shot does worse than bm25" in text
