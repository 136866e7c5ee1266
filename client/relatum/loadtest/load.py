"""Open and closed loops of calls."""

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt

from relatum import channel, errors
from relatum.loadtest.method import Method
from relatum.loadtest.recorder import Recorder, Report

# The tester must see each failure: the retries of the shipped service config would hide them.
OPTIONS = [
    *(option for option in channel.options() if option[0] != "grpc.service_config"),
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    ("grpc.enable_retries", 0),
]


@dataclass(frozen=True, slots=True)
class Window:
    """Seconds of the run: those of the warm-up are not recorded."""

    warmup_s: float
    duration_s: float
    timeout_s: float


def arrivals(rate: float, seconds: float, *, poisson: bool, seed: int) -> npt.NDArray[np.float64]:
    """Intended send times in [0, seconds), ascending, shape (n,), float64.

    At even steps, or with exponential gaps of mean 1 / rate (a Poisson process).
    """
    if not poisson:
        return np.arange(int(rate * seconds), dtype=np.float64) / rate
    rng = np.random.default_rng(seed)
    # The number of a Poisson process in an interval is Poisson; given it, the times are uniform.
    return np.sort(rng.uniform(0.0, seconds, rng.poisson(rate * seconds)))


def open_loop(
    target: str, method: Method, bodies: list[bytes], rate: float, window: Window,
    *, poisson: bool, seed: int,
) -> Report:  # fmt: skip
    """Send at the intended times whatever the answers; latency counts from the intended time."""
    recorder = Recorder()
    total_s = window.warmup_s + window.duration_s
    times = arrivals(rate, total_s, poisson=poisson, seed=seed)
    pending = threading.Semaphore(0)
    ended_at = [0.0]
    with grpc.insecure_channel(channel.address(target), OPTIONS) as opened:
        call = _callable(opened, method)
        _connect(opened, window.timeout_s)
        started = time.perf_counter()
        cpu = _CpuFrom(started + window.warmup_s)
        for offset, body in zip(times.tolist(), itertools.cycle(bodies), strict=False):
            intended = started + offset
            wait_s = intended - time.perf_counter()
            if wait_s > 0:
                time.sleep(wait_s)
            measured = offset >= window.warmup_s
            if measured:
                cpu.start()
                recorder.lag(time.perf_counter() - intended)

            def done(future: Any, intended: float = intended, measured: bool = measured) -> None:
                now = time.perf_counter()
                if measured:
                    _record(recorder, future, now - intended)
                    ended_at[0] = max(ended_at[0], now)
                pending.release()

            future = call.future(_body(method, body), timeout=window.timeout_s)
            future.add_done_callback(done)
        for _ in times:
            pending.acquire()
        cpu_s = cpu.seconds()
    spent_s = max(window.duration_s, ended_at[0] - started - window.warmup_s)
    kind = "Poisson" if poisson else "evenly spaced"
    return recorder.report(method.path, f"open loop, {rate:g}/s, {kind}", spent_s, cpu_s)


def closed_loop(
    target: str, method: Method, bodies: list[bytes], clients: int, window: Window
) -> Report:
    """Clients that each send the next call when the last is answered."""
    recorder = Recorder()
    with grpc.insecure_channel(channel.address(target), OPTIONS) as opened:
        call = _callable(opened, method)
        _connect(opened, window.timeout_s)
        started = time.perf_counter()
        measured_from = started + window.warmup_s
        ends = measured_from + window.duration_s
        cpu = _CpuFrom(measured_from)

        def client(number: int) -> None:
            for body in itertools.islice(itertools.cycle(bodies), number, None):
                sent = time.perf_counter()
                if sent >= ends:
                    return
                cpu.start_if_due(sent)
                future = call.future(_body(method, body), timeout=window.timeout_s)
                future.exception()
                if sent >= measured_from:
                    _record(recorder, future, time.perf_counter() - sent)

        threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent_s = max(window.duration_s, time.perf_counter() - measured_from)
        cpu_s = cpu.seconds()
    return recorder.report(method.path, f"closed loop, {clients} clients", spent_s, cpu_s)


class _CpuFrom:
    """Processor seconds of this process from a moment on."""

    def __init__(self, moment: float) -> None:
        self._moment = moment
        self._first: float | None = None

    def start_if_due(self, now: float) -> None:
        if now >= self._moment:
            self.start()

    def start(self) -> None:
        if self._first is None:
            self._first = time.process_time()

    def seconds(self) -> float:
        return 0.0 if self._first is None else time.process_time() - self._first


def _callable(opened: grpc.Channel, method: Method) -> Any:
    # Bytes out and in: the tester spends nothing on protobuf.
    make: Any = opened.stream_unary if method.streaming else opened.unary_unary
    return make(method.path)


def _body(method: Method, body: bytes) -> bytes | Iterator[bytes]:
    return iter((body,)) if method.streaming else body


def _connect(opened: grpc.Channel, timeout_s: float) -> None:
    """Wait until the channel is up.

    Raises:
        UnavailableError: It is not, after `timeout_s`.
    """
    try:
        grpc.channel_ready_future(opened).result(timeout=timeout_s)
    except grpc.FutureTimeoutError:
        raise errors.UnavailableError("no connection; is the server running there?") from None


def _record(recorder: Recorder, future: Any, latency_s: float) -> None:
    if future.code() is grpc.StatusCode.OK:
        recorder.ok(latency_s)
        return
    failed = errors.from_rpc_error(future)
    recorder.error(f"{failed.code} {failed.reason}".strip())
