"""Batches the inference of many callers: sorted by length, cut by a budget of tokens.

A caller who finds nothing waiting and a permit free runs its batch itself, in its own thread: an
idle server adds no hop and no linger. Otherwise the texts wait in the queue of their lane, and a
worker takes the oldest together with the waiting texts nearest in length, so that little padding
is computed (FIFO batching on a CPU gains nothing, sorting a window does).
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relatum_server.encoder.base import Lane
from relatum_server.encoder.lane import LaneQueue, Request, WaitingText
from relatum_server.encoder.session import Session
from relatum_server.errors import (
    DeadlineExceededError,
    ResourceExhaustedError,
    UnavailableError,
)

# While both lanes wait, every so many batches one is of the bulk lane.
_BULK_EVERY = 4
_WORKER_EXIT_S = 5.0


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How batches are made.

    Attributes:
        workers: Batches that run at once.
        max_batch_tokens: Upper bound of texts x longest text; a longer text runs alone.
        max_queue_tokens: Bound of each lane's queue. An empty lane takes any one request.
        window_texts: The waiting texts among which those of like length are sought.
        unhealthy_after: Failed batches in a row after which `healthy` is false.
    """

    workers: int
    max_batch_tokens: int
    max_queue_tokens: int
    window_texts: int = 512
    unhealthy_after: int = 3


@dataclass(frozen=True, slots=True)
class BatchReport:
    """One batch that ran, for the metrics. `wait_s` is that of its oldest text in the queue."""

    lane: Lane
    texts: int
    tokens: int
    padded_tokens: int
    wait_s: float
    run_s: float


