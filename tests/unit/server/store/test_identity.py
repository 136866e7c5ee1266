import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from relatum_server.errors import StoreError
from relatum_server.store.identity import ShopperKey


def test_the_first_start_makes_a_secret_file_that_later_starts_read(tmp_path: Path) -> None:
    path = tmp_path / "user.key"

    first = ShopperKey.load_or_create(path)
    second = ShopperKey.load_or_create(path)

    assert first.hash("shopper") == second.hash("shopper")
    assert path.stat().st_mode & 0o7777 == 0o600
    assert path.stat().st_size == 32
    assert [p.name for p in tmp_path.iterdir()] == ["user.key"]


def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o277)
    try:
        ShopperKey.load_or_create(tmp_path / "user.key")
    finally:
        os.umask(old)

    assert (tmp_path / "user.key").stat().st_mode & 0o7777 == 0o600


def test_servers_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(ShopperKey.load_or_create, [tmp_path / "user.key"] * 32))

    assert len({key.hash("shopper") for key in keys}) == 1


def test_a_hash_is_the_published_construction_and_differs_by_key_and_purpose() -> None:
    key, other = ShopperKey(bytes(32)), ShopperKey(bytes(31) + b"\x01")

    hashes = {key.hash("u", p) for p in ("user", "session", "request-body", "page-token")}

    assert len(hashes) == 4
    assert other.hash("u") not in hashes
    assert all(len(h) == 64 and int(h, 16) >= 0 for h in hashes)
    # HMAC-SHA-256 under HMAC-SHA-256(key, "relatum.v1/user"): changing it orphans stored profiles.
    assert key.hash("u") == "a530af48bfd8721777134a1909a9c7787914de749c497c6e9984b755b7e41e13"


@pytest.mark.parametrize("raw", ["", "\x00", "a" * 1_000_000, "\ud800", "牛奶"])
def test_any_text_has_a_hash(raw: str) -> None:
    assert len(ShopperKey(bytes(32)).hash(raw)) == 64


def test_an_unknown_purpose_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="unknown purpose"):
        ShopperKey(bytes(32)).hash("u", "other")


def test_the_key_is_not_shown() -> None:
    assert "0" not in repr(ShopperKey(bytes(32)))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o400, 0o4600])
def test_a_key_file_of_another_mode_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "user.key"
    ShopperKey.load_or_create(path)
    path.chmod(mode)

    with pytest.raises(StoreError, match="chmod 600"):
        ShopperKey.load_or_create(path)


@pytest.mark.parametrize("size", [0, 31, 33, 4096])
def test_a_key_file_of_another_size_is_refused_and_left_alone(tmp_path: Path, size: int) -> None:
    path = tmp_path / "user.key"
    path.write_bytes(b"k" * size)
    path.chmod(0o600)

    with pytest.raises(StoreError, match="32 bytes"):
        ShopperKey.load_or_create(path)

    assert path.stat().st_size == size


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo", 0o600)

    for name in ("folder", "fifo", "folder/missing/user.key"):
        with pytest.raises(StoreError):
            ShopperKey.load_or_create(tmp_path / name)
