from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from relatum_server.index.counters import EventCounters, OptionalCounts
from relatum_server.index.generations import Generations
from relatum_server.index.snapshot import COUNTERS_VERSION, CountersFolder, SnapshotFolder
from relatum_server.index.usearch import UsearchIndex

DIMENSION = 16


def index_of(count: int) -> UsearchIndex:
    vectors = np.random.default_rng(count).normal(size=(count, DIMENSION)).astype(np.float32)
    index = UsearchIndex(DIMENSION)
    index.upsert(np.arange(count, dtype=np.int64), vectors)
    return index


def folder(path: Path, encoder_id: str = "encoder-a") -> SnapshotFolder:
    return SnapshotFolder(path, encoder_id, DIMENSION)


def test_an_empty_folder_opens_as_an_empty_index(tmp_path: Path) -> None:
    index, revision = folder(tmp_path / "text").open()

    assert (len(index), revision, index.dimension) == (0, 0, DIMENSION)


def test_what_was_saved_comes_back_and_answers_alike(tmp_path: Path) -> None:
    saved = index_of(200)
    folder(tmp_path).save(saved, 42)

    loaded, revision = folder(tmp_path).open()

    assert revision == 42
    keys = np.arange(200, dtype=np.int64)
    np.testing.assert_array_equal(loaded.get(keys)[0], saved.get(keys)[0])
    query = saved.get(keys[:1])[0][0]
    assert loaded.search(query, 10).keys.tolist() == saved.search(query, 10).keys.tolist()


def test_an_opened_index_takes_further_writes(tmp_path: Path) -> None:
    folder(tmp_path).save(index_of(20), 1)
    loaded, _ = folder(tmp_path).open()
    new = np.eye(DIMENSION, dtype=np.float32)[:1]

    loaded.upsert(np.array([5, 900]), np.concatenate([new, new]))
    loaded.remove(np.array([0]))

    assert len(loaded) == 20
    assert loaded.search(new[0], 2).keys.tolist() == [5, 900]


def test_an_empty_index_can_be_saved(tmp_path: Path) -> None:
    folder(tmp_path).save(UsearchIndex(DIMENSION), 3)

    index, revision = folder(tmp_path).open()

    assert (len(index), revision) == (0, 3)


def test_two_generations_are_kept_and_the_newest_is_opened(tmp_path: Path) -> None:
    for revision in (1, 5, 12):
        folder(tmp_path).save(index_of(revision), revision)

    names = sorted(path.name for path in tmp_path.iterdir())
    index, revision = folder(tmp_path).open()

    assert names == [f"{r:016d}.{end}" for r in (5, 12) for end in ("json", "usearch")]
    assert (len(index), revision) == (12, 12)


def test_saving_a_revision_again_replaces_it(tmp_path: Path) -> None:
    folder(tmp_path).save(index_of(3), 7)
    folder(tmp_path).save(index_of(4), 7)

    index, revision = folder(tmp_path).open()

    assert (len(index), revision) == (4, 7)


def test_what_a_crash_left_behind_is_removed(tmp_path: Path) -> None:
    folder(tmp_path).save(index_of(3), 7)
    (tmp_path / "0000000000000009.usearch.tmp").write_bytes(b"half")
    (tmp_path / "0000000000000008.usearch").write_bytes(b"a graph whose manifest never came")

    index, _ = folder(tmp_path).open()

    assert len(index) == 3
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".usearch"]


def test_the_index_of_another_encoder_is_not_opened(tmp_path: Path) -> None:
    folder(tmp_path).save(index_of(3), 7)

    index, revision = folder(tmp_path, "encoder-b").open()

    assert (len(index), revision) == (0, 0)
    assert folder(tmp_path).open()[1] == 7  # and stays for a way back


def test_newer_generations_of_another_encoder_do_not_push_out_what_is_saved(
    tmp_path: Path,
) -> None:
    folder(tmp_path).save(index_of(3), 100)
    folder(tmp_path).save(index_of(4), 200)

    folder(tmp_path, "encoder-b").save(index_of(5), 50)

    index, revision = folder(tmp_path, "encoder-b").open()
    assert (len(index), revision) == (5, 50)


def test_a_graph_beyond_the_stores_revision_is_not_opened_then_or_later(tmp_path: Path) -> None:
    for revision in (5, 12):
        folder(tmp_path).save(index_of(revision), revision)

    assert folder(tmp_path).open(at_most=8)[1] == 5

    assert folder(tmp_path).open(at_most=100)[1] == 5  # the new history has passed it
    assert (tmp_path / f"{12:016d}.usearch.beyond").exists()


def test_counters_that_no_longer_read_are_set_aside(tmp_path: Path) -> None:
    kept = CountersFolder(tmp_path, "model")
    kept.save(EventCounters(), 5)
    facts: dict[str, str | int] = {
        "model_id": "model",
        "counters": COUNTERS_VERSION,
        "optional": repr(OptionalCounts()),
    }
    Generations(tmp_path, ".msgpack", facts).save(lambda path: path.write_bytes(b"\x90"), 9)

    counters, revision = kept.open({})

    assert (counters.ids, revision) == ([], 5)
    assert (tmp_path / f"{9:016d}.msgpack.damaged").exists()


def test_counters_beside_another_artifact_are_not_opened(tmp_path: Path) -> None:
    CountersFolder(tmp_path, "model-a").save(EventCounters(), 5)

    assert CountersFolder(tmp_path, "model-b").open({})[1] == 0
    assert CountersFolder(tmp_path, "model-a").open({})[1] == 5


def flip(graph: Path) -> None:
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)


def truncate(graph: Path) -> None:
    graph.write_bytes(graph.read_bytes()[:-100])


def empty_manifest(graph: Path) -> None:
    graph.with_suffix(".json").write_bytes(b"")


def wrong_manifest(graph: Path) -> None:
    graph.with_suffix(".json").write_text('{"version": "one"}')


def not_text(graph: Path) -> None:
    graph.with_suffix(".json").write_bytes(b"\xff\x00\xfe")


DAMAGES = [flip, truncate, Path.unlink, empty_manifest, wrong_manifest, not_text]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_generation_is_set_aside_and_the_one_before_opened(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    for revision in (5, 12):
        folder(tmp_path).save(index_of(revision), revision)
    damage(tmp_path / f"{12:016d}.usearch")

    index, revision = folder(tmp_path).open()

    assert (len(index), revision) == (5, 5)
    assert (tmp_path / f"{12:016d}.json.damaged").exists()
    assert not (tmp_path / f"{12:016d}.json").exists()


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_all_are_damaged_an_empty_index_comes_and_can_be_saved_again(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder(tmp_path).save(index_of(5), 5)
    damage(tmp_path / f"{5:016d}.usearch")

    index, revision = folder(tmp_path).open()
    assert (len(index), revision) == (0, 0)

    folder(tmp_path).save(index_of(6), 6)
    assert folder(tmp_path).open()[1] == 6
