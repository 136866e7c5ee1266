"""Every file of a data directory, damaged in every way: refused, or set aside and built again.

A small shop's store and projections are opened in this process, as a server opens them.
"""

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relatum_server.domain import Event, EventType, Money, OfferUpdate, Product, ProductQuantity
from relatum_server.errors import RelatumError, StoreError
from relatum_server.index.generations import inspect
from relatum_server.maintenance import PROJECTIONS
from relatum_server.services.limits import Limits
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.projections import Projections
from relatum_server.store.base import ProductPut
from relatum_server.store.examination import examine_store
from relatum_server.store.identity import ShopperKey
from relatum_server.store.sqlite import open_sqlite
from tests.fakes.shop_artifact import artifact_with_history

DIMENSION = 8
PRODUCTS = 60
STORE = ("relatum.db", "relatum.db-wal", "relatum.acknowledged", "user.key")
IGNORED = ("lock", "relatum.db-shm", "lexical.db-shm")
TIME_US = 19_010 * 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """One damage and what came of it.

    Attributes:
        file: that was damaged.
        harm: how.
        outcome: refused, right, wrong, or crash.
        again: the outcome of the start after that.
        noticed: whether the start refused it, set the file aside or wrote it anew, or the doctor
            told of it before; right answers alone are not enough.
    """

    file: str
    harm: str
    outcome: str
    again: str
    noticed: bool


