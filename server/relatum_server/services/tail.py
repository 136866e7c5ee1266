"""Follows the change log of a store that other servers write to."""

import threading

from relatum_server import observability
from relatum_server.errors import RelatumError
from relatum_server.services.live import LiveCatalogue
from relatum_server.store.base import SharedStore

log = observability.logger("tail")

IDLE_S = 1.0  # a note of a change that was lost costs so much
RETRY_S = 0.5


class LogTail:
    """A thread that shows what others committed, as it is committed."""

    def __init__(self, store: SharedStore, live: LiveCatalogue) -> None:
        self._store, self._live = store, live
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-tail", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop following. Safe twice."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        reachable = True
        while not self._stop.is_set():
            try:
                self._store.wait_for_change(self._live.revision, IDLE_S)
                self._live.follow()
            except RelatumError as error:  # the database is away; the answers stay what they were
                if reachable:
                    log.warning("behind", error=error.message, revision=self._live.revision)
                reachable = False
                self._stop.wait(RETRY_S)
            else:
                if not reachable:
                    log.info("caught up", revision=self._live.revision)
                reachable = True
