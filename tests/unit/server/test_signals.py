"""A signal that comes at the worst moment, or to a thread that nobody thought of."""

import signal
import subprocess
import sys

SETTLED_S = 60.0  # a process that hangs is killed then; none comes near

IN_THE_LOG = """
import os, signal, sys
from relatum_server import observability
from relatum_server.signals import StopSignals

class Interrupted:
    def write(self, text):
        if "serving" in text:
            os.kill(os.getpid(), signal.SIGTERM)
        return sys.__stderr__.write(text)

    def flush(self):
        sys.__stderr__.flush()

stop = StopSignals()
sys.stderr = Interrupted()
observability.configure("info")
log = observability.logger("main")
log.info("serving")
log.info("stopping", signal=stop.wait())
"""

TO_ANOTHER_THREAD = """
import signal, threading, time
from relatum_server.signals import StopSignals

stop = StopSignals()

def later():
    time.sleep(0.5)  # the main thread waits by now
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(60)

threading.Thread(target=later, daemon=True).start()
assert stop.wait() == "SIGTERM"
"""

TWICE = """
import os, signal
from relatum_server.signals import StopSignals

stop = StopSignals()
os.kill(os.getpid(), signal.SIGINT)
assert stop.wait() == "SIGINT"
os.kill(os.getpid(), signal.SIGTERM)
raise AssertionError("went on after the second signal")
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        capture_output=True,
        text=True,
        timeout=SETTLED_S,
    )


def test_a_signal_while_the_log_is_locked_stops_the_server():
    done = run(IN_THE_LOG)

    assert done.returncode == 0, done.stderr
    assert '"signal": "SIGTERM"' in done.stderr


def test_a_signal_that_another_thread_gets_stops_the_server():
    done = run(TO_ANOTHER_THREAD)

    assert done.returncode == 0, done.stderr


def test_a_second_signal_ends_the_process_at_once():
    done = run(TWICE)

    assert done.returncode == -signal.SIGTERM
    assert not done.stderr
