"""Refuse early: how many requests may be worked on or wait for a thread at once."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from relatum_server.errors import ResourceExhaustedError

RETRY_AFTER_S = 0.05


class HandlerPool(ThreadPoolExecutor):
    """The threads that run handlers, and a count of what was given to them and is not done.

    gRPC's own limit (`maximum_concurrent_rpcs`) answers without ErrorInfo; it is kept wider than
    this one, as a fence.
    """

    def __init__(self, threads: int) -> None:
        super().__init__(max_workers=threads, thread_name_prefix="rpc")
        self._lock = threading.Lock()
        self._pending = 0

    @property
    def pending(self) -> int:
        """Calls that run or wait."""
        return self._pending

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Queue one call and count it until it is done."""
        with self._lock:
            self._pending += 1
        try:
            return super().submit(self._run, fn, args, kwargs)
        except BaseException:
            self._done()
            raise

    def _run(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return fn(*args, **kwargs)
        finally:
            self._done()

    def _done(self) -> None:
        with self._lock:
            self._pending -= 1


class Admission:
    """Admits a request, or raises before any work is done for it."""

    def __init__(self, pool: HandlerPool, max_concurrent: int) -> None:
        self._pool, self._max = pool, max_concurrent

    def admit(self) -> None:
        """Raise ResourceExhaustedError when more than the limit run or wait already."""
        if self._pool.pending > self._max:
            raise ResourceExhaustedError(
                f"{self._max} requests are being worked on already; retry later",
                retry_after_s=RETRY_AFTER_S,
                reason="TOO_MANY_REQUESTS",
            )
