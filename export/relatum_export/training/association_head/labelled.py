"""Pairs with what was observed of them, and where from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from relatum_export.training.association_head.classes import Label


@dataclass(frozen=True, slots=True)
class LabelledPairs:
    """Ordered pairs of products.

    Attributes:
        a: row of the first product, int64 [pairs].
        b: row of the second, int64 [pairs].
        targets: share of each label, rows summing to 1, float32 [pairs, labels].
        labels: the label by majority, -1 where there is none, int64 [pairs].
        sources: who or what says so, object [pairs].
        benchmarks: the part of the set that a pair belongs to, "" where it has none, object
            [pairs].
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    targets: NDArray[np.float32]
    labels: NDArray[np.int64]
    sources: NDArray[np.object_]
    benchmarks: NDArray[np.object_]

    def __len__(self) -> int:
        """How many pairs."""
        return len(self.a)

    @classmethod
    def empty(cls) -> "LabelledPairs":
        """No pairs."""
        return cls.of_label(np.zeros((0, 2), np.int64), Label.UNRELATED, "")

    @classmethod
    def of_label(cls, rows: NDArray[np.int64], label: Label, source: str) -> "LabelledPairs":
        """Pairs of one label; ``rows`` int64 [pairs, 2]."""
        targets = np.zeros((len(rows), len(Label)), np.float32)
        targets[:, label] = 1.0
        return cls(
            rows[:, 0],
            rows[:, 1],
            targets,
            np.full(len(rows), label, np.int64),
            np.full(len(rows), source, object),
            np.full(len(rows), "", object),
        )

    @classmethod
    def join(cls, parts: Sequence["LabelledPairs"]) -> "LabelledPairs":
        """All pairs, in order."""
        if not parts:
            return cls.empty()
        return cls(
            np.concatenate([part.a for part in parts]),
            np.concatenate([part.b for part in parts]),
            np.concatenate([part.targets for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.sources for part in parts]),
            np.concatenate([part.benchmarks for part in parts]),
        )

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "LabelledPairs":
        """Some of the pairs."""
        return LabelledPairs(
            self.a[rows],
            self.b[rows],
            self.targets[rows],
            self.labels[rows],
            self.sources[rows],
            self.benchmarks[rows],
        )

    def shifted(self, by: int) -> "LabelledPairs":
        """The same pairs where the catalogue stands behind ``by`` other products."""
        return replace(self, a=self.a + by, b=self.b + by)

    def source_counts(self) -> dict[str, dict[str, int]]:
        """Pairs by label and source; those without a majority under `no majority`."""
        counted: Counter[tuple[str, str]] = Counter()
        for label, source in zip(self.labels.tolist(), self.sources.tolist(), strict=True):
            name = Label(label).name.lower() if label >= 0 else "no majority"
            counted[name, source] += 1
        found: dict[str, dict[str, int]] = {}
        for (label, source), count in sorted(counted.items()):
            found.setdefault(label, {})[source] = count
        return found
