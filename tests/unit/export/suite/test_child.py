"""Commands that end with who began them."""

import subprocess
import sys

import pytest

from relatum_export.suite.child import command

PROGRAM = """
import os, sys
print(__name__, os.getpid(), *sys.argv[1:], flush=True)
sys.stdin.read()
"""
# A suite that begins a command and waits for it; the command's output is the suite's own.
SUITE = """
import subprocess
from relatum_export.suite.child import command
subprocess.run(command("program_of_a_step"))
"""


@pytest.fixture
def home(tmp_path):
    (tmp_path / "program_of_a_step.py").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


def test_a_command_runs_as_its_module_does_with_its_arguments(home):
    line = command("program_of_a_step", "--out", "x y")

    done = subprocess.run(
        line, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )

    name, _, *arguments = done.stdout.split()
    assert (name, arguments) == ("__main__", ["--out", "x", "y"])


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's call is Linux's")
def test_a_command_ends_when_the_suite_that_began_it_is_killed(home):
    with subprocess.Popen(
        [sys.executable, "-c", SUITE],
        cwd=home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as suite:
        assert suite.stdout is not None
        suite.stdout.readline()  # the command runs

        suite.kill()

        # Its output ends with it; its input does not, so nothing else ended it.
        assert suite.stdout.read() == ""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's call is Linux's")
def test_a_command_whose_suite_is_gone_already_does_not_begin(home):
    line = command("program_of_a_step")
    line[3] = "1"  # not the process that starts it here

    done = subprocess.run(
        line, check=False, cwd=home, stdin=subprocess.DEVNULL, capture_output=True
    )

    assert done.returncode < 0
    assert done.stdout == b""
