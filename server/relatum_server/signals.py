"""The signals that ask a server to stop."""

import signal
import socket
import types
from typing import Final

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Waits for the first SIGTERM or SIGINT; the second ends the process at once.

    Two traps lie here. A Python handler runs in the main thread between any two of its steps, also
    while that thread holds the lock of the log or of an event: one that logs, or sets a
    `threading.Event`, may wait for itself for ever. And the system may hand a signal to any thread:
    a main thread that waits for a lock or a queue does not hear of it. So the handler takes no
    lock, and the main thread waits for a byte that the interpreter sends from whichever thread the
    signal came to.
    """

    def __init__(self) -> None:
        """Install the handler; call it from the main thread."""
        self._received, self._sent = socket.socketpair()
        self._sent.setblocking(False)
        signal.set_wakeup_fd(self._sent.fileno())
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_signal)

    def wait(self) -> str:
        """Block until a signal has come; its name."""
        while True:
            number = self._received.recv(1)[0]
            if number in STOP_SIGNALS:
                return signal.Signals(number).name

    def _on_signal(self, _number: int, _frame: types.FrameType | None) -> None:
        for number in STOP_SIGNALS:  # the next: somebody does not want to wait
            signal.signal(number, signal.SIG_DFL)
