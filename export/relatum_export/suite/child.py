"""`python -m relatum_export.suite.child PARENT PROGRAM ...`: ends with who began it."""

import ctypes
import os
import runpy
import signal
import sys

MODULE = "relatum_export.suite.child"
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def command(program: str, *arguments: str) -> list[str]:
    """The command line of a program that ends when this process does, however it ends.

    Args:
        program: module or package to run.
        arguments: of it.
    """
    return [sys.executable, "-m", MODULE, str(os.getpid()), program, *arguments]


def end_with(parent: int) -> None:
    """Have the kernel end this process when the one that began it is gone, also by SIGKILL.

    Elsewhere than on Linux there is no such call: only a parent that is told to stop ends its
    commands there.

    Args:
        parent: process id; where it is gone already, this process ends at once.

    Raises:
        OSError: the kernel refused.

    **Source**: prctl(2), PR_SET_PDEATHSIG. It is asked for here, not between fork and exec, where
    code of a process with threads may find a lock taken.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it went between the fork and the call
        os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run PROGRAM in this process, as `python -m PROGRAM ...` does."""
    parent, program, *arguments = sys.argv[1:]
    end_with(int(parent))
    sys.argv = [program, *arguments]
    runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
