import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from relatum_server.encoder.batcher import Batcher, BatchReport, BatchSettings
from relatum_server.errors import DeadlineExceededError, ResourceExhaustedError, UnavailableError

WAIT_S = 10.0  # only a hanging test waits this long


class FakeSession:
    """Gives [first token, number of tokens] for each row; can be held and can fail."""

    def __init__(self):
        self.batches = []
        self.threads = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        self.poison = None

    def run(self, input_ids, attention_mask):
        self.batches.append(input_ids.copy())
        self.threads.append(threading.get_ident())
        self.entered.release()
        assert self.gate.wait(WAIT_S)
        if self.poison is not None and (input_ids == self.poison).any():
            raise RuntimeError("poisoned")
        return np.stack([input_ids[:, 0], attention_mask.sum(axis=1)], axis=1).astype(np.float32)


def tokens(first, length=3):
    return np.array([first] + [1] * (length - 1), dtype=np.int64)


class Bench:
    """A batcher with one worker over a fake session, and callers in threads of their own."""

    def __init__(self, **settings):
        self.now = 0.0
        self.session = FakeSession()
        self.reports: list[BatchReport] = []
        defaults = {"workers": 1, "max_batch_tokens": 12, "max_queue_tokens": 30}
        self.batcher = Batcher(
            self.session,
            dimension=2,
            pad_token_id=0,
            settings=BatchSettings(**(defaults | settings)),
            observe=self.reports.append,
            clock=lambda: self.now,
        )
        self.callers = ThreadPoolExecutor(16)

    def call(self, *texts, deadline=None, lane="query"):
        return self.callers.submit(self.batcher.run, list(texts), deadline=deadline, lane=lane)

    def hold(self):
        """Occupy the only permit with a call that ends when the gate opens."""
        self.session.gate.clear()
        held = self.call(tokens(99))
        assert self.session.entered.acquire(timeout=WAIT_S)
        return held

    def enqueue(self, *texts, lane="query", deadline=None):
        """Call, and return when the texts are in the queue."""
        before = self.batcher.queued_tokens(lane)
        future = self.call(*texts, lane=lane, deadline=deadline)
        arrived = before + sum(map(len, texts))
        while self.batcher.queued_tokens(lane) < arrived:
            assert not future.done(), future.exception()
        return future

    def firsts(self):
        return [batch[:, 0].tolist() for batch in self.session.batches]

    def close(self):
        self.session.gate.set()
        self.batcher.close()
        self.callers.shutdown()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def test_vectors_come_back_in_the_order_of_the_texts(bench):
    vectors = bench.batcher.run(
        [tokens(7, 4), tokens(5, 2), tokens(6, 3)], deadline=None, lane="query"
    )

    assert vectors.dtype == np.float32
    assert vectors.tolist() == [[7, 4], [5, 2], [6, 3]]


def test_a_caller_of_an_idle_batcher_runs_the_inference_in_its_own_thread(bench):
    bench.batcher.run([tokens(1)], deadline=None, lane="query")

    assert bench.session.threads == [threading.get_ident()]


def test_shorter_texts_are_padded_with_the_padding_token_and_masked(bench):
    vectors = bench.batcher.run([tokens(8, 4), tokens(9, 2)], deadline=None, lane="query")

    assert bench.session.batches[0].tolist() == [[8, 1, 1, 1], [9, 1, 0, 0]]
    assert vectors[:, 1].tolist() == [4, 2]


def test_a_request_above_the_batch_budget_is_split_and_put_together_again(bench):
    vectors = bench.batcher.run([tokens(i, 3) for i in range(10, 20)], deadline=None, lane="query")

    assert vectors[:, 0].tolist() == list(range(10, 20))
    assert all(batch.size <= 12 for batch in bench.session.batches)


def test_a_text_longer_than_the_budget_runs_alone(bench):
    vectors = bench.batcher.run([tokens(3, 50), tokens(4, 2)], deadline=None, lane="query")

    assert vectors.tolist() == [[3, 50], [4, 2]]
    assert [3] in bench.firsts()


def test_waiting_texts_of_like_length_run_together(bench):
    held = bench.hold()
    futures = [bench.enqueue(tokens(i, length)) for i, length in ((1, 2), (2, 6), (3, 2), (4, 6))]

    bench.session.gate.set()

    assert [f.result(WAIT_S)[0, 0] for f in [held, *futures]] == [99, 1, 2, 3, 4]
    assert bench.firsts() == [[99], [1, 3], [2, 4]]


def test_a_full_lane_refuses_with_resource_exhausted_and_serves_what_it_took(bench):
    bench.hold()
    waiting = bench.enqueue(tokens(1, 28))

    with pytest.raises(ResourceExhaustedError, match="28 tokens wait"):
        bench.batcher.run([tokens(2, 3)], deadline=None, lane="query")

    bench.session.gate.set()
    assert waiting.result(WAIT_S)[0].tolist() == [1, 28]


def test_a_full_bulk_lane_does_not_refuse_queries(bench):
    bench.hold()
    bench.enqueue(tokens(1, 30), lane="bulk")

    query = bench.enqueue(tokens(2, 3), lane="query")

    bench.session.gate.set()
    assert query.result(WAIT_S)[0].tolist() == [2, 3]


