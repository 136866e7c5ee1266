"""The signals that ask a server to stop."""

import signal
import types
from queue import SimpleQueue
from typing import Final

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Waits for the first SIGTERM or SIGINT; the second ends the process at once.

    A handler runs in the main thread between any two of its steps, also while that thread holds the
    lock of the log or of an event: one that logged, or set a `threading.Event`, would wait for
    itself for ever. This one puts into a `SimpleQueue`, the one queue that is made for it.
    """

    def __init__(self) -> None:
        """Install the handler; call it from the main thread."""
        self._received: SimpleQueue[int] = SimpleQueue()
        self._asked = False
        for number in STOP_SIGNALS:
            signal.signal(number, self._on_signal)

    def wait(self) -> str:
        """Block until a signal has come; its name."""
        return signal.Signals(self._received.get()).name

    def _on_signal(self, number: int, _: types.FrameType | None) -> None:
        if self._asked:  # the person does not want to wait
            raise SystemExit(1)
        self._asked = True
        self._received.put(number)
