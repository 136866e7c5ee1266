"""Chains of steps side by side."""

import json
import os
import subprocess
import sys

import pytest

from relatum_export.console import Reporter
from relatum_export.suite import schedule
from relatum_export.suite.schedule import Chain
from relatum_export.suite.stamps import Step, StepError, StepStoppedError, Stop, started_of
from relatum_export.suite.stamps import run as run_steps


def chain(tmp_path, name, items):
    file = tmp_path / f"{name}.csv"
    file.write_text(items, encoding="utf-8")
    out = tmp_path / name
    line = ("prepare", "--items", str(file), "--out", str(out))
    return Chain(name, [Step(f"{name}/prepare", line, out, (file,), ("--force",))], tmp_path / "l")


def test_a_chain_that_fails_leaves_the_others_alone_and_is_reported_at_the_end(tmp_path):
    chains = [
        chain(tmp_path, "bad", "title\nred lamp\n"),
        chain(tmp_path, "good", "item_id,title\na,red lamp\n"),
    ]
    done: list[str] = []
    rest = schedule.run(chains, Reporter(), 2)

    with pytest.raises(StepError, match="bad/prepare ended with 2"):
        done.extend(iter(rest))

    assert done == ["good"]
    assert json.loads((tmp_path / "good" / "corpus.json").read_text(encoding="utf-8"))


def test_a_step_that_is_stopped_keeps_the_mark_by_which_it_goes_on(tmp_path):
    stop = Stop()
    steps = chain(tmp_path, "shop", "item_id,title\na,red lamp\n").steps
    stop.ask()

    with pytest.raises(StepStoppedError):
        run_steps(steps, tmp_path / "logs", Reporter(), stop=stop)

    assert started_of(steps[0].out).is_file()


def test_a_table_is_written_after_each_chain_in_the_order_of_the_chains(tmp_path):
    made = "item_id,title\na,red lamp\n"
    chains = [chain(tmp_path, name, made) for name in ("one", "two", "three")]
    written: list[list[str]] = []

    def write(done):
        written.append(done)
        return done

    lines = schedule.tabulated(chains, write, Reporter(), 2)

    assert lines == ["one", "two", "three"]
    assert [len(done) for done in written] == [1, 2, 3]
    assert all(done == sorted(done, key=lines.index) for done in written)


def test_asking_to_stop_ends_what_runs():
    stop = Stop()
    with stop.begin([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        stop.ask()

        assert process.wait() < 0


def test_jobs_are_no_more_than_cores():
    assert 1 <= schedule.default_jobs() <= (os.cpu_count() or 1)
