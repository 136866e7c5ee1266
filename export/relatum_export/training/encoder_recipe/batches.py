"""Batches of near length: padding is work for nothing."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from sentence_transformers.base.sampler import DefaultBatchSampler

WINDOW = 16  # batches whose rows are sorted by length together
ANCHOR, POSITIVE, LABEL = "anchor", "positive", "label"


class NearLengthBatches(DefaultBatchSampler):
    """Batches of rows of near length, all fixed when it is made, their order drawn each epoch.

    A window of random rows is sorted by length and cut. A text is once in a batch where that can
    be had: what is left over waits for the next window. Graded rows (labels of two numbers) keep
    those of one anchor together instead, because grades are compared within a batch.
    """

    def __init__(  # noqa: PLR0917 - the trainer's call
        self,
        dataset: Any,
        batch_size: int,
        drop_last: bool,
        valid_label_columns: list[str] | None = None,
        generator: torch.Generator | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(dataset, batch_size, drop_last, valid_label_columns, generator, seed)
        anchors, positives = list(dataset[ANCHOR]), list(dataset[POSITIVE])
        draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
        labels = dataset[LABEL]
        if len(labels) and isinstance(labels[0], list):
            self._batches = anchor_batches([label[1] for label in labels], batch_size, draw)
        else:
            self._batches = length_batches(anchors, positives, batch_size, draw)

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        if self.generator is not None:
            self.generator.manual_seed(self.seed + self.epoch)
        for at in torch.randperm(len(self._batches), generator=self.generator).tolist():
            yield self._batches[at]


def length_batches(
    anchors: Sequence[str], positives: Sequence[str], batch_size: int, draw: random.Random
) -> list[list[int]]:
    """Cut all rows into batches; those of one row alone, which teach nothing, are left out."""
    order = draw.sample(range(len(anchors)), len(anchors))
    window = WINDOW * batch_size
    batches: list[list[int]] = []
    left: list[int] = []
    for start in range(0, len(order), window):
        rows = left + order[start : start + window]
        rows.sort(key=lambda row: len(anchors[row]) + len(positives[row]))
        full, left = _distinct(rows, anchors, positives, batch_size)
        batches += full
    batches += [left[at : at + batch_size] for at in range(0, len(left), batch_size)]
    return [batch for batch in batches if len(batch) > 1]


def _distinct(
    rows: Sequence[int], anchors: Sequence[str], positives: Sequence[str], batch_size: int
) -> tuple[list[list[int]], list[int]]:
    """Full batches of distinct texts in the order given, and the rows that are left."""
    full: list[list[int]] = []
    waiting = list(rows)
    while len(waiting) >= batch_size:
        batch: list[int] = []
        seen: set[str] = set()
        rest: list[int] = []
        for at, row in enumerate(waiting):
            texts = {anchors[row], positives[row]}
            if seen.isdisjoint(texts):
                batch.append(row)
                seen |= texts
                if len(batch) == batch_size:
                    rest += waiting[at + 1 :]
                    break
            else:
                rest.append(row)
        if len(batch) < batch_size:
            break
        full.append(batch)
        waiting = rest
    return full, waiting


def anchor_batches(
    anchors: Sequence[float], batch_size: int, draw: random.Random
) -> list[list[int]]:
    """Cut all rows into batches, the rows of an anchor side by side."""
    rank: dict[float, float] = {}
    for anchor in anchors:
        rank.setdefault(anchor, draw.random())
    order = sorted(range(len(anchors)), key=lambda row: (rank[anchors[row]], row))
    batches = [order[at : at + batch_size] for at in range(0, len(order), batch_size)]
    return [batch for batch in batches if len(batch) > 1]
