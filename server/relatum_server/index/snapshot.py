"""Projections on disk: a vector index's graph, and the counters of the events."""

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path

from relatum_server.index.counters import EventCounters, OptionalCounts
from relatum_server.index.generations import Fact, Generations
from relatum_server.index.usearch import UsearchIndex

COUNTERS_VERSION = 4


class SnapshotFolder:
    """The graph of one index; see `Generations`."""

    def __init__(self, path: Path, encoder_id: str, dimension: int) -> None:
        facts: dict[str, Fact] = {
            "encoder_id": encoder_id,
            "dimension": dimension,
            "usearch": importlib.metadata.version("usearch"),
        }
        self._dimension = dimension
        self._generations = Generations(path, ".usearch", facts)

    def open(self, *, at_most: int | None = None, threads: int = 2) -> tuple[UsearchIndex, int]:
        """The newest sound graph and its revision; an empty index and 0 where there is none."""
        for kept in self._generations.sound(at_most=at_most):
            index = UsearchIndex(self._dimension, threads=threads)
            index.load(kept.path)
            if len(index) == kept.facts.get("count"):
                return index, kept.revision
            self._generations.set_aside(kept.path)
        return UsearchIndex(self._dimension, threads=threads), 0

    def save(self, index: UsearchIndex, revision: int) -> None:
        """Write a generation; the caller holds writes back."""
        self._generations.save(index.save, revision, {"count": len(index)})


class CountersFolder:
    """The counters of the events beside one artifact; see `Generations`."""

    def __init__(self, path: Path, model_id: str, optional: OptionalCounts | None = None) -> None:
        """Take the artifact whose history the counters are counted beside.

        Another artifact's history covers other events: then all are counted anew. So they are with
        other optional counts.
        """
        self._optional = optional
        facts: dict[str, Fact] = {
            "model_id": model_id,
            "counters": COUNTERS_VERSION,
            "optional": repr(optional or OptionalCounts()),
        }
        self._generations = Generations(path, ".msgpack", facts)

    def open(
        self, covered_until_us: Mapping[str, int], *, at_most: int | None = None
    ) -> tuple[EventCounters, int]:
        """The newest sound counters and their revision; empty ones and 0 where there are none."""
        for kept in self._generations.sound(at_most=at_most):
            try:
                counters = EventCounters.load(
                    kept.path.read_bytes(), covered_until_us, self._optional
                )
            except ValueError:
                self._generations.set_aside(kept.path)
                continue
            return counters, kept.revision
        return EventCounters(covered_until_us, self._optional), 0

    def save(self, counters: EventCounters, revision: int) -> None:
        """Write a generation; the caller holds writes back."""
        self._generations.save(lambda path: path.write_bytes(counters.save()), revision)
