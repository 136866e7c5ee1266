"""Group commit: one thread writes, and all callers who wait at the moment share one fsync."""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

from relatum_server.errors import ResourceExhaustedError, StoreError, UnavailableError
from relatum_server.store.connection import Durability, is_fatal, translate
from relatum_server.store.guard import Guard
from relatum_server.store.sqlite_log import SqliteLog

_Result = TypeVar("_Result")

_QUEUE_JOBS: Final = 1_024
_GROUP_JOBS: Final = 128
_CHECKPOINT_PAGES: Final = 16_384  # 64 MiB: pages that many writes touch move once


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[apsw.Connection], Any]
    future: Future[Any]


class GroupCommit:
    """The only writer of a database.

    Each job runs in a savepoint of its own, so one that fails undoes itself alone. A result is
    handed out after the commit that made it durable, and after its revision was noted in the file
    of what is acknowledged. With relaxed durability that file follows at checkpoints, since it may
    never name what a power loss can take.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        path: Path,
        guard: Guard,
        durability: Durability = "full",
    ) -> None:
        """Take over connection and guard: nothing else may use them from now on."""
        self._connection = connection
        self._path = path
        self._guard, self._durability = guard, durability
        self._queue: queue.Queue[_Job | None] = queue.Queue(_QUEUE_JOBS)
        self._gate = threading.Lock()
        self._closed = False
        self._failure: Exception | None = None
        self._log_pages = 0
        connection.set_wal_hook(self._note_log_pages)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> Exception | None:
        """What stopped all writing, or None."""
        return self._failure

    def fail(self, error: Exception) -> None:
        """Accept no further write: the disk or the file can no longer be trusted."""
        if self._failure is None:
            self._failure = error

    def submit(self, work: Callable[[apsw.Connection], _Result]) -> Future[_Result]:
        """Queue `work` to run in a transaction; the future is done once it is durable, or failed.

        The future raises what `work` raised, or:
            UnavailableError: broken by an earlier I/O error.
            ResourceExhaustedError: STORAGE_FULL.
            StoreError: the disk failed or the file is damaged; no later write is accepted.

        Raises:
            UnavailableError: closed.
            ResourceExhaustedError: too many writes wait (OVERLOADED).
        """
        future: Future[_Result] = Future()
        with self._gate:
            if self._closed:
                raise UnavailableError("the store is closed; retry on another server")
            try:
                self._queue.put_nowait(_Job(work, future))
            except queue.Full:
                raise ResourceExhaustedError("too many writes are waiting; retry later") from None
        return future

    def close(self) -> None:
        """Commit what was accepted, then close the connection. Safe twice."""
        with self._gate:
            first, self._closed = not self._closed, True
        if first:
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        last = False
        while not last:
            group: list[_Job] = []
            job = self._queue.get()
            while True:
                if job is None:
                    last = True
                    break
                group.append(job)
                if len(group) == _GROUP_JOBS:
                    break
                try:
                    job = self._queue.get_nowait()
                except queue.Empty:
                    break
            if group:
                self._commit(group)
        try:
            if self._failure is None:
                self._move_log()
            self._connection.close()
        except (apsw.Error, StoreError) as error:  # what was acknowledged is in the log already
            self.fail(error)
        finally:
            self._guard.close()

    def _commit(self, group: Sequence[_Job]) -> None:
        if self._failure is not None:
            self._reject(group, self._broken())
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            done = [(job, self._attempt(job)) for job in group]
            self._connection.execute("COMMIT")
            if self._durability == "full":
                self._guard.note(SqliteLog(self._connection).head())
        except Exception as error:  # noqa: BLE001 - a waiting caller must get its answer
            self._abandon(group, error)
            return
        for job, outcome in done:
            if isinstance(outcome, _Failed):
                job.future.set_exception(outcome.error)
            else:
                job.future.set_result(outcome)
        self._checkpoint()

    def _attempt(self, job: _Job) -> Any:
        """The job's result or its `_Failed`; raises only what undoes the whole group."""
        connection = self._connection
        connection.execute("SAVEPOINT job")
        try:
            result = job.work(connection)
        except Exception as error:
            # SQLite itself ends the transaction on a full disk or a failed read.
            if (
                is_fatal(error)
                or isinstance(error, apsw.FullError)
                or not connection.in_transaction
            ):
                raise
            connection.execute("ROLLBACK TO job")
            result = _Failed(error)
        connection.execute("RELEASE job")
        return result

    def _abandon(self, group: Sequence[_Job], error: Exception) -> None:
        """Nothing of the group was committed: say so to all, and stop for good if we must."""
        full = isinstance(error, apsw.FullError)
        if not full:
            self.fail(error)
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except apsw.Error as second:
            self.fail(second)
        answer = translate(error, self._path) if isinstance(error, apsw.Error) else error
        self._reject(group, answer)

    def _reject(self, group: Sequence[_Job], error: Exception) -> None:
        for job in group:
            job.future.set_exception(error)

    def _broken(self) -> UnavailableError:
        return UnavailableError(
            f"writing stopped after a failure of the store ({self._failure});"
            " check the disk, then restart the server"
        )

    def _checkpoint(self) -> None:
        """Move the log into the database. Not SQLite's own, which hides a failed fsync."""
        if self._log_pages < _CHECKPOINT_PAGES:
            return
        try:
            self._move_log()
        except (apsw.Error, StoreError) as error:
            self.fail(error)

    def _move_log(self) -> None:
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except (apsw.BusyError, apsw.LockedError, apsw.FullError):
            return  # the log keeps everything; the next commit tries again
        self._guard.note(SqliteLog(self._connection).head())

    def _note_log_pages(self, _connection: apsw.Connection, _schema: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception
