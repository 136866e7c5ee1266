"""Group commit on PostgreSQL: one thread of this process writes, and waits for other servers'."""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import psycopg

from relatum_server.errors import ResourceExhaustedError, UnavailableError
from relatum_server.store.guard import Guard
from relatum_server.store.postgres.connection import (
    Connection,
    Durability,
    connect,
    is_lost,
    translate,
)
from relatum_server.store.postgres.log import PostgresLog
from relatum_server.store.postgres.schema import LOCK

_Result = TypeVar("_Result")

_QUEUE_JOBS: Final = 1_024
_GROUP_JOBS: Final = 128


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Connection], Any]
    future: Future[Any]


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


class PostgresCommit:
    """The only writer of this process.

    A transaction holds the schema's lock from its start to its commit, so revisions are seen in the
    order in which they were given: who reads the log never skips one that commits late. Jobs that
    wait share a transaction, each in a savepoint of its own. A lost connection is opened again; a
    commit whose answer was lost is reported as such, and the caller's request id tells on a retry.
    """

    def __init__(
        self, url: str, connection: Connection, guard: Guard, durability: Durability
    ) -> None:
        """Take over connection and guard: nothing else may use them from now on."""
        self._url, self._durability, self._guard = url, durability, guard
        self._connection: Connection | None = connection
        self._queue: queue.Queue[_Job | None] = queue.Queue(_QUEUE_JOBS)
        self._gate = threading.Lock()
        self._closed = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> Exception | None:
        """What stopped all writing for good, or None."""
        return self._failure

    def submit(self, work: Callable[[Connection], _Result]) -> Future[_Result]:
        """Queue `work` to run in a transaction; the future is done once it is durable, or failed.

        The future raises what `work` raised, or what `connection.translate` makes of the failure.

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
            while job is not None and len(group) < _GROUP_JOBS:
                group.append(job)
                try:
                    job = self._queue.get_nowait()
                except queue.Empty:
                    break
            else:
                last = job is None
                if job is not None:
                    group.append(job)
            if group:
                self._commit(group)
        if self._connection is not None:
            self._connection.close()
        self._guard.close()

    def _commit(self, group: Sequence[_Job]) -> None:
        if self._failure is not None:
            error = UnavailableError(
                f"writing stopped after a failure of this server's disk ({self._failure}); check"
                " it, then restart the server"
            )
            self._reject(group, error)
            return
        try:
            done = self._attempt_all(group)
        except Exception as error:  # noqa: BLE001 - a waiting caller must get its answer
            self._reject(group, self._told(error))
            return
        for job, outcome in zip(group, done, strict=True):
            if isinstance(outcome, _Failed):
                job.future.set_exception(self._told(outcome.error))
            else:
                job.future.set_result(outcome)

    def _attempt_all(self, group: Sequence[_Job]) -> list[Any]:
        connection = self._begin()
        try:
            done = [self._attempt(connection, job) for job in group]
            head = PostgresLog(connection).head()
            connection.execute("COMMIT")
        except BaseException as error:
            self._give_up(connection, error)
            raise
        if self._durability == "full":
            try:
                self._guard.note(head)
            except Exception as error:
                self._failure = error  # committed, and not acknowledged
                raise
        return done

    def _begin(self) -> Connection:
        """A connection in a transaction that holds the lock; a lost one is opened again, once."""
        for again in (True, False):
            connection = self._connection
            if connection is None or connection.closed:
                connection = self._connection = connect(self._url, self._durability)
            try:
                connection.execute("BEGIN")
                connection.execute(LOCK)
            except psycopg.Error as error:
                self._give_up(connection, error)
                if again and is_lost(error):
                    continue
                raise
            return connection
        raise AssertionError("unreachable")

    def _attempt(self, connection: Connection, job: _Job) -> Any:
        """The job's result or its `_Failed`; raises only what undoes the whole group."""
        connection.execute("SAVEPOINT job")
        try:
            result = job.work(connection)
        except Exception as error:
            if is_lost(error) or isinstance(error, psycopg.errors.DiskFull):
                raise
            connection.execute("ROLLBACK TO SAVEPOINT job")
            result = _Failed(error)
        connection.execute("RELEASE SAVEPOINT job")
        return result

    def _give_up(self, connection: Connection, error: BaseException) -> None:
        """Undo a transaction, or drop the connection where that is in doubt."""
        try:
            if not is_lost(error) and not connection.closed:
                connection.execute("ROLLBACK")
                return
        except psycopg.Error:
            pass
        connection.close()
        self._connection = None

    def _told(self, error: Exception) -> Exception:
        return translate(error, self._url) if isinstance(error, psycopg.Error) else error

    def _reject(self, group: Sequence[_Job], error: Exception) -> None:
        for job in group:
            job.future.set_exception(error)
