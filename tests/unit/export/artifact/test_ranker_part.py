"""The ranker's part of an artifact: in the server's terms, with every part that it weighs."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.ranker import SCHEMA, add_ranker, check_given
from relatum_export.errors import InputError
from relatum_export.evaluation.transitions import TransitionSettings
from relatum_export.training.ranker.run import FORMAT, SourceEntry, TrainedRanker, write_ranker

TRANSITIONS = SourceEntry("transitions", 1.25, 0.5, {"window": 10, "decay": 0.8, "step": 0.9}, 0.75)
FREQUENCY = SourceEntry("frequency", 3.0, 1.0, {"step": 0.95}, 0.0)
TEXT = SourceEntry("text", 0.5, 1.0, {"step": 0.7}, 0.5)
PAIRS = pa.table(
    {"item_id_a": ["a"], "item_id_b": ["b"], "weight": pa.array([2.5], pa.float32())}, SCHEMA
)


@pytest.fixture
def trained(tmp_path):
    """`trained(sources, pairs)`: a finished run with these."""

    def write(sources=(TRANSITIONS, FREQUENCY, TEXT), pairs=PAIRS):
        run = tmp_path / "run"
        run.mkdir()
        write_ranker(
            run,
            repeats=True,
            pool=200,
            sources=tuple(sources),
            transitions=TransitionSettings(10, 0.8, history_step=0.9),
            pairs=pairs,
        )
        (run / "config.json").write_text(json.dumps({"format": FORMAT}), encoding="utf-8")
        (run / "metrics.json").write_text("{}", encoding="utf-8")
        return TrainedRanker.open(run)

    return write


@pytest.fixture
def artifact(tmp_path):
    folder = tmp_path / "artifact"
    folder.mkdir()
    return folder


def test_sources_are_written_by_the_names_that_a_server_reads(trained, artifact):
    manifest = manifest_pb2.Manifest()

    add_ranker(trained(), artifact, manifest)

    written = json.loads((artifact / manifest.ranker.file).read_text(encoding="utf-8"))
    by_name = {source["name"]: source for source in written["sources"]}
    assert (written["version"], written["repeats"]) == (1, True)
    assert by_name["transitions"]["settings"] == {
        "window": 10,
        "step": 0.8,
        "backwards": 0.3,
        "row_power": 0.5,
        "popularity_power": 0.25,
        "history_step": 0.9,
    }
    assert by_name["transitions"]["power"] == 0.5
    assert (by_name["transitions"]["weight"], by_name["transitions"]["new_weight"]) == (1.25, 0.75)
    assert by_name["frequency"]["settings"] == {"basket_step": 0.95}
    assert by_name["text"]["settings"] == {"history_step": 0.7}
    assert {source["candidates"] for source in written["sources"]} == {200}
    assert list(manifest.ranker.sources) == ["transitions", "frequency", "text"]


def test_transitions_are_copied_where_they_are_weighed(trained, artifact):
    manifest = manifest_pb2.Manifest()

    add_ranker(trained(), artifact, manifest)

    assert pq.read_table(artifact / manifest.transitions_file).equals(PAIRS)


def test_transitions_stay_behind_where_they_are_not_weighed(trained, artifact):
    manifest = manifest_pb2.Manifest()

    add_ranker(trained([FREQUENCY]), artifact, manifest)

    assert manifest.transitions_file == ""
    assert not (artifact / "transitions.parquet").exists()


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("users", "give --users"),
        ("complement", "the graph has no such space"),
        ("diffused", "the graph has no such space"),
        ("copurchase", "the corpus has no purchases"),
        ("popularity", "the corpus has no purchases"),
    ],
)
def test_a_ranker_that_weighs_an_absent_part_is_refused(trained, artifact, name, remedy):
    run = trained([FREQUENCY, SourceEntry(name, 1.0, 1.0, {}, 1.0)])

    with pytest.raises(InputError, match=f"weighs {name}, which the artifact would lack: {remedy}"):
        add_ranker(run, artifact, manifest_pb2.Manifest())


@pytest.mark.parametrize(
    ("name", "flag"), [("users", "--users"), ("complement", "--graph"), ("diffused", "--graph")]
)
def test_a_ranker_that_weighs_what_was_not_given_is_refused_at_once(trained, name, flag):
    run = trained([FREQUENCY, SourceEntry(name, 1.0, 1.0, {}, 1.0)])

    check_given(run, [flag])
    with pytest.raises(InputError, match=f"weighs {name}, .* give {flag}"):
        check_given(run, ["--pairs"])


@pytest.mark.parametrize(
    "sources",
    [
        [SourceEntry("horoscope", 1.0, 1.0, {}, 1.0)],
        [FREQUENCY, FREQUENCY],
        [SourceEntry("frequency", float("nan"), 1.0, {}, 1.0)],
        [SourceEntry("frequency", 1.0, 0.0, {}, 1.0)],
        [SourceEntry("frequency", 1.0, 1.0, {"step": float("inf")}, 1.0)],
        [],
    ],
    ids=["unknown", "twice", "nan-weight", "power-0", "infinite-setting", "none"],
)
def test_a_ranker_that_no_server_could_read_is_refused(trained, artifact, sources):
    run = trained(sources)

    with pytest.raises(InputError, match="cannot be served") as error:
        add_ranker(run, artifact, manifest_pb2.Manifest())

    assert "\n" not in str(error.value)
    assert list(artifact.iterdir()) == []


@pytest.mark.parametrize(
    "weights",
    [
        pa.array([float("nan")], pa.float32()),
        pa.array([float("inf")], pa.float32()),
        pa.array([0.0], pa.float32()),
        pa.array([-1.0], pa.float32()),
        pa.array([None], pa.float32()),
        pa.array([1.0], pa.float64()),
    ],
    ids=["nan", "infinite", "zero", "negative", "null", "double"],
)
def test_transitions_without_proper_weights_are_refused(trained, artifact, weights):
    run = trained(pairs=pa.table({"item_id_a": ["a"], "item_id_b": ["b"], "weight": weights}))

    with pytest.raises(InputError, match=r"transitions\.parquet must have the columns"):
        add_ranker(run, artifact, manifest_pb2.Manifest())


def test_transitions_that_were_cut_are_refused(trained, artifact):
    run = trained()
    file = run.path / "transitions.parquet"
    file.write_bytes(file.read_bytes()[:-8])

    with pytest.raises(InputError, match=r"transitions\.parquet is damaged or missing"):
        add_ranker(run, artifact, manifest_pb2.Manifest())