def test_an_empty_lane_takes_a_request_larger_than_its_bound(bench):
    vectors = bench.batcher.run([tokens(i, 8) for i in range(6)], deadline=None, lane="bulk")

    assert vectors[:, 0].tolist() == list(range(6))


def test_bulk_is_served_in_every_fourth_batch_while_queries_wait(bench):
    bench.hold()
    futures = [bench.enqueue(tokens(50, 4), lane="bulk"), bench.enqueue(tokens(51, 4), lane="bulk")]
    futures += [bench.enqueue(tokens(i, 7)) for i in (1, 2, 3, 4)]

    bench.session.gate.set()

    for future in futures:
        future.result(WAIT_S)
    assert bench.firsts() == [[99], [1], [2], [3], [50, 51], [4]]


def test_a_call_whose_deadline_has_passed_is_refused_before_inference(bench):
    bench.now = 5.0

    with pytest.raises(DeadlineExceededError):
        bench.batcher.run([tokens(1)], deadline=5.0, lane="query")

    assert bench.session.batches == []


def test_a_text_whose_deadline_passes_in_the_queue_is_never_run(bench):
    bench.hold()
    late = bench.enqueue(tokens(1, 7), deadline=1000.0)
    kept = bench.enqueue(tokens(2, 7))
    bench.now = 1000.0

    bench.session.gate.set()

    with pytest.raises(DeadlineExceededError):
        late.result(WAIT_S)
    assert kept.result(WAIT_S)[0, 0] == 2
    assert bench.firsts() == [[99], [2]]


def test_a_caller_stops_waiting_at_its_deadline_and_frees_its_place(bench):
    bench.hold()

    with pytest.raises(DeadlineExceededError):
        bench.batcher.run([tokens(1, 5)], deadline=0.01, lane="query")

    assert bench.batcher.queued_tokens("query") == 0


def test_a_failing_batch_fails_only_its_own_callers(bench):
    bench.hold()
    bench.session.poison = 13
    bad = bench.enqueue(tokens(13, 7))
    good = bench.enqueue(tokens(2, 7))

    bench.session.gate.set()

    with pytest.raises(UnavailableError, match="retry") as failure:
        bad.result(WAIT_S)
    assert "poisoned" in str(failure.value.__cause__)
    assert good.result(WAIT_S)[0, 0] == 2


def test_a_failing_batch_drops_the_rest_of_its_callers_texts(bench):
    bench.session.poison = 13

    with pytest.raises(UnavailableError):
        bench.batcher.run([tokens(13, 7), *[tokens(1, 7)] * 3], deadline=None, lane="query")

    assert bench.batcher.queued_tokens("query") == 0


def test_a_graph_that_gives_too_few_rows_fails_the_call_instead_of_hanging(bench):
    bench.session.run = lambda ids, mask: np.zeros((0, 2), dtype=np.float32)

    with pytest.raises(UnavailableError):
        bench.batcher.run([tokens(1)], deadline=None, lane="query")


def test_health_turns_after_three_failures_in_a_row_and_returns_with_a_success(bench):
    bench.session.poison = 13
    health = []
    for _ in range(3):
        health.append(bench.batcher.healthy)
        with pytest.raises(UnavailableError):
            bench.batcher.run([tokens(13)], deadline=None, lane="query")
    health.append(bench.batcher.healthy)

    bench.batcher.run([tokens(1)], deadline=None, lane="query")

    assert health == [True, True, True, False]
    assert bench.batcher.healthy


def test_close_runs_what_waits_and_refuses_what_comes_after():
    bench = Bench()
    held = bench.hold()
    waiting = bench.enqueue(tokens(1))
    closing = bench.callers.submit(bench.batcher.close)
    bench.session.gate.set()
    closing.result(WAIT_S)

    assert held.result(WAIT_S)[0, 0] == 99
    assert waiting.result(WAIT_S)[0, 0] == 1
    with pytest.raises(UnavailableError, match="shutting down"):
        bench.batcher.run([tokens(2)], deadline=None, lane="query")
    bench.batcher.close()
    bench.close()


def test_close_fails_what_still_waits_when_its_time_is_up():
    bench = Bench()
    bench.hold()
    waiting = bench.enqueue(tokens(1))
    closing = bench.callers.submit(bench.batcher.close, drain_s=0.0)

    with pytest.raises(UnavailableError, match="shut down"):
        waiting.result(WAIT_S)

    bench.session.gate.set()
    closing.result(WAIT_S)
    bench.close()


def test_each_batch_is_reported_with_its_padding(bench):
    bench.batcher.run([tokens(1, 4), tokens(2, 2)], deadline=None, lane="bulk")

    (report,) = bench.reports
    assert (report.lane, report.texts, report.tokens, report.padded_tokens) == ("bulk", 2, 6, 8)


def test_many_callers_at_once_each_get_their_own_vectors():
    bench = Bench(workers=2, max_queue_tokens=100_000)
    calls = [bench.call(tokens(i, 1 + i % 7), tokens(i + 1, 2)) for i in range(300)]

    for i, call in enumerate(calls):
        assert call.result(WAIT_S).tolist() == [[i, 1 + i % 7], [i + 1, 2]]
    bench.close()
