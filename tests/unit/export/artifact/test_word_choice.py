"""How much words count, chosen by what a shop's corpus judges."""

import numpy as np
import pytest

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.weight_choice import paired_difference
from relatum_export.artifact.word_choice import GRID, choose
from relatum_export.artifact.word_part import fitted, write_words
from relatum_export.console import Reporter
from relatum_export.corpus.text import TITLE
from relatum_export.evaluation.encoding import CachedEncoder
from relatum_export.training.products import Catalogue
from tests.unit.export.evaluation.corpora import GivenVectors, write_corpus

QUIET = Reporter(as_json=True)
# Pairs that share a word, and vectors that put each product beside the other pairs.
KINDS = [f"kind{i:02}" for i in range(20)]
ITEMS = [f"{kind} {side}" for kind in KINDS for side in ("left", "right")]
ANGLES = {item: i % 2 * np.pi / 4 + i / 1000 for i, item in enumerate(ITEMS)}
VECTORS = {item: (np.cos(a), np.sin(a)) for item, a in ANGLES.items()}


def bundles(*splits):
    return [
        {
            "bundle_id": i,
            "items": [f"{kind} left", f"{kind} right"],
            "split": splits[i % len(splits)],
        }
        for i, kind in enumerate(KINDS)
    ]


def cached(vectors):
    return CachedEncoder(GivenVectors(vectors), "", None, "given", QUIET)


def chosen(tmp_path, tables, vectors=VECTORS, others=()):
    corpus = write_corpus(tmp_path / "corpus", ITEMS, tables=tables)
    catalogue = Catalogue.read(corpus)
    found = choose(
        corpus,
        catalogue,
        fitted(corpus, catalogue),
        [cached(each) for each in (vectors, *others)],
        form=TITLE,
    )
    return {one.use: one for one in found}


def test_words_that_find_what_vectors_miss_get_a_weight(tmp_path):
    similar = chosen(tmp_path, {"bundles": bundles("train", "valid")})["similar"]

    assert similar.weight > 0
    assert similar.measure == "R@10 on train and valid"
    assert similar.units == 20
    assert similar.figures["0"] == 0
    assert similar.figures[f"{similar.weight:g}"] == 1
    assert list(similar.figures) == [f"{w:g}" for w in GRID]


def test_where_no_weight_beats_the_default_it_stays(tmp_path):
    mates = {item: (1.0, i // 2 / 50) for i, item in enumerate(ITEMS)}  # vectors know it all

    similar = chosen(tmp_path, {"bundles": bundles("valid")}, mates)["similar"]

    assert similar.figures["0"] == similar.figures["0.8"] == 1
    assert similar.weight == 0


def test_test_chooses_nothing(tmp_path):
    similar = chosen(tmp_path, {"bundles": bundles("test")})["similar"]

    assert similar.weight == 0
    assert not similar.measure


def test_a_shop_without_judgements_has_the_defaults(tmp_path):
    found = chosen(tmp_path, {})

    weights = {use: one.weight for use, one in found.items()}
    assert weights == {"similar": 0, "search": 0.2, "rerank": 0, "answers": 0}
    assert str(found["search"]) == "search 0.2 (nothing to choose by)"


ASKED = [f"does {kind} fit" for kind in KINDS]
RIGHT = [f"{kind} will" for kind in KINDS]
QUESTIONS = {
    "queries": [{"query_id": f"q{i}", "query": text} for i, text in enumerate(ASKED)],
    "candidates": [
        {
            "candidate_id": f"{i}-{other}",
            "query_id": f"q{i}",
            "candidate": RIGHT[(i + other) % len(RIGHT)],
            "label": 2.0 if other == 0 else 0.0,
            "split": "valid",
        }
        for i in range(len(ASKED))
        for other in range(3)
    ],
}
# The further a passage, the nearer its vector: a question's own comes last, but for the end.
BLIND = (
    VECTORS
    | dict.fromkeys(ASKED, (1.0, 0.0))
    | {text: (1.0, (len(RIGHT) - i) / 100) for i, text in enumerate(RIGHT)}
)


def test_questions_choose_their_own_weight(tmp_path):
    answers = chosen(tmp_path, QUESTIONS, BLIND)["answers"]

    assert answers.measure == "P@1 on valid"
    assert answers.weight > 0
    assert answers.figures["0"] < 0.1
    assert answers.figures[f"{answers.weight:g}"] == 1


def test_what_the_variants_of_an_encoder_answer_is_averaged(tmp_path):
    seeing = {text: np.eye(len(KINDS))[i] for i, text in enumerate(RIGHT)}
    seeing |= {text: np.eye(len(KINDS))[i] for i, text in enumerate(ASKED)}
    blind = chosen(tmp_path / "one", QUESTIONS, BLIND)["answers"]

    both = chosen(tmp_path / "two", QUESTIONS, BLIND, others=[seeing])["answers"]

    assert both.figures["0"] == pytest.approx((blind.figures["0"] + 1) / 2)
    assert both.units == len(KINDS)


def test_the_manifest_says_the_weights_and_names_the_table(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", ITEMS, tables={"bundles": bundles("valid")})
    manifest = manifest_pb2.Manifest()

    choices = write_words(
        corpus,
        Catalogue.read(corpus),
        [cached(VECTORS)],
        answers=None,
        form=TITLE,
        folder=tmp_path,
        manifest=manifest,
        reporter=QUIET,
    )

    assert manifest.words.similar == choices[0].weight > 0
    assert manifest.words.search == 0.2
    assert (tmp_path / manifest.words.file).is_file()


def test_the_error_of_a_paired_difference_is_that_of_a_mean_where_sizes_are_equal():
    draw = np.random.default_rng(0)
    tops, others = draw.random(50), draw.random(50)

    difference, error = paired_difference(tops, others, np.ones(50))

    assert difference == pytest.approx((tops - others).mean())
    assert error == pytest.approx((tops - others).std(ddof=1) / np.sqrt(50))