class Shop:
    """A store with its projections, as a server opens them."""

    def __init__(self, path: Path, home: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.artifact = artifact_with_history(home, DIMENSION)
        key = ShopperKey.load_or_create(path / "user.key")
        self.store = open_sqlite(path / "relatum.db", key_check=key.check)
        try:
            self.projections = Projections.open(self.artifact, path, self.store)
        except BaseException:
            self.store.close()
            raise
        self.live = self.projections.live

    def stop(self) -> None:
        """As SIGTERM."""
        self.projections.close()
        self.store.close()

    def fill(self, start: int, count: int) -> None:
        """Products with vectors, an offer and purchases of each."""
        ids = [f"p{i}" for i in range(start, start + count)]
        products = [Product(i, f"red tea number {i}", etag="e") for i in ids]
        packed = [_vector(i) for i in ids]
        puts = [
            ProductPut(product, text_vector=vector, encoder_id="encoder")
            for product, vector in zip(products, packed, strict=True)
        ]
        written = self.store.write_products(puts)
        self.live.apply_products(written.revision, written.keys, products, packed)
        offered = self.store.update_offers(
            [OfferUpdate(i, Money("USD", 5), None, None, 9) for i in ids]
        )
        shown = [replace(product, price=Money("USD", 5)) for product in products]
        self.live.apply_offers(offered.revision, written.keys, shown)
        for n, i in enumerate(ids):
            event = Event(
                f"{i}", EventType.PURCHASE, user=f"u{n % 7}", session=f"s{n // 3}",
                time_us=TIME_US + n, items=(ProductQuantity(i),),
            )  # fmt: skip
            self.live.apply_events(self.store.write_events([event]).revision, [event])

    def answers(self) -> dict[str, Any]:
        """What a caller could see: rows, near products, words, counts."""
        live, keys = self.live, self.live.keys
        ids = sorted(keys.ids())
        rows = np.array([keys.key_of(i) for i in ids], np.int64)
        queries = [np.frombuffer(_vector(f"q{n}"), "<f2").astype(np.float32) for n in range(5)]
        return {
            "revision": live.revision,
            "rows": [(s.key, s.product.id, s.product.price) for s in self.store.scan_products()],
            "events": [event.id for _, event in self.store.scan_events()],
            "near": [live.text.search(q, 9).keys.tolist() for q in queries],
            "words": [
                sorted(live.lexical.search(words, 99).keys.tolist()) for words in ("tea", "p7")
            ],
            "spelt": live.correct("red teaa"),
            "popularity": live.traffic.popularity(rows).tolist(),
            "baskets": live.traffic.baskets(rows).tolist(),
            "cheap": live.ids_allowed(_cheap(live)),
        }


def cases(folder: Path, positions: int = 1, seed: int = 0) -> Iterator[Case]:
    """Damage each file of a stopped and of a killed shop, one at a time.

    Args:
        folder: to work in.
        positions: bits flipped of each file, one a case.
        seed: of their places.
    """
    home = folder / "home"
    home.mkdir(parents=True)
    shop = Shop(folder / "live", home)
    shop.fill(0, PRODUCTS // 2)
    shop.stop()
    shutil.copytree(folder / "live", folder / "older")
    shop = Shop(folder / "live", home)
    shop.fill(PRODUCTS // 2, PRODUCTS // 2)
    shutil.copytree(folder / "live", folder / "killed")
    shop.stop()
    (folder / "live").rename(folder / "stopped")
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    for state in ("stopped", "killed"):
        sound = folder / state
        expected = _outcome(_copied(sound, folder / "try"), home)[1]
        if expected is None:
            raise RuntimeError(f"the {state} shop does not open by itself")
        for file in sorted(path for path in sound.rglob("*") if path.is_file()):
            name = str(file.relative_to(sound))
            if file.name in IGNORED or not file.stat().st_size:
                continue
            for harm, spoil in _harms(file, folder / "older" / name, positions, chance):
                copy = _copied(sound, folder / "try")
                spoil(copy / name)
                if _bytes_of(copy / name) == file.read_bytes():
                    continue  # zeros over zeros
                yield _case(f"{state}/{name}", harm, copy, home, expected)


def _case(name: str, harm: str, copy: Path, home: Path, expected: dict[str, Any]) -> Case:
    told = _doctor_tells(copy)
    spoilt = _bytes_of(copy / name.partition("/")[2])
    outcome, answers = _outcome(copy, home)
    if outcome == "opened":
        outcome = "right" if answers == expected else "wrong"
    again, answers = _outcome(copy, home)
    if again == "opened":
        again = "right" if answers == expected else "wrong"
    anew = _bytes_of(copy / name.partition("/")[2]) != spoilt
    return Case(name, harm, outcome, again, noticed=told or anew or outcome == "refused")


def _doctor_tells(copy: Path) -> bool:
    """Whether `relatum-server doctor` finds anything, the torn half of a note included.

    What it says of recall is left out: that takes a process for each case.
    """
    findings = list(examine_store(copy))
    generations = [one for part in PROJECTIONS for one in inspect(copy / part)]
    told = any(not f.sound or "was interrupted once" in f.text for f in findings)
    return told or any(one.generation is None for one in generations)


def _bytes_of(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None


def _outcome(path: Path, home: Path) -> tuple[str, dict[str, Any] | None]:
    """What a start does: refused with a remedy, crash, or opened with its answers."""
    try:
        shop = Shop(path, home)
    except StoreError as error:
        told = any(word in error.message for word in ("restore", "put the key", "backup", "chmod"))
        return ("refused" if told else "crash"), None
    except Exception:  # noqa: BLE001 - whatever else ends a start
        return "crash", None
    try:
        return "opened", shop.answers()
    except RelatumError:
        return "refused", None  # a damaged page, met by a call
    finally:
        shop.stop()


def _harms(
    file: Path, older: Path, positions: int, chance: random.Random
) -> Iterator[tuple[str, Callable[[Path], object]]]:
    size = file.stat().st_size

    def flip(at: int, bit: int) -> Callable[[Path], object]:
        def spoil(path: Path) -> None:
            content = bytearray(path.read_bytes())
            content[at] ^= 1 << bit
            path.write_bytes(content)

        return spoil

    for _ in range(positions):
        at, bit = chance.randrange(size), chance.randrange(8)
        yield f"flip of bit {bit} at {at}", flip(at, bit)
    cut, zeros = chance.randrange(size), chance.randrange(size)
    yield f"cut at {cut}", lambda path: path.write_bytes(path.read_bytes()[:cut])
    yield (
        f"zeros from {zeros}",
        lambda path: path.write_bytes(path.read_bytes()[:zeros] + bytes(size - zeros)),
    )
    yield "missing", lambda path: path.unlink()
    if older.exists() and older.read_bytes() != file.read_bytes():
        yield "older copy", lambda path: shutil.copy(older, path)


def _cheap(live: LiveCatalogue) -> NDArray[np.bool_]:
    mask = live.matching("price < 9", Limits())
    if mask is None:
        raise RuntimeError("the filter was not taken")
    return mask


def _copied(sound: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(sound, to)
    return to


def _vector(name: str) -> bytes:
    values = np.random.default_rng(int.from_bytes(name.encode(), "big")).normal(size=DIMENSION)
    return (values / np.linalg.norm(values)).astype("<f2").tobytes()
