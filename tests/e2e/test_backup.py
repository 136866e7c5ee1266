"""backup, restore and doctor as a person runs them, beside a real server."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from relatum import Client
from relatum.types import Event
from relatum_export.artifact.onnx_encoder import read_manifest
from relatum_server.store.sqlite import open_sqlite
from tests.e2e.conftest import products_of
from tests.e2e.test_durability import Start, upsert_until_broken

QUERIES = ("black mouse", "office chair", "red stapler 3")


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "relatum_server", *map(str, arguments)]
    return subprocess.run(line, check=False, capture_output=True, text=True)


def answers(target: str) -> list[object]:
    """What a shop sees: searches, related products and a shopper's recommendations."""
    with Client(target, timeout_s=20.0) as client:
        pages = [
            *(client.search(query, page_size=10) for query in QUERIES),
            client.related(product_id="mouse-black"),
            client.recommend("ann"),
        ]
    return [[(r.product_id, round(r.score, 4)) for r in page.results] for page in pages]


def rows(data: Path, encoder_id: str) -> tuple[object, ...]:
    store = open_sqlite(data / "relatum.db")
    try:
        return (
            list(store.scan_products()),
            list(store.scan_vectors(encoder_id)),
            list(store.scan_events()),
            list(store.changes(0, 10**6)),
        )
    finally:
        store.close()


def test_a_backup_under_load_restores_every_row_and_the_next_answers(
    start: Start, shop, artifact: Path, tmp_path: Path
) -> None:
    server = start("data")
    target = server.wait_serving()
    with Client(target) as client:
        client.upsert_products(products_of(shop))
        client.write_events([Event(type="PURCHASE", user_id="ann", items=[("mouse-black", 1)])])
    written: list[str] = []
    writer = threading.Thread(
        target=upsert_until_broken, args=(target, "load", written), daemon=True
    )
    writer.start()
    while len(written) < 10:
        writer.join(0.01)

    made = command("backup", "--data-dir", tmp_path / "data", "--out", tmp_path / "first")
    acknowledged = list(written)
    server.stop(signal.SIGKILL)
    writer.join()
    last = command("backup", "--data-dir", tmp_path / "data", "--out", tmp_path / "last")
    put_back = command("restore", "--data-dir", tmp_path / "copy", "--from", tmp_path / "last")
    before, after = answers(start("data").wait_serving()), answers(start("copy").wait_serving())

    assert [done.returncode for done in (made, last, put_back)] == [0, 0, 0], made.stderr
    assert "revision" in made.stdout
    encoder_id = read_manifest(artifact).encoder.encoder_id
    assert rows(tmp_path / "data", encoder_id) == rows(tmp_path / "copy", encoder_id)
    assert before == after
    assert all(before)
    command("restore", "--data-dir", tmp_path / "early", "--from", tmp_path / "first")
    early = open_sqlite(tmp_path / "early" / "relatum.db")
    assert not [i for i in acknowledged[:10] if i not in early.get_products([i])]
    early.close()


def test_the_doctor_finds_each_file_that_is_not_as_it_was_written(
    start: Start, shop, tmp_path: Path
) -> None:
    server = start("data")
    with Client(server.wait_serving()) as client:
        client.upsert_products(products_of(shop))
    running = command("doctor", "--data-dir", tmp_path / "data")
    assert server.stop() == 0
    stopped = command("doctor", "--data-dir", tmp_path / "data")

    assert (running.returncode, stopped.returncode) == (0, 0), running.stdout + stopped.stdout
    assert f"in use by process {server.process.pid}" in running.stdout
    assert "finds 100.0% of the ten nearest of 40 products" in stopped.stdout
    for pattern in ("text/*.usearch", "text/*.json", "counters/*.msgpack", "relatum.db"):
        (file, *_) = sorted((tmp_path / "data").glob(pattern))
        sound = file.read_bytes()
        middle = len(sound) // 2
        file.write_bytes(sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :])

        told = command("doctor", "--data-dir", tmp_path / "data")

        assert told.returncode == 1, pattern
        (line,) = [line for line in told.stdout.splitlines() if line.startswith("WRONG")][:1]
        assert "next start builds it again" in line or "relatum-server restore" in line
        file.write_bytes(sound)
    assert command("doctor", "--data-dir", tmp_path / "data").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("backup", "--data-dir", "{tmp}/none", "--out", "{tmp}/b"), "holds no store"),
        (("restore", "--data-dir", "{tmp}/new", "--from", "{tmp}"), "is not a backup"),
        (("doctor", "--data-dir", "{tmp}/none"), "holds no store"),
        (("backup", "--out", "{tmp}/b"), "--data-dir"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(tmp_path: Path, arguments, cause) -> None:
    done = command(*(argument.format(tmp=tmp_path) for argument in arguments))

    assert done.returncode == 2
    assert cause in done.stderr.splitlines()[-1]
    assert not (tmp_path / "new" / "relatum.db").exists()
