"""What a person is shown."""

import io

from rich.console import Console

from relatum_export.evaluation.agreement import agreement
from relatum_export.evaluation.evaluate import NotJudged
from relatum_export.evaluation.report import page, tables
from relatum_export.evaluation.rows import mean_outcome, rows_of

UNITS = [str(i) for i in range(10)]
TORCH = mean_outcome("test", "relatum-torch", "NDCG@10", UNITS, [0.5] * 10)
INT8 = mean_outcome("test", "relatum", "NDCG@10", UNITS, [0.75] * 10)
ZERO = mean_outcome("test", "zero-shot", "NDCG@10", UNITS, [0.25] * 10)
ROWS = rows_of("shop", [ZERO, TORCH, INT8])
AGREEING = [agreement(INT8, TORCH)]
UNJUDGED = [NotJudged("reviews", "no protocol & no label")]


def test_the_tables_show_figures_differences_disagreement_and_what_is_not_judged():
    shown = io.StringIO()
    console = Console(width=100, file=shown)
    for table in tables("shop", ROWS, AGREEING, UNJUDGED):
        console.print(table)

    lines = [" ".join(line.split()) for line in shown.getvalue().splitlines()]

    assert "relatum .7500 [.750,.750] 10 +.500 [.500,.500]" in lines
    assert any("0.7500" in line and "NO" in line for line in lines)
    assert any("reviews" in line and "no protocol & no label" in line for line in lines)


def test_the_page_holds_the_same_and_escapes_what_it_is_given():
    text = page("shop <x>", ROWS, AGREEING, UNJUDGED, ["a note"])

    assert "shop &lt;x&gt;" in text
    assert "<x>" not in text
    assert "no protocol &amp; no label" in text
    assert "+.500 [.500,.500]" in text
    assert "a note" in text
    assert text.count("<svg") == 3
    assert "vs-zero-shot" not in text
