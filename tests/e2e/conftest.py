"""A small shop, its artifact (made once by the real commands), and a real server process."""

import csv
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import grpc
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from relatum import Client
from relatum.types import Money, Product
from relatum_export.__main__ import main
from tests.bench.processes import ServerProcess, serving

KINDS = ("mouse", "keyboard", "monitor", "desk lamp", "office chair", "notebook", "pen", "stapler")
COLOURS = ("black", "white", "silver", "red", "blue")
RUNS = ("pairs", "users", "ranker", "graph")
BASKETS = (("mouse", "keyboard"), ("notebook", "pen"), ("desk lamp", "office chair"))


def run(*arguments: object) -> None:
    """Run one `relatum-export` command and show what it said if it fails."""
    line = [sys.executable, "-m", "relatum_export", *map(str, arguments)]
    done = subprocess.run(line, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def import_products(corpus: Path, address: str) -> None:
    """Write a corpus's catalogue into a server, as a person does."""
    line = ["import", "products", str(corpus / "products.jsonl"), "--target", address]
    subprocess.run([sys.executable, "-m", "relatum", *line], check=True, capture_output=True)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with items.csv and events.csv of an invented office shop of 40 products."""
    folder = tmp_path_factory.mktemp("shop")
    with (folder / "items.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["item_id", "title", "category", "price"])
        for kind in KINDS:
            for number, colour in enumerate(COLOURS):
                rows.writerow(
                    [f"{kind}-{colour}", f"{colour} {kind}", f"Office > {kind}", number + 5]
                )
    with (folder / "events.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["user_id", "item_id", "event_type", "timestamp", "session_id"])
        for day in range(100):
            for number, pair in enumerate(BASKETS):
                colour = COLOURS[(day + number) % len(COLOURS)]
                for kind in pair:
                    time = 1_700_000_000 + day * 86_400
                    basket = f"b{day}-{number}"
                    rows.writerow([f"u{day % 10}", f"{kind}-{colour}", "purchase", time, basket])
    return folder


@pytest.fixture(scope="session")
def corpus(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's corpus."""
    out = tmp_path_factory.mktemp("corpus") / "corpus"
    run("prepare", "--items", shop / "items.csv", "--events", shop / "events.csv", "--out", out)
    return out


@pytest.fixture(scope="session")
def pair_run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An association head, trained for a moment on the untrained English encoder."""
    folder = tmp_path_factory.mktemp("pairs")
    brief = folder / "pairs.toml"
    brief.write_text("members = 1\nepochs = 2\nmax_weak_pairs = 50\n", encoding="utf-8")
    on = ("--corpus", corpus, "--encoder", "minilm")
    run("train", "pairs", *on, "--config", brief, "--out", folder / "run")
    return folder / "run"


@pytest.fixture(scope="session")
def artifact(corpus: Path, pair_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's artifact: the untrained English encoder with the head."""
    out = tmp_path_factory.mktemp("artifact") / "artifact"
    run("export", "--corpus", corpus, "--encoder", "minilm", "--pairs", pair_run, "--out", out)
    return out


@pytest.fixture(scope="session")
def runs(corpus: Path, pair_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small run of each kind on the untrained English encoder."""
    folder = tmp_path_factory.mktemp("runs")
    shutil.copytree(pair_run, folder / "pairs")
    on = ("--corpus", corpus, "--encoder", "minilm", "--cache", folder / "cache")
    run("build", "graph", *on, "--out", folder / "graph")
    brief = folder / "users.toml"
    brief.write_text("dimension = 16\nlayers = 1\nepochs = 1\nmax_history = 8\n", "utf-8")
    run("train", "users", *on, "--config", brief, "--out", folder / "users")
    weighed = ("--users", folder / "users", "--graph", folder / "graph")
    run("train", "ranker", *on, *weighed, "--out", folder / "ranker")
    return folder


def export_parts(corpus: Path, out: Path, runs: Path) -> int:
    """The exit status of `export` with every run of the folder."""
    given = [part for name in RUNS for part in (f"--{name}", str(runs / name))]
    on = ["--corpus", str(corpus), "--encoder", "minilm"]
    return main(["export", *on, *given, "--out", str(out)])


@pytest.fixture(scope="session")
def full(corpus: Path, runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifact with every part."""
    out = tmp_path_factory.mktemp("full") / "artifact"
    assert export_parts(corpus, out, runs) == 0
    return out


@pytest.fixture
def start(artifact: Path, tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """`start(name, port=0)`: a server process over data directory `name`; all end with the test."""
    ending = ExitStack()  # also those after one that does not stop

    def one(name: str = "data", *, port: int = 0, flags: tuple[str, ...] = ()) -> ServerProcess:
        server = ServerProcess(artifact, tmp_path / name, port=port, flags=flags)
        ending.callback(server.stop)
        return server

    with ending:
        yield one


def with_short_descriptions(items: pa.Table) -> pa.Table:
    """A set's items whose descriptions are cut: what is long is slow, and no other text."""
    at = items.column_names.index("description")
    short = pc.utf8_slice_codeunits(items.column("description"), 0, 60)
    return items.set_column(at, "description", short)


def products_of(shop: Path) -> list[Product]:
    """The shop's catalogue."""
    with (shop / "items.csv").open(newline="", encoding="utf-8") as stream:
        return [
            Product(
                id=row["item_id"],
                title=row["title"],
                categories=[row["category"]],
                price=Money(Decimal(row["price"]), "USD"),
            )
            for row in csv.DictReader(stream)
        ]


@pytest.fixture(scope="module")
def served(artifact: Path, shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one server for all tests of a module, with the shop's products in it."""
    products = products_of(shop)
    with serving(artifact, tmp_path_factory.mktemp("served") / "data") as address:
        with Client(address) as client:
            client.upsert_products(products)
        yield address


@pytest.fixture
def client(served: str) -> Iterator[Client]:
    """A client of the module's server."""
    with Client(served, timeout_s=20.0) as client:
        yield client


@pytest.fixture(scope="module")
def channel(served: str) -> Iterator[grpc.Channel]:
    """A bare channel to the module's server."""
    with grpc.insecure_channel(served) as channel:
        yield channel
