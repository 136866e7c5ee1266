"""Runs given to an export: opened before anything is written, refused by one line."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from relatum_export.artifact.parts import PartRuns, Parts
from relatum_export.console import Reporter
from relatum_export.corpus.text import FULL, TITLE
from relatum_export.errors import InputError
from relatum_export.graph.folder import FORMAT as GRAPH_FORMAT
from relatum_export.training.bases import form_to_json
from relatum_export.training.ranker.run import FORMAT as RANKER_FORMAT
from relatum_export.training.users.run import USERS_FORMAT
from tests.unit.export.evaluation.corpora import write_corpus

OURS, OTHER = "00112233aabbccdd", "ffeeddcc00112233"
FLAGS = ["pairs", "users", "ranker", "graph", "answers"]


def under(form):
    """The id of the encoder under another form."""
    return f"of {form.name}"


def _with_config(flag, config):
    runs = PartRuns(**{flag.removeprefix("--"): Path("run")})
    return replace(Parts.open(PartRuns()), configs={flag: config}, runs=runs)


@pytest.fixture
def graph(tmp_path):
    """`graph(encoder_id, **more)`: a graph folder's descriptions, made on that encoder."""

    def write(encoder_id=OURS, **more):
        folder = tmp_path / "graph"
        folder.mkdir()
        config = {
            "format": GRAPH_FORMAT,
            "base": "minilm",
            "encoder_id": encoder_id,
            "text_form": {"name": "title"},
            **more,
        }
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        (folder / "metrics.json").write_text("{}", encoding="utf-8")
        return folder

    return write


def test_without_runs_there_are_no_parts(tmp_path):
    parts = Parts.open(PartRuns())

    parts.check_encoder(OURS, "minilm", FULL, under)

    assert (parts.head, parts.users, parts.ranker, parts.graph) == (None, None, None, None)


def test_a_part_of_the_same_encoder_is_accepted(graph):
    Parts.open(PartRuns(graph=graph())).check_encoder(OURS, "minilm", FULL, under)


def test_the_text_form_of_an_encoder_without_one_is_that_of_its_parts(graph, tmp_path):
    corpus = write_corpus(tmp_path / "shop", ["p1"])
    parts = Parts.open(PartRuns(graph=graph(text_form=form_to_json(TITLE))))

    assert parts.text_form(corpus) == TITLE
    assert Parts.open(PartRuns()).text_form(corpus) is None


def test_a_head_of_the_same_weights_may_have_seen_products_in_another_form():
    heads = _with_config("--pairs", {"encoder_id": "of title", "text_form": form_to_json(TITLE)})

    heads.check_encoder(OURS, "minilm", FULL, under)

    other = _with_config("--pairs", {"encoder_id": "of title", "text_form": form_to_json(FULL)})
    with pytest.raises(InputError, match="text form full"):
        other.check_encoder(OURS, "minilm", FULL, under)


def test_a_part_with_vectors_of_its_own_must_have_the_artifacts_form():
    graphs = _with_config("--graph", {"encoder_id": "of title", "text_form": form_to_json(TITLE)})

    with pytest.raises(InputError, match="text form title"):
        graphs.check_encoder(OURS, "minilm", FULL, under)


def test_a_head_of_other_shops_leaves_the_text_form_to_this_one(tmp_path):
    corpus = write_corpus(tmp_path / "shop", ["p1"])
    own = hashlib.sha256(corpus.fingerprint.encode()).hexdigest()
    form = form_to_json(TITLE)

    general = _with_config("--pairs", {"data_sha256": "0" * 64, "text_form": form})
    fitted = _with_config("--pairs", {"data_sha256": own, "text_form": form})

    assert general.text_form(corpus) is None
    assert fitted.text_form(corpus) == TITLE
    assert _with_config("--answers", {"text_form": form}).text_form(corpus) is None


def test_a_part_of_another_encoder_is_refused_with_both_ids_and_forms(graph):
    folder = graph(OTHER)
    parts = Parts.open(PartRuns(graph=folder))

    with pytest.raises(InputError) as error:
        parts.check_encoder(OURS, "e5", FULL, under)

    message = str(error.value)
    assert f"--graph {folder} was made on encoder {OTHER} (minilm, text form title)" in message
    assert f"not on {OURS} (e5, text form full)" in message
    assert "\n" not in message


def test_a_part_that_does_not_say_its_encoder_is_refused(graph):
    parts = Parts.open(PartRuns(graph=graph(None)))

    with pytest.raises(InputError, match="was made on encoder None"):
        parts.check_encoder(OURS, "e5", FULL, under)


@pytest.mark.parametrize("flag", FLAGS)
def test_a_folder_that_is_something_else_is_refused(tmp_path, flag):
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")

    with pytest.raises(InputError, match="relatum-export") as error:
        Parts.open(PartRuns(**{flag: tmp_path}))

    assert "\n" not in str(error.value)


@pytest.mark.parametrize("flag", FLAGS)
def test_a_folder_that_is_not_there_is_refused(tmp_path, flag):
    with pytest.raises(InputError, match="nowhere"):
        Parts.open(PartRuns(**{flag: tmp_path / "nowhere"}))


@pytest.mark.parametrize(("flag", "format_"), [("users", USERS_FORMAT), ("ranker", RANKER_FORMAT)])
def test_an_unfinished_run_is_refused(tmp_path, flag, format_):
    (tmp_path / "config.json").write_text(json.dumps({"format": format_}), encoding="utf-8")

    with pytest.raises(InputError, match=r"unfinished|damaged"):
        Parts.open(PartRuns(**{flag: tmp_path}))


def test_a_graph_without_its_metrics_is_damaged(graph):
    folder = graph()
    (folder / "metrics.json").unlink()

    with pytest.raises(InputError, match=r"--graph .* is damaged"):
        Parts.open(PartRuns(graph=folder))


@pytest.mark.parametrize("content", ["{", "{}", '{"shape": {}, "encoder_id": "00"}'])
def test_a_head_whose_description_is_cut_is_damaged(tmp_path, content):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "head.json").write_text(content, encoding="utf-8")

    with pytest.raises(InputError, match=r"--pairs .* is damaged") as error:
        Parts.open(PartRuns(pairs=tmp_path))

    assert "\n" not in str(error.value)


def test_a_part_that_was_fitted_on_other_data_is_told_of(graph, tmp_path, capsys):
    corpus = write_corpus(tmp_path / "shop", ["p1"])
    parts = Parts.open(PartRuns(graph=graph(data_sha256="0" * 64, corpora=["old shop"])))

    parts.tell_of_other_data(corpus, Reporter(as_json=False))

    assert "--graph was fitted on old shop" in " ".join(capsys.readouterr().err.split())


def test_a_part_that_was_fitted_on_this_corpus_passes_in_silence(graph, tmp_path, capsys):
    corpus = write_corpus(tmp_path / "shop", ["p1"])
    parts = Parts.open(PartRuns(graph=graph(data_sha256=corpus.fingerprint)))

    parts.tell_of_other_data(corpus, Reporter(as_json=False))

    assert capsys.readouterr().err == ""