class Batcher:
    """Runs texts through a session in batches; `run` blocks its caller until they are done."""

    def __init__(
        self,
        session: Session,
        *,
        dimension: int,
        pad_token_id: int,
        settings: BatchSettings,
        observe: Callable[[BatchReport], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._dimension = dimension
        self._pad_token_id = pad_token_id
        self._settings = settings
        self._observe = observe
        self._clock = clock
        self._changed = threading.Condition()
        # All below is under the lock of `_changed`.
        self._queues: dict[Lane, LaneQueue] = {"query": LaneQueue(), "bulk": LaneQueue()}
        self._permits = settings.workers
        self._batches_of_queries = 0
        self._failures = 0
        self._closed = False
        self._workers = [
            threading.Thread(target=self._work, name=f"encoder-{i}", daemon=True)
            for i in range(settings.workers)
        ]
        for worker in self._workers:
            worker.start()

    @property
    def healthy(self) -> bool:
        """False after `unhealthy_after` failures in a row until a success, or without a worker."""
        alive = self._closed or all(worker.is_alive() for worker in self._workers)
        return alive and self._failures < self._settings.unhealthy_after

    def queued_tokens(self, lane: Lane) -> int:
        """Tokens that wait in a lane."""
        return self._queues[lane].tokens

    def run(
        self, texts: Sequence[NDArray[np.int64]], *, deadline: float | None, lane: Lane
    ) -> NDArray[np.float32]:
        """Vectors of tokenised texts, float32 [texts, dimension], in order.

        Args:
            texts: int64 [tokens] each, at least one text.
            deadline: Seconds on the clock; texts still waiting then are dropped.
            lane: The queue to wait in.

        Raises:
            DeadlineExceededError: The deadline passed first.
            ResourceExhaustedError: The lane's queue is full.
            UnavailableError: Inference failed, or the batcher is closed.
        """
        now = self._clock()
        if deadline is not None and now >= deadline:
            raise _deadline_exceeded()
        if not self._take_permit_if_idle(texts):
            request = Request(
                deadline, np.empty((len(texts), self._dimension), dtype=np.float32), len(texts)
            )
            self._enqueue([WaitingText(request, i, ids, now) for i, ids in enumerate(texts)], lane)
            return self._wait(request, lane)
        vectors, failure = self._execute(texts, lane, now)
        if vectors is None:
            raise _failed() from failure
        return vectors

    def close(self, drain_s: float = 30.0) -> None:
        """Take nothing new, run what waits for at most `drain_s`, fail the rest. Safe twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(self._is_idle, timeout=drain_s)
            for queue in self._queues.values():
                for text in queue.drop(lambda _: True):
                    text.request.fail(UnavailableError("the encoder was shut down"))
            self._changed.notify_all()
        for worker in self._workers:
            worker.join(_WORKER_EXIT_S)

    def _is_idle(self) -> bool:
        nothing_waits = not any(self._queues.values())
        return nothing_waits and self._permits == self._settings.workers

    def _take_permit_if_idle(self, texts: Sequence[NDArray[np.int64]]) -> bool:
        """Whether the caller may run these texts itself, as one batch, at once."""
        fits = len(texts) * max(map(len, texts)) <= self._settings.max_batch_tokens
        with self._changed:
            self._refuse_if_closed()
            waiting = self._queues["query"] or self._queues["bulk"]
            if waiting or self._permits == 0 or not (fits or len(texts) == 1):
                return False
            self._permits -= 1
            return True

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise UnavailableError("the encoder is shutting down; retry on another server")

    def _enqueue(self, items: Sequence[WaitingText], lane: Lane) -> None:
        tokens = sum(len(item.ids) for item in items)
        with self._changed:
            self._refuse_if_closed()
            queue = self._queues[lane]
            if queue.tokens and queue.tokens + tokens > self._settings.max_queue_tokens:
                raise ResourceExhaustedError(
                    f"{queue.tokens} tokens wait for the encoder already (at most "
                    f"{self._settings.max_queue_tokens}); retry later or on another server"
                )
            queue.extend(items)
            self._changed.notify_all()

    def _wait(self, request: Request, lane: Lane) -> NDArray[np.float32]:
        remaining = None if request.deadline is None else request.deadline - self._clock()
        try:
            return request.future.result(timeout=remaining)
        except FutureTimeoutError:
            with self._changed:
                self._queues[lane].drop(lambda text: text.request is request)
                if request.future.done():
                    return request.future.result()
                request.fail(_deadline_exceeded())
            raise _deadline_exceeded() from None

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work_or_is_over)
                batch, lane = self._take()
                if not batch:
                    if self._closed and not any(self._queues.values()):
                        return
                    continue
                self._permits -= 1
            self._run_batch(batch, lane)

    def _has_work_or_is_over(self) -> bool:
        waiting = any(self._queues.values())
        return (waiting and self._permits > 0) or (self._closed and not waiting)

    def _take(self) -> tuple[list[WaitingText], Lane]:
        """The next batch, after those whose deadline passed were dropped."""
        lane = self._next_lane()
        queue = self._queues[lane]
        for text in queue.pop_late(self._clock(), self._settings.window_texts):
            text.request.fail(_deadline_exceeded())
        if not queue:
            self._changed.notify_all()
            return [], lane
        return queue.take(self._settings.max_batch_tokens, self._settings.window_texts), lane

    def _next_lane(self) -> Lane:
        if not self._queues["bulk"]:
            return "query"
        if not self._queues["query"] or self._batches_of_queries >= _BULK_EVERY - 1:
            self._batches_of_queries = 0
            return "bulk"
        self._batches_of_queries += 1
        return "query"

    def _run_batch(self, batch: Sequence[WaitingText], lane: Lane) -> None:
        """Run one batch of waiting texts, with a permit, and hand each its vector."""
        since = min(text.since for text in batch)
        vectors, failure = self._execute([text.ids for text in batch], lane, since)
        with self._changed:
            for row, text in enumerate(batch):
                if vectors is None:
                    self._fail_batch_mate(text, lane, failure)
                else:
                    text.request.deliver(text.position, vectors[row])

    def _execute(
        self, texts: Sequence[NDArray[np.int64]], lane: Lane, since: float
    ) -> tuple[NDArray[np.float32] | None, Exception | None]:
        """Run a batch with a permit that the caller took, and give the permit back.

        Returns:
            float32 [texts, dimension], or None and why there are none.
        """
        started = self._clock()
        longest = max(map(len, texts))
        vectors: NDArray[np.float32] | None = None
        failure: Exception | None = None
        try:
            vectors = self._session.run(*self._padded(texts, longest))
            if vectors.shape != (len(texts), self._dimension):
                raise ValueError(f"the graph gave {vectors.shape}")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to these callers
            vectors, failure = None, error
        finished = self._clock()
        with self._changed:
            self._permits += 1
            self._failures = 0 if failure is None else self._failures + 1
            if self._closed or any(self._queues.values()):
                self._changed.notify_all()
        if self._observe is not None:
            tokens, padded = sum(map(len, texts)), len(texts) * longest
            self._observe(
                BatchReport(lane, len(texts), tokens, padded, started - since, finished - started)
            )
        return vectors, failure

    def _fail_batch_mate(self, text: WaitingText, lane: Lane, cause: Exception | None) -> None:
        self._queues[lane].drop(lambda other: other.request is text.request)
        error = _failed()
        error.__cause__ = cause
        text.request.fail(error)

    def _padded(
        self, texts: Sequence[NDArray[np.int64]], longest: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if len(texts) == 1:
            ids = texts[0][np.newaxis]
            return ids, np.ones_like(ids)
        input_ids = np.full((len(texts), longest), self._pad_token_id, dtype=np.int64)
        attention_mask = np.zeros((len(texts), longest), dtype=np.int64)
        for row, ids in enumerate(texts):
            input_ids[row, : len(ids)] = ids
            attention_mask[row, : len(ids)] = 1
        return input_ids, attention_mask


def _deadline_exceeded() -> DeadlineExceededError:
    return DeadlineExceededError("the deadline passed before the text was encoded; allow more time")


def _failed() -> UnavailableError:
    return UnavailableError("the encoder failed on this batch; retry")
