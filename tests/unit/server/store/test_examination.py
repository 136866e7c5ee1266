"""The doctor's findings of a store: what is wrong is said, part by part, and nothing is changed."""

from pathlib import Path

import numpy as np
import pytest

from relatum_server.domain import Event, EventType, Product
from relatum_server.store.base import ProductPut
from relatum_server.store.connection import open_writer
from relatum_server.store.directory import RESTORING, DataDirectory
from relatum_server.store.examination import examine_store, text_vectors
from relatum_server.store.identity import ShopperKey
from relatum_server.store.sqlite import open_sqlite


def vector(number: int) -> bytes:
    values = np.random.default_rng(number).normal(size=16)
    return (values / np.linalg.norm(values)).astype("<f2").tobytes()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    ShopperKey.load_or_create(data / "user.key")
    store = open_sqlite(data / "relatum.db")
    for i in range(30):
        product = Product(id=f"p{i}", description=f"text {i} " * 50, etag="e")
        store.write_products([ProductPut(product, text_vector=vector(i), encoder_id="enc")])
    store.write_events([Event("1", EventType.VIEW, user="u")])
    store.close()
    return data


def wrong(data: Path) -> dict[str, str]:
    return {f.part: f"{f.text}; {f.remedy}" for f in examine_store(data) if not f.sound}


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 8
    file.write_bytes(content)


def test_a_sound_store_is_sound_in_all_its_parts(data: Path) -> None:
    findings = list(examine_store(data))

    assert all(finding.sound for finding in findings), findings
    assert [finding.part for finding in findings] == [
        *("directory", "acknowledged", "pages", "change log", "rows", "vectors", "shopper key")
    ]
    assert "30 products, 1 events" in {f.part: f.text for f in findings}["rows"]


def test_who_uses_the_directory_is_said(data: Path) -> None:
    held = DataDirectory.open(data)
    first = next(iter(examine_store(data)))
    held.close()

    assert "in use by process" in first.text
    assert "not in use" in next(iter(examine_store(data))).text


def test_a_flipped_bit_of_any_page_is_found(data: Path) -> None:
    sound = (data / "relatum.db").read_bytes()
    for page in range(len(sound) // 4096):
        (data / "relatum.db").write_bytes(sound)
        flip(data / "relatum.db", page * 4096 + 1_000)

        assert wrong(data), f"page {page}"

    (data / "relatum.db").write_bytes(sound)
    assert not wrong(data)


@pytest.mark.parametrize(
    ("harm", "part", "text"),
    [
        ("UPDATE change_log SET payload = x'00' WHERE revision = 3", "change log", "revision 3"),
        ("DELETE FROM change_log WHERE revision > 20", "history", "was acknowledged"),
        ("UPDATE products SET payload = x'00' WHERE key = 7", "rows", "cannot be read"),
        ("UPDATE vectors SET packed_f16 = zeroblob(32) WHERE key = 7", "vectors", "1 of 30"),
        ("UPDATE vectors SET packed_f16 = x'007e' WHERE key < 3", "vectors", "2 of 30"),
    ],
)
def test_a_row_that_no_write_left_so_is_found(data: Path, harm: str, part: str, text: str) -> None:
    connection = open_writer(data / "relatum.db", "full")
    connection.execute(harm)
    connection.close()

    found = wrong(data)

    assert text in found[part]
    assert "relatum-server restore" in found[part]


@pytest.mark.parametrize(
    ("name", "part"), [("relatum.acknowledged", "acknowledged"), ("user.key", "shopper key")]
)
@pytest.mark.parametrize("harm", ["missing", "cut"])
def test_the_small_files_are_looked_at_too(data: Path, name: str, part: str, harm: str) -> None:
    file = data / name
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:20])

    assert list(wrong(data)) == [part]
    assert file.exists() is (harm == "cut")


def test_an_interrupted_restore_is_found(data: Path) -> None:
    (data / RESTORING).mkdir()

    assert "run: relatum-server restore" in wrong(data)["restore"]


def test_vectors_of_later_writes_are_left_out(data: Path) -> None:
    keys, vectors = text_vectors(data / "relatum.db", "enc", 25)

    assert keys.tolist() == list(range(1, 26))
    assert vectors.shape == (25, 16)
    assert vectors[3].tobytes() == vector(3)
    assert text_vectors(data / "relatum.db", "another", 25)[1].shape == (0, 0)
