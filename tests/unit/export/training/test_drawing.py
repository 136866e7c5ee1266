"""The draw of training pairs: which kinds, and how often one text."""

import random
from collections import Counter

from relatum_export.corpus.text import FULL
from relatum_export.training import pairs as pairs_module
from relatum_export.training.pairs import Pair, TextPair, draw_spread, training_data
from relatum_export.training.products import Catalogue

DRAW = random.Random(0)  # noqa: S311 - a sample, not a secret


def test_no_text_is_in_more_pairs_than_there_are_batches():
    large = [TextPair(f"title {i}", "large", 1.0, "x") for i in range(90)]
    small = [TextPair(f"other {i}", f"shelf {i % 10}", 1.0, "x") for i in range(40)]

    taken = draw_spread(large + small, 40, 8, DRAW)

    counts = Counter(pair.b for pair in taken)
    assert counts["large"] == 5
    assert len(taken) > 30


def test_the_draw_takes_no_more_than_its_share():
    pairs = [TextPair(f"a{i}", f"b{i}", 1.0, "x") for i in range(50)]

    assert len(draw_spread(pairs, 20, 4, DRAW)) == 20
    assert len(draw_spread(pairs[:3], 20, 4, DRAW)) == 3


def of_kinds(*kinds):
    return [Pair(f"{kind} {i}", f"{kind} b{i}", 1.0, kind) for kind in kinds for i in range(6)]


def test_co_bought_pairs_are_taken_where_there_is_no_other_kind(corpus, monkeypatch):
    catalogue = Catalogue.read(corpus)
    kinds = {}
    for given in (("co_bought",), ("co_bought", "title_category")):
        monkeypatch.setattr(pairs_module, "read_pairs", lambda *_, given=given: of_kinds(*given))
        data = training_data([(corpus, catalogue)], FULL, max_pairs=8, batch_size=2, seed=0)
        kinds[given] = {pair.kind for pair in data.positives}

    assert kinds == {
        ("co_bought",): {"co_bought"},
        ("co_bought", "title_category"): {"title_category"},
    }
