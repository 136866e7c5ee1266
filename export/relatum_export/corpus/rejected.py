"""Rows that a corpus does not take, each with the reason."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

MAX_KEPT = 10_000
EXCERPT_CHARS = 200


@dataclass(slots=True)
class RejectedRows:
    """Collects rejected rows: all are counted, the first ``MAX_KEPT`` are kept with an excerpt.

    Attributes:
        kept: records ``{"table", "row", "reason", "record"}``; ``row`` counts from 1.
        counts: rows by (table, reason).
    """

    kept: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, table: str, row: int, reason: str, record: object) -> None:
        """Note one row, by its number in the source (from 1)."""
        self.counts[table, reason] += 1
        if len(self.kept) < MAX_KEPT:
            self.kept.append(
                {"table": table, "row": row, "reason": reason, "record": excerpt(record)}
            )

    def add_mask(self, table: str, source: pa.Table, bad: NDArray[np.bool_], reason: str) -> None:
        """Note the rows of ``source`` where ``bad`` (bool [rows]) holds."""
        rows = np.flatnonzero(bad)
        shown = rows[: max(0, MAX_KEPT - len(self.kept))]
        for row, record in zip(shown, source.take(pa.array(shown)).to_pylist(), strict=True):
            number = record.pop(ROW, row)
            self.add(table, int(number) + 1, reason, record)
        self.counts[table, reason] += len(rows) - len(shown)

    def of_table(self, table: str) -> int:
        """How many rows of one table were rejected."""
        return sum(n for (name, _), n in self.counts.items() if name == table)

    def summary(self) -> list[dict[str, Any]]:
        """Counts as rows ``{"table", "reason", "rows"}``, largest first."""
        ordered = sorted(self.counts.items(), key=lambda entry: (-entry[1], entry[0]))
        return [{"table": t, "reason": r, "rows": n} for (t, r), n in ordered if n]

    def lines(self) -> list[str]:
        """The kept rows as lines of JSON."""
        return [json.dumps(row, ensure_ascii=False) for row in self.kept]

    def worst(self, table: str) -> str:
        """The commonest reason of one table."""
        of_table = [(n, r) for (t, r), n in self.counts.items() if t == table]
        return max(of_table)[1] if of_table else "no reason"


ROW = "__row__"  # number of a row in its source, from 0; never written to a corpus


def excerpt(record: object) -> str:
    """At most ``EXCERPT_CHARS`` characters of a record, enough to find it in the source."""
    if isinstance(record, dict):
        record = {k: v for k, v in record.items() if v is not None and v != []}
        record = json.dumps(record, ensure_ascii=False, default=str)
    return str(record)[:EXCERPT_CHARS]


def join_names(names: Sequence[str]) -> str:
    """Names for a message, in order: ``a, b, c``."""
    return ", ".join(sorted(names)) or "none"
