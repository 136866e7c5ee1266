"""What the calls of a run came to."""

import threading
from collections import Counter
from dataclasses import dataclass

from hdrh.histogram import HdrHistogram

QUANTILES = (50.0, 90.0, 99.0, 99.9)
MAX_LATENCY_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of the measured window.

    Attributes:
        rpc: Path of the RPC.
        load: What was asked for, in words.
        duration_s: Seconds from the end of the warm-up to the last answer.
        sent: Calls whose intended time lies in the window; each has ended.
        ok: Those answered OK.
        rate: Calls ended a second, errors included.
        goodput: Calls answered OK a second.
        latency_ms: By name, of calls answered OK, from the intended send time.
        errors: Calls by status code and reason.
        send_lag_ms: The most that a call was sent late: high, and the tester is the bottleneck.
        cpu_s: Processor seconds of the tester in the window.
    """

    rpc: str
    load: str
    duration_s: float
    sent: int
    ok: int
    rate: float
    goodput: float
    latency_ms: dict[str, float]
    errors: dict[str, int]
    send_lag_ms: float
    cpu_s: float


class Recorder:
    """Counts calls; safe from many threads. Microseconds to three digits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._histogram = HdrHistogram(1, MAX_LATENCY_US, 3)
        self._errors: Counter[str] = Counter()
        self._ok = 0
        self._lag_s = 0.0

    def ok(self, latency_s: float) -> None:
        """A call that was answered OK."""
        with self._lock:
            self._ok += 1
            self._histogram.record_value(min(MAX_LATENCY_US, max(1, int(latency_s * 1e6))))

    def error(self, name: str) -> None:
        """A call that failed."""
        with self._lock:
            self._errors[name] += 1

    def lag(self, late_s: float) -> None:
        """A call that was sent this much after its intended time."""
        with self._lock:
            self._lag_s = max(self._lag_s, late_s)

    def report(self, rpc: str, load: str, duration_s: float, cpu_s: float) -> Report:
        """The figures of what was recorded so far."""
        with self._lock:
            ended = self._ok + sum(self._errors.values())
            latency = (
                {
                    f"p{quantile:g}": self._histogram.get_value_at_percentile(quantile) / 1e3
                    for quantile in QUANTILES
                }
                | {
                    "mean": self._histogram.get_mean_value() / 1e3,
                    "max": self._histogram.get_max_value() / 1e3,
                }
                if self._ok
                else {}
            )
            return Report(
                rpc=rpc,
                load=load,
                duration_s=duration_s,
                sent=ended,
                ok=self._ok,
                rate=ended / duration_s,
                goodput=self._ok / duration_s,
                latency_ms=latency,
                errors=dict(self._errors.most_common()),
                send_lag_ms=self._lag_s * 1e3,
                cpu_s=cpu_s,
            )
