"""A ranker of a real shop's first months."""

from relatum_export.__main__ import main
from relatum_export.corpus.folder import Corpus
from relatum_export.training.ranker.training import train_ranker
from tests.unit.export.training.ranker.shops import inputs_of
from tests.unit.export.training.users.shops import QUIET, text_of


def test_sources_together_rank_unseen_shoppers_better_than_popularity(data, tmp_path):
    source = ["--data", str(data("amazon_gift_cards"))]
    assert main(["prepare", *source, "--out", str(tmp_path / "corpus")]) == 0
    inputs = inputs_of(Corpus.open(tmp_path / "corpus"))

    metrics = train_ranker(inputs, text_of(inputs.judged.items), tmp_path / "run", QUIET)

    held_out = metrics["valid_held_out"]["NDCG@10"]["value"]
    assert metrics["cases"] == 66
    assert held_out > metrics["sources"]["popularity"]["alone"]
    assert held_out > 2 * metrics["sources"]["text"]["alone"]  # these vectors say nothing
