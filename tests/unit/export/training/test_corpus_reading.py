"""What training reads out of a corpus: products, judged queries, pairs, the metric."""

import zlib

import numpy as np
import pytest

from relatum_export.corpus.text import FORMS, FULL, TITLE, TITLE_DESCRIPTION, ProductText
from relatum_export.errors import InputError
from relatum_export.training.held_out import held_out_metrics, pair_metric
from relatum_export.training.judged import JudgedSplit
from relatum_export.training.pairs import Pair, read_pairs, side_text
from relatum_export.training.products import Catalogue
from relatum_export.training.text_choice import choose_form
from relatum_export.training.validation import JudgedMetric, MeanMetric, figures, validation_metric


class FakeEncoder:
    """Two axes: likeness to `likes`, and everything else."""

    dimension = 2
    text_form = None

    def __init__(self, likes):
        self.likes = likes
        self.seen = []

    def encode(self, texts, *, kind, progress=None):
        self.seen += texts
        liked = [kind == "query" or self.likes in text for text in texts]
        return np.array([[1.0, 0.0] if yes else [0.0, 1.0] for yes in liked], dtype=np.float32)


class WordEncoder:
    """Texts are as near as the words that they share."""

    dimension = 64
    text_form = None

    def encode(self, texts, *, kind, progress=None):
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.split():
                row[zlib.crc32(word.encode()) % self.dimension] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def catalogue(corpus):
    return Catalogue.read(corpus)


def test_attributes_of_numbers_alone_are_no_text(catalogue):
    assert catalogue.texts(FULL) == [
        "red shoe | for running",
        "blue shoe",
        "red hat | wool: soft, warm",
    ]


def test_a_corpus_without_products_is_refused(corpus):
    (corpus.path / "products.jsonl").write_text("", encoding="utf-8")

    with pytest.raises(InputError, match="no product"):
        Catalogue.read(corpus)


def test_queries_that_cannot_be_measured_are_left_out(corpus, catalogue):
    valid = JudgedSplit.read(corpus, catalogue, "valid")

    assert [query.query_id for query in valid.queries] == ["q1"]
    assert valid.queries[0].labels.tolist() == [3, 0]


def test_ndcg_ranks_the_judged_products_by_inner_product(corpus, catalogue):
    valid = JudgedSplit.read(corpus, catalogue, "valid")

    assert valid.ndcg(FakeEncoder("red"), catalogue, TITLE).tolist() == [1.0]
    assert valid.ndcg(FakeEncoder("blue"), catalogue, TITLE)[0] < 1


def test_the_form_that_ranks_best_on_valid_is_chosen(corpus, catalogue):
    valid = JudgedSplit.read(corpus, catalogue, "valid")

    choice = choose_form(FakeEncoder("blue"), catalogue, valid)
    worded = choose_form(FakeEncoder("running"), catalogue, valid)

    assert choice.form is TITLE
    assert worded.form in (TITLE_DESCRIPTION, TITLE)
    assert worded.scores["title+description"] == max(worded.scores.values())


def test_without_judgments_the_richest_form_is_taken(catalogue):
    assert choose_form(FakeEncoder("red"), catalogue, JudgedSplit("valid", ())).form is FULL


def test_without_judgments_the_form_that_finds_held_out_partners_is_chosen(corpus, catalogue):
    metric = held_out_metrics(corpus, catalogue, FULL, seed=0)[0]
    reader = WordEncoder()

    choice = choose_form(reader, catalogue, JudgedSplit("valid", ()), metric)

    assert set(choice.scores) == set(FORMS)
    assert choice.scores["title"] == metric.under(TITLE).measure(reader)


def test_products_in_pairs_are_rows_and_other_sides_texts(corpus, catalogue):
    pairs = read_pairs(corpus, catalogue, "train")
    texts = [[side_text(side, catalogue, TITLE) for side in (pair.a, pair.b)] for pair in pairs]

    assert texts == [
        ["running shoe", "red shoe"],
        ["running shoe", "red hat"],
        ["red shoe", "for running"],
        ["red shoe", "red hat"],
    ]


def test_judgments_are_the_metric_where_a_corpus_has_them(corpus, catalogue):
    metric = validation_metric([(corpus, catalogue)], TITLE, seed=0)

    assert isinstance(metric, JudgedMetric)
    assert metric.name == "tiny/valid/NDCG@10"
    assert metric.measure(FakeEncoder("red")) == 1


def test_held_out_pairs_are_sought_among_products_of_other_groups(corpus, catalogue):
    metric = held_out_metrics(corpus, catalogue, TITLE, seed=0)[0]

    assert metric.name == "tiny/valid/R@10/co_bought"
    assert metric.queries == (0,)
    assert metric.candidates == (1, 0, 2)
    assert metric.measure(FakeEncoder("blue")) == 1


def crowd(query, partner, others):
    """A metric over products of these titles: the query's partner among the others."""
    products = tuple(ProductText(title=title) for title in (query, partner, *others))
    catalogue = Catalogue(tuple(f"p{row}" for row in range(len(products))), products)
    return pair_metric("x", [Pair(0, 1, 1.0, "co_bought")], catalogue, TITLE, seed=0)


def test_a_text_does_not_find_itself():
    metric = crowd("red shoe", "blue shoe", [f"{i}" for i in range(9)])

    found = metric.measure(WordEncoder())  # red shoe itself is likest, and left out

    assert found == 1


def test_candidates_that_score_like_the_partner_stand_before_it():
    few = crowd("red shoe", "blue shoe", ["shoe of leather"] * 9)
    many = crowd("red shoe", "blue shoe", ["blue shoe"] * 10)

    assert few.measure(WordEncoder()) == 1
    assert many.measure(WordEncoder()) == 0


def test_a_mean_is_told_with_its_parts(corpus, catalogue):
    judged = validation_metric([(corpus, catalogue)], TITLE, seed=0)
    assert judged is not None
    sought = crowd("red shoe", "blue shoe", ["blue shoe"] * 10)

    found = figures(MeanMetric("mean", (judged, sought)), FakeEncoder("red"))

    assert found == {"mean": 0.5, "tiny/valid/NDCG@10": 1.0, "x": 0.0}
