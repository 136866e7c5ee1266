"""Restarts over a real store: what traffic answers is what a recount of all events answers."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import numpy as np
import pytest

from relatum_server.domain import Event
from relatum_server.index.lexical import VERSION, Fts5Index
from relatum_server.store.sqlite import SqliteStore, open_sqlite
from tests.fakes.shop_artifact import IDS, artifact_with_history
from tests.integration.server.restarted_shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "data")
    yield shop
    shop.kill()


def counters(shop: Shop) -> list[str]:
    return sorted(path.name for path in (shop.path / "counters").iterdir())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("end", [Shop.stop, Shop.kill])
def test_a_restart_answers_like_a_recount_and_like_before_it(shop, end, seed) -> None:
    shop.random = random.Random(seed)  # noqa: S311 - not for secrets
    shop.live_a_little()
    shop.stop()
    shop.start()
    shop.live_a_little()
    before = shop.answers()

    end(shop)
    shop.start()

    assert shop.answers() == before
    assert shop.recounted() == before
    assert before["popular"]
    assert before["recent top"]
    assert any(before["neighbours"])


def test_only_what_came_after_the_counters_is_read_again(shop, monkeypatch) -> None:
    shop.put("p20", "p21")
    shop.buy("p20", "p21")
    shop.stop()
    shop.start()
    shop.buy("p20", "p21")
    shop.kill()
    read = []
    scan = SqliteStore.scan_events

    def counting(self: SqliteStore, first_row: int = 0) -> Iterator[tuple[int, Event]]:
        for row, event in scan(self, first_row):
            read.append(row)
            yield row, event

    monkeypatch.setattr(SqliteStore, "scan_events", counting)
    shop.start()

    assert read == [2]
    key = shop.live.keys.key_of("p20")
    assert shop.live.traffic.neighbours(key, 5)[1].tolist() == [2.0]


def test_a_product_that_comes_late_has_the_purchases_that_waited_for_it(shop) -> None:
    shop.put("p20")
    shop.buy("p20", "p21")
    shop.stop()
    shop.start()

    shop.put("p21")

    key = shop.live.keys.key_of("p20")
    assert [shop.live.keys.id_of(k) for k in shop.live.traffic.neighbours(key, 5)[0]] == ["p21"]
    assert shop.live.traffic.popularity(np.array([shop.live.keys.key_of("p21")])) == [1.0]


def test_a_product_deleted_after_the_counters_were_saved_is_in_no_answer(shop) -> None:
    shop.put("p20", "p21")
    shop.buy("p20", "p21")
    shop.stop()
    shop.start()
    shop.delete("p21")
    shop.kill()
    shop.start()

    found = shop.answers()

    assert found["popular"] == found["recent top"] == ["p20"]
    assert found["neighbours"] == [[]]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink])
@pytest.mark.parametrize("suffix", [".msgpack", ".json"])
def test_damaged_counters_are_set_aside_and_the_ones_before_caught_up(shop, damage, suffix) -> None:
    for _ in range(2):
        shop.live_a_little(30)
        shop.stop()
        shop.start()
    before = shop.answers()
    shop.stop()
    newest = max((shop.path / "counters").glob(f"*{suffix}"))
    damage(newest)

    shop.start()

    assert shop.answers() == before
    assert shop.projections.live.revision == shop.store.revision()


def test_where_all_counters_are_damaged_the_events_are_counted_again(shop) -> None:
    shop.live_a_little()
    before = shop.answers()
    shop.stop()
    for file in (shop.path / "counters").glob("*.msgpack"):
        flip(file)

    shop.start()

    assert shop.answers() == before
    assert any(name.endswith(".msgpack.damaged") for name in counters(shop))


def test_counters_beyond_a_restored_backup_are_not_used_then_or_later(shop, tmp_path) -> None:
    shop.live_a_little(20)
    shop.stop()
    files = ("relatum.db", "relatum.acknowledged")
    for name in files:
        shutil.copy(shop.path / name, tmp_path / name)
    shop.start()
    shop.live_a_little(30)
    shop.stop()

    for name in files:  # as a restore of the two that leaves the projections where they are
        shutil.copy(tmp_path / name, shop.path / name)
    shop.start()
    restored = shop.answers()
    assert shop.recounted() == restored
    shop.store = open_sqlite(shop.path / "relatum.db", durability="relaxed")
    shop.kill()
    shop.start()
    shop.random = random.Random(99)  # noqa: S311 - not for secrets
    shop.live_a_little(60)  # past the revision of the other history
    shop.kill()
    shop.start()

    assert shop.recounted() == shop.answers()
    assert any(name.endswith(".msgpack.beyond") for name in counters(shop))


def test_a_new_artifacts_history_is_counted_beside_from_the_first_event(shop, tmp_path) -> None:
    shop.put(*IDS)
    for days in (1, 5, 9):
        shop.buy("p0", "p1", days=days)
    key = shop.live.keys.key_of("p0")
    assert shop.live.traffic.neighbours(key, 1)[1].tolist() == [5.0]  # 2 of the artifact, and 3
    shop.stop()

    shop.artifact = artifact_with_history(
        tmp_path / "artifact", model_id="model-b", last_day=19_007
    )
    shop.start()

    assert shop.live.traffic.neighbours(key, 1)[1].tolist() == [3.0]  # of days 1 and 5 it tells
    assert shop.recounted() == shop.answers()


def test_the_history_imported_as_events_counts_once(shop) -> None:
    shop.put(*IDS)
    keys = np.array([shop.live.keys.key_of(i) for i in ("p0", "p1")], np.int64)
    baskets = shop.live.traffic.baskets(keys).tolist()

    for number in range(3):  # as often as the artifact says of p0
        shop.buy("p0", "p1", days=-number - 1)

    assert shop.live.traffic.baskets(keys).tolist() == baskets == [3.0, 4.0]
    assert shop.live.traffic.neighbours(int(keys[0]), 1)[1].tolist() == [2.0]
    bought = 2.0 ** (-np.array([1, 2, 3]) / 7)
    logs = shop.live.traffic.popularity(keys)
    # p0: its three events; p1: its three events and the one more that the artifact counted
    assert logs[1] > logs[0]
    assert logs[0] / logs[1] == pytest.approx(bought.sum() / (bought.sum() + 2.0 ** (-1 / 7)))


def test_a_lexical_index_of_an_older_version_is_built_again_once(shop, monkeypatch) -> None:
    shop.put("p20", "p21")
    shop.stop()
    older = apsw.Connection(str(shop.path / "lexical.db"))
    older.execute("UPDATE state SET value = ? WHERE name = 'version'", (VERSION - 1,))
    older.execute("DROP TABLE word_counts")  # which that version did not have
    older.close()
    written = []
    upsert = Fts5Index.upsert

    def counting(self, documents):
        written.extend(documents)
        upsert(self, documents)

    monkeypatch.setattr(Fts5Index, "upsert", counting)

    for _ in range(2):
        shop.start()
        found = shop.live.lexical.search("20", 5).keys.tolist()
        assert found == [shop.live.keys.key_of("p20")]
        assert shop.live.correct("rred") == "red"
        shop.stop()
    shop.start()

    assert sorted(document.title for document in written) == ["red p20", "red p21"]
