"""The short forms of `make faults`, and that its checks can fail."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.faults import damage, fsync_kill, kill9, powerloss
from tests.bench.faults.writing import lost, opened
from tests.conftest import skip_or_fail
from tests.postgres import PostgresServer, binaries


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    if binaries() is None:
        skip_or_fail("postgres", "there is no PostgreSQL on this machine")
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.mark.parametrize("kills", [4, pytest.param(40, marks=pytest.mark.long)])
def test_kill_9_loses_no_acknowledged_write(tmp_path: Path, kills: int) -> None:
    missing, acknowledged = kill9.kill_lost("sqlite", tmp_path / "data", kills)

    assert missing == 0
    assert acknowledged > kills


def test_kill_9_of_a_server_on_postgresql_loses_none_either(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    missing, acknowledged = kill9.kill_lost(postgres.url, tmp_path / "data", 3)

    assert missing == 0
    assert acknowledged > 3


def test_power_loss_takes_nothing_acknowledged_and_relaxed_shows_that_it_could(
    tmp_path: Path,
) -> None:
    full, drawn = powerloss.powerloss_lost(tmp_path / "full", 60)
    relaxed, _ = powerloss.powerloss_lost(tmp_path / "relaxed", 60, durability="relaxed")

    assert (full, drawn) == (0, 60)
    assert relaxed > 0


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.long)])
def test_a_kill_at_a_sync_or_rename_loses_nothing(tmp_path: Path, step: int) -> None:
    if shutil.which("strace") is None:
        skip_or_fail("strace", "strace is not installed")

    missing, kills = fsync_kill.fsync_lost(tmp_path / "data", step)

    assert missing == 0
    assert kills >= 3


def test_every_damage_of_every_file_is_refused_or_mended_and_never_served(tmp_path: Path) -> None:
    cases = list(damage.cases(tmp_path))

    bad = [case for case in cases if {"wrong", "crash"} & {case.outcome, case.again}]
    assert not bad
    assert all(case.noticed for case in cases if Path(case.file).name in damage.STORE)
    files = {case.file.partition("/")[2].partition("/")[0] for case in cases}
    assert files >= {*damage.STORE, "text", "counters", "lexical.db"}
    assert {case.outcome for case in cases} == {"right", "refused"}


def test_a_lost_write_is_seen_by_the_check(tmp_path: Path) -> None:
    said = [["products", "1", "r.1"], ["events", "2", "r.1"], ["offers", "3", "r.1"]]

    with opened("sqlite", tmp_path) as store:
        assert len(lost(store, said)) == 3
