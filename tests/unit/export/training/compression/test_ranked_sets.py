"""What forms are ranked on: the valid part of each kind of corpus, cut by a fixed draw."""

import numpy as np
import pytest

from relatum_export.corpus.text import TITLE
from relatum_export.training.compression.ranked_sets import ranked_sets
from relatum_export.training.compression.ranking import measure
from relatum_export.training.products import Catalogue
from tests.unit.export.evaluation.corpora import GivenVectors, write_corpus

ITEMS = ("green tea", "black tea", "nail", "hammer")
DRINK, TOOL = [1.0, 0.0], [0.0, 1.0]
RIGHT = {
    "tea": DRINK,
    "green tea": DRINK,
    "black tea": [0.9, 0.1],
    "nail": TOOL,
    "hammer": [0.1, 0.9],
    "is it hot?": DRINK,
    "very hot": DRINK,
    "of steel": TOOL,
    "thank you": [0.5, 0.5],
}
WRONG = {**RIGHT, "tea": TOOL, "is it hot?": TOOL, "black tea": TOOL, "hammer": DRINK}


def judged(split, query="tea"):
    return {
        "queries": [{"query_id": "q", "query": query, "split": split}],
        "judgments": [
            {"query_id": "q", "item_id": item, "label": label, "split": split}
            for item, label in (("green tea", 3), ("nail", 0))
        ],
    }


def bundles(split):
    rows = [("b1", ["green tea", "black tea"]), ("b2", ["nail", "hammer"])]
    return {"bundles": [{"bundle_id": b, "items": items, "split": split} for b, items in rows]}


def questions(split):
    given = (("very hot", 2), ("of steel", 0))
    return {
        "queries": [{"query_id": "q", "query": "is it hot?", "split": split}],
        "candidates": [
            {"candidate_id": text, "query_id": "q", "candidate": text, "label": n, "split": split}
            for text, n in given
        ],
    }


def replies(split):
    own = {"question_id": "f1", "question": "is it hot?", "answer": "very hot", "split": split}
    rows = [own]
    rows += [
        {"question_id": text, "question": "what?", "answer": text, "split": "train"}
        for text in ("of steel", "thank you")
    ]
    return {"faq": rows}


def sets_of(tmp_path, tables, documents=100, seed=0):
    corpus = write_corpus(tmp_path / f"{documents}-{seed}" / "shop", ITEMS, (), tables)
    catalogue = Catalogue.read(corpus)
    return list(ranked_sets(corpus, catalogue, TITLE, documents=documents, seed=seed))


@pytest.mark.parametrize("tables", [judged, bundles, questions, replies])
def test_each_kind_is_ranked_on_valid_alone_and_a_worse_encoder_is_told(tmp_path, tables):
    (valid,) = sets_of(tmp_path, tables("valid"))

    good = measure(GivenVectors(RIGHT), [valid]).figures
    bad = measure(GivenVectors(WRONG), [valid]).figures

    assert good["shop/valid/NDCG@10"] == 1.0
    assert bad["shop/valid/NDCG@10"] < 1.0
    assert not sets_of(tmp_path, tables("test"), seed=1)


def test_a_bundle_counts_once_however_many_its_products_and_never_finds_the_asked(tmp_path):
    (one,) = sets_of(tmp_path, bundles("valid"))

    assert len(one.asked) == 4
    assert len(measure(GivenVectors(RIGHT), [one]).units["shop/valid/NDCG@10"]) == 2
    for asked in one.asked:
        assert asked.text not in {one.documents[row] for row in asked.rows}


def test_a_large_set_is_cut_by_a_fixed_draw_and_keeps_whole_bundles(tmp_path):
    (small,) = sets_of(tmp_path, bundles("valid"), documents=3)
    again = sets_of(tmp_path / "again", bundles("valid"), documents=3)

    assert len(small.documents) == 3
    assert len({asked.unit for asked in small.asked}) == 1
    assert [one.documents for one in again] == [small.documents]
    assert all(asked.labels.sum() == 1 for asked in small.asked)


def test_two_kinds_in_one_corpus_are_two_figures(tmp_path):
    sets = sets_of(tmp_path, {**judged("valid"), **bundles("valid")})

    units = measure(GivenVectors(RIGHT), sets).units

    assert len(units) == 2
    assert np.mean([values.mean() for values in units.values()]) == 1.0
