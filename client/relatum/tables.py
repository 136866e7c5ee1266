"""Aligned tables for a terminal; Chinese, Japanese and Korean characters take two columns."""

import unicodedata
from collections.abc import Sequence

MAX_CELL = 60


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(_width(char) for char in text)


def cut(text: str, limit: int = MAX_CELL) -> str:
    """A text on one line, of at most `limit` columns, with an ellipsis where it was longer."""
    text = "".join(char if char.isprintable() else " " for char in text)
    if width(text) <= limit:
        return text
    kept, used = [], 0
    for char in text:
        used += _width(char)
        if used > limit - 1:
            break
        kept.append(char)
    return "".join(kept) + "…"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table with a header; columns of numbers are set to the right."""
    numeric = [
        bool(rows) and all(isinstance(row[n], int | float) for row in rows)
        for n in range(len(columns))
    ]
    cells = [[cut(_text(value)) for value in row] for row in rows]
    widths = [
        max([width(name), *(width(row[n]) for row in cells)]) for n, name in enumerate(columns)
    ]

    def line(row: Sequence[str]) -> str:
        parts = []
        for value, size, right in zip(row, widths, numeric, strict=True):
            space = " " * (size - width(value))
            parts.append(space + value if right else value + space)
        return "  ".join(parts).rstrip()

    rule = "  ".join("-" * size for size in widths)
    return "\n".join([line(columns), rule, *map(line, cells)])


def _width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
