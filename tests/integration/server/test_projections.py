"""Restarts over a real store: what traffic answers is what a recount of all events answers."""

import random
import shutil
import string
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from relatum_server.artifact import Artifact, EncoderSpec, TextForm
from relatum_server.domain import Event, EventType, Product, ProductQuantity
from relatum_server.services.projections import Projections
from relatum_server.store.base import ProductPut
from relatum_server.store.sqlite import SqliteStore, open_sqlite

DAY_US = 86_400 * 1_000_000
END = 19_000 * DAY_US  # of the artifact's history
IDS = [f"p{number}" for number in range(24)]
HISTORY = IDS[:12]


def artifact(folder: Path, model_id: str = "model-a", last_day: int = 19_000) -> Artifact:
    """An artifact with a history of half the products and no vectors."""
    folder.mkdir(exist_ok=True)
    popularity, copurchase = folder / f"{model_id}-p.parquet", folder / f"{model_id}-c.parquet"
    last = [(last_day - number) * 86_400 for number in range(len(HISTORY))]
    parquet.write_table(
        pa.table({"item_id": HISTORY, "count": range(3, 15), "last_time": last}), popularity
    )
    pairs = [(a, b) for a in HISTORY[:4] for b in HISTORY[:4] if a != b]
    columns = {
        "item_id_a": [a for a, _ in pairs],
        "item_id_b": [b for _, b in pairs],
        "count": [2] * len(pairs),
    }
    parquet.write_table(pa.table(columns), copurchase)
    encoder = EncoderSpec("encoder", "base", 8, "", "", 32, 0, folder, TextForm((), ""), (), ())
    return Artifact(
        path=folder,
        name="shop",
        model_id=model_id,
        encoder=encoder,
        spaces=(),
        copurchase_path=copurchase,
        popularity_path=popularity,
        golden_path=folder,
        golden_min_cosine=0.9,
        languages={},
    )


class Shop:
    """A store and its projections, started and ended like a server's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.artifact = artifact(path.parent / "artifact")
        self.random = random.Random(7)  # noqa: S311 - not for secrets
        self.start()

    def start(self) -> None:
        self.store: SqliteStore = open_sqlite(self.path / "relatum.db", durability="relaxed")
        self.projections = Projections.open(self.artifact, self.path, self.store)
        self.live = self.projections.live

    def stop(self) -> None:
        self.projections.close()
        self.store.close()

    def kill(self) -> None:
        """End without saving: what SIGKILL leaves."""
        self.live.close()
        self.store.close()

    def put(self, *ids: str) -> None:
        products = [Product(i, f"red {i}", etag="e") for i in ids]
        written = self.store.write_products([ProductPut(product) for product in products])
        vectors = [None] * len(ids)
        self.live.apply_products(written.revision, written.keys, products, vectors)

    def delete(self, *ids: str) -> None:
        written = self.store.write_products([], ids)
        self.live.apply_products(written.revision, (), (), (), written.deleted_keys)

    def write(self, *events: Event) -> None:
        self.live.apply_events(self.store.write_events(events).revision, events)

    def buy(self, *ids: str, days: float = 1.0, basket: str = "") -> None:
        """Days count from the end of the artifact's history."""
        self.write(
            Event(
                id=self._name(),
                type=EventType.PURCHASE,
                session=basket or self._name(),
                time_us=END + int(days * DAY_US),
                items=tuple(ProductQuantity(i) for i in ids),
            )
        )

    def search(self, words: str, user: str) -> None:
        self.write(Event(id=self._name(), type=EventType.SEARCH, user=user, query=words))

    def live_a_little(self, steps: int = 60) -> None:
        """Products come, go and come back; purchases of any of them, before, between and after."""
        for _ in range(steps):
            some = self.random.sample(IDS, self.random.randint(1, 4))
            match self.random.randrange(6):
                case 0:
                    self.put(*some)
                case 1:
                    self.delete(*some)
                case 2:
                    self.search(self.random.choice(["tea", "milk", "oat"]), some[0])
                case _:
                    self.buy(
                        *some,
                        days=self.random.uniform(-20, 12),
                        basket=self.random.choice(string.ascii_letters),
                    )

    def answers(self) -> dict[str, object]:
        """All that traffic says, by product id."""
        traffic, keys = self.live.traffic, self.live.keys
        ids = sorted(keys.ids())
        rows = np.array([keys.key_of(i) for i in ids], np.int64)

        def near(key: int, k: int) -> list[tuple[str, float]]:
            found, counts = traffic.neighbours(key, k)
            return sorted(zip(map(keys.id_of, found.tolist()), counts.tolist(), strict=True))

        return {
            "ids": ids,
            "popularity": traffic.popularity(rows).tolist(),
            "popular": [keys.id_of(key) for key in traffic.popular(9).tolist()],
            "recent": traffic.recent_shares(rows).tolist(),
            "recent top": [keys.id_of(key) for key in traffic.recently_popular(9).tolist()],
            "baskets": traffic.baskets(rows).tolist(),
            "neighbours": [near(key, 50) for key in rows.tolist()],
            "few neighbours": [near(key, 3) for key in rows.tolist()],
            "completions": traffic.queries.complete("", 10),
        }

    def recounted(self) -> dict[str, object]:
        """The answers of a server that finds no counters and counts all events."""
        copy = self.path.with_name(f"{self.path.name}-{self._name()}")
        self.store.close()  # so that the file is whole
        shutil.copytree(self.path, copy)
        shutil.rmtree(copy / "counters")
        other = Shop.__new__(Shop)
        other.path, other.artifact = copy, self.artifact
        other.start()
        found = other.answers()
        other.stop()
        return found

    def _name(self) -> str:
        return f"{self.random.getrandbits(64):016x}"


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
    backup = tmp_path / "backup.db"
    shutil.copy(shop.path / "relatum.db", backup)
    shop.start()
    shop.live_a_little(30)
    shop.stop()

    shutil.copy(backup, shop.path / "relatum.db")
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

    shop.artifact = artifact(tmp_path / "artifact", "model-b", last_day=19_007)
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
