"""The reranker's part: written and tried, weighed by what is judged, and left out again."""

import json

import numpy as np
import pytest

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact import reranker as part
from relatum_export.artifact.onnx_reranker import OnnxReranker
from relatum_export.artifact.reranker_choice import GRID, choose, judged_pairs
from relatum_export.artifact.reranker_part import write_reranker
from relatum_export.console import Reporter
from relatum_export.corpus.text import TITLE
from relatum_export.errors import InputError, QualityError
from relatum_export.evaluation.encoding import CachedEncoder
from relatum_export.evaluation.reranking import Reranking
from relatum_export.training.cross_encoder import TorchCrossEncoder
from relatum_export.training.products import Catalogue
from tests.unit.export.evaluation.corpora import GivenVectors, encoder_system, write_corpus
from tests.unit.export.training.tiny_reranker import write_tiny_reranker

WORDS = ["milk", "tea", "green", "whole", "cup", "good", "bad"]
QUIET = Reporter(as_json=True)
PAIRS = [(query, f"{text} {n}") for n in range(8) for query in WORDS[:3] for text in WORDS[3:]]


@pytest.fixture(scope="module")
def reranker(tmp_path_factory):
    folder = write_tiny_reranker(tmp_path_factory.mktemp("reranker") / "tiny", WORDS)
    return TorchCrossEncoder.load(str(folder))


@pytest.fixture(autouse=True)
def _coarse(monkeypatch):
    """Random weights tell pairs apart by less than int8 rounds; a trained reranker does not."""
    monkeypatch.setitem(part.ALLOWED, "int8", 2.0)


def questions(split="valid", count=12):
    """The right passage has the lower cosine."""
    return {
        "queries": [{"query_id": f"q{i}", "query": f"q{i}", "split": split} for i in range(count)],
        "candidates": [
            {
                "candidate_id": f"{i}{text}",
                "query_id": f"q{i}",
                "candidate": text,
                "label": label,
                "split": split,
            }
            for i in range(count)
            for text, label in (("bad", 0), ("good", 2))
        ],
    }


VECTORS = {f"q{i}": (1.0, 0.0) for i in range(12)} | {"bad": (1.0, 0.0), "good": (0.99, 0.14)}


class Knows:
    def __init__(self, good: float) -> None:
        self._good = good

    def scores(self, pairs):
        return np.array([self._good * (text == "good") for _, text in pairs], np.float32)


def chosen(tmp_path, tables, scorer):
    corpus = write_corpus(tmp_path / "corpus", ["x"], tables=tables)
    systems = [encoder_system(VECTORS)]
    found = choose(corpus, Catalogue.read(corpus), systems, Reranking(scorer, {}))
    return {one.use: one for one in found}


def test_the_graphs_answer_as_pytorch_and_the_manifest_names_them(reranker, tmp_path):
    manifest = manifest_pb2.Manifest()

    graphs, measured = part.add_reranker(reranker, PAIRS, tmp_path, manifest)

    expected = reranker.scores(PAIRS)
    assert graphs["fp32"].scores(PAIRS) == pytest.approx(expected, abs=1e-3)
    assert measured["mean_difference_in_spreads"]["int8"] < part.ALLOWED["int8"]
    assert {v.precision for v in manifest.reranker.variants} == {"fp32", "int8", "fp16"}
    named = {manifest.reranker.tokenizer_file, manifest.reranker.golden_file}
    named |= {v.file for v in manifest.reranker.variants}
    assert {file.name for file in tmp_path.iterdir()} == named
    opened = OnnxReranker.open(tmp_path, manifest, "int8")
    assert opened is not None
    assert opened.scores(PAIRS[:9]) == pytest.approx(graphs["int8"].scores(PAIRS[:9]))
    assert OnnxReranker.open(tmp_path, manifest_pb2.Manifest(), "int8") is None


def test_a_score_of_int8_does_not_depend_on_its_batch(reranker, tmp_path):
    graphs, _ = part.add_reranker(reranker, PAIRS, tmp_path, manifest_pb2.Manifest())

    together = graphs["int8"].scores(PAIRS)
    alone = [float(graphs["int8"].scores([pair])[0]) for pair in PAIRS]

    assert together == pytest.approx(alone, abs=1e-3)


def test_golden_pairs_are_those_of_each_graph(reranker, tmp_path):
    graphs, _ = part.add_reranker(reranker, PAIRS, tmp_path, manifest_pb2.Manifest())

    lines = [json.loads(x) for x in (tmp_path / part.GOLDEN).read_text().splitlines()]

    assert [(x["query"], x["text"]) for x in lines] == list(part.GOLDEN_PAIRS)
    for line in lines:
        for precision, score in line["scores"].items():
            (found,) = graphs[precision].scores([(line["query"], line["text"])])
            assert found == pytest.approx(score, abs=1e-3)


def test_a_graph_that_differs_is_refused(reranker, tmp_path, monkeypatch):
    monkeypatch.setitem(part.ALLOWED, "int8", 0.0)

    with pytest.raises(QualityError, match=r"int8 reranker differs from PyTorch by"):
        part.add_reranker(reranker, PAIRS, tmp_path, manifest_pb2.Manifest())


def test_what_finds_more_answers_gets_a_weight(tmp_path):
    answers = chosen(tmp_path, questions(), Knows(10.0))["answers"]

    assert answers.weight > 0
    assert answers.measure == "P@1 on valid"
    assert answers.figures["0"] == 0
    assert answers.figures[f"{answers.weight:g}"] == 1
    assert list(answers.figures) == [f"{weight:g}" for weight in GRID]


@pytest.mark.parametrize(
    ("tables", "good"),
    [(questions(), -10.0), (questions("test"), 10.0), ({}, 10.0)],
    ids=["it finds less", "judged in test alone", "nothing judged"],
)
def test_else_it_weighs_nothing(tmp_path, tables, good):
    found = chosen(tmp_path, tables, Knows(good))

    assert {use: one.weight for use, one in found.items()} == {"rerank": 0, "answers": 0}


def test_test_is_not_among_what_it_is_weighed_by(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", ["x"], tables=questions("test"))

    assert judged_pairs(corpus, Catalogue.read(corpus), TITLE) == []


def written(corpus, reranker, folder, manifest):
    encoders = [CachedEncoder(GivenVectors(VECTORS), "", None, "relatum", QUIET)]
    return write_reranker(
        corpus,
        Catalogue.read(corpus),
        reranker,
        encoders,
        form=TITLE,
        folder=folder,
        manifest=manifest,
        reporter=QUIET,
    )


def test_where_the_shop_asks_for_none_nothing_of_it_stays(reranker, tmp_path, monkeypatch):
    corpus = write_corpus(tmp_path / "corpus", ["x"], tables=questions())
    monkeypatch.setattr(OnnxReranker, "scores", lambda _self, pairs: Knows(-9.0).scores(pairs))
    monkeypatch.setattr(part, "compared", lambda *_: {})
    folder, manifest = tmp_path / "artifact", manifest_pb2.Manifest()
    folder.mkdir()

    measured = written(corpus, reranker, folder, manifest)

    assert "no better than vectors and words" in measured["left_out"]
    assert not manifest.HasField("reranker")
    assert list(folder.iterdir()) == []


def test_a_shop_that_judged_nothing_is_told_to_leave_it_out(reranker, tmp_path):
    corpus = write_corpus(tmp_path / "corpus", ["x"], tables={})

    with pytest.raises(InputError, match=r"--reranker: corpus .* leave it out"):
        written(corpus, reranker, tmp_path, manifest_pb2.Manifest())
