"""A store and its projections, started and ended like a server's, over a small history."""

import random
import shutil
import string
from pathlib import Path

import numpy as np

from relatum_server.domain import Event, EventType, Product, ProductQuantity
from relatum_server.services.projections import Projections
from relatum_server.store.base import ProductPut
from relatum_server.store.sqlite import SqliteStore, open_sqlite
from tests.fakes.shop_artifact import DAY_US, IDS, artifact_with_history

END = 19_000 * DAY_US  # of the artifact's history


class Shop:
    """A store and its projections, started and ended like a server's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.artifact = artifact_with_history(path.parent / "artifact")
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

    def buy(self, *ids: str, days: float = 1.0, basket: str = "", user: str = "") -> None:
        """Days count from the end of the artifact's history."""
        self.write(
            Event(
                id=self._name(),
                type=EventType.PURCHASE,
                user=user,
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
                        user=self.random.choice(["", "u", "v"]),
                    )

    def answers(self) -> dict[str, object]:
        """All that traffic says, by product id."""
        traffic, keys = self.live.traffic, self.live.keys
        ids = sorted(keys.ids())
        rows = np.array([keys.key_of(i) for i in ids], np.int64)

        def near(key: int, k: int) -> list[tuple[str, float]]:
            found, counts = traffic.neighbours(key, k)
            return sorted(zip(map(keys.id_of, found.tolist()), counts.tolist(), strict=True))

        def after(key: int) -> object:
            found, counts, total = traffic.successors(key)
            named = map(keys.id_of, found.tolist())
            return sorted(zip(named, counts.tolist(), strict=True)), total

        return {
            "ids": ids,
            "popularity": traffic.popularity(rows).tolist(),
            "popular": [keys.id_of(key) for key in traffic.popular(9).tolist()],
            "recent": traffic.recent_shares(rows).tolist(),
            "recent top": [keys.id_of(key) for key in traffic.recently_popular(9).tolist()],
            "baskets": traffic.baskets(rows).tolist(),
            "neighbours": [near(key, 50) for key in rows.tolist()],
            "few neighbours": [near(key, 3) for key in rows.tolist()],
            "successors": [after(key) for key in rows.tolist()],
            "rates": traffic.repurchase_rates(rows).tolist(),
            "waits": traffic.log_repurchase_days(rows).tolist(),
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
