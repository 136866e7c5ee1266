"""The filter language: a subset of AIP-160, parsed to a tree.

    price < 5 AND categories:"Dairy" AND NOT (brand = "Private" OR rating <= 2)

Comparisons are = != < <= > >= and `:` (has); terms side by side are joined by AND; NOT and -
negate. OR binds tighter than AND, as the AIP says: `a AND b OR c` is `a AND (b OR c)`.

**Source**: Google AIP-160, Filtering.
"""

import re
from dataclasses import dataclass

from relatum_server.errors import InvalidArgumentError

COLUMNS = (
    "price",
    "brand",
    "categories",
    "attributes.NAME",
    "availability",
    "rating",
    "platform",
    "language_code",
    "group_id",
)
NUMBERS = frozenset({"price", "rating"})
ATTRIBUTE = "attributes."
MAX_DEPTH = 32
MAX_TERMS = 256
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<op><=|>=|!=|=|<|>|:)
    | (?P<open>\() | (?P<close>\))
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<minus>-(?=[A-Za-z(]))
    | (?P<word>[^\s()<>=!:"']+)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """column op value; `attributes.colour` is the column of an attribute."""

    column: str
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    term: "Node"


@dataclass(frozen=True, slots=True)
class Junction:
    """AND or OR of two or more."""

    op: str
    terms: tuple["Node", ...]


Node = Comparison | Not | Junction


def parse(text: str) -> Node:
    """The tree of a filter.

    Raises:
        InvalidArgumentError: INVALID_FILTER, with the place and what was expected.
    """
    parser = _Parser(text)
    node = parser.expression(0)
    if parser.kind is not None:
        raise parser.wrong("AND, OR or the end")
    return node


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._place, self._terms = text, 0, 0
        self.kind: str | None = None
        self.value = ""
        self._start = 0
        self._next()

    def wrong(self, expected: str) -> InvalidArgumentError:
        seen = f"{self.value[:40]!r}" if self.kind else "the end"
        return _invalid(f"expected {expected} at character {self._start}, found {seen}")

    def expression(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise _invalid(f"more than {MAX_DEPTH} levels deep; make it flatter")
        terms = [self._either(depth)]
        while self.kind not in {None, "close"}:
            if self._is_word("AND"):
                self._next()
            terms.append(self._either(depth))
        return terms[0] if len(terms) == 1 else Junction("AND", tuple(terms))

    def _either(self, depth: int) -> Node:
        terms = [self._unary(depth)]
        while self._is_word("OR"):
            self._next()
            terms.append(self._unary(depth))
        return terms[0] if len(terms) == 1 else Junction("OR", tuple(terms))

    def _unary(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise _invalid(f"more than {MAX_DEPTH} levels deep; make it flatter")
        if self._is_word("NOT") or self.kind == "minus":
            self._next()
            return Not(self._unary(depth + 1))
        if self.kind == "open":
            self._next()
            node = self.expression(depth + 1)
            if self.kind != "close":
                raise self.wrong("a closing parenthesis")
            self._next()
            return node
        return self._comparison()

    def _comparison(self) -> Comparison:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise _invalid(f"more than {MAX_TERMS} comparisons; send a shorter one")
        if self.kind != "word":
            raise self.wrong("a column")
        column = self.value
        _check_column(column)
        self._next()
        if self.kind != "op":
            raise self.wrong(f"a comparison after {column}")
        op = self.value
        self._next()
        if self.kind not in {"word", "string"}:
            raise self.wrong("a value")
        value = self.value
        self._next()
        return _checked(column, op, value)

    def _is_word(self, word: str) -> bool:
        return self.kind == "word" and self.value == word

    def _next(self) -> None:
        match = _TOKEN.match(self._text, self._place)
        if match is None:
            if self._text[self._place :].strip():
                raise _invalid(f'cannot read character {self._place}; quote text with ""')
            self.kind, self.value, self._start = None, "", len(self._text)
            return
        self.kind = match.lastgroup
        self.value = match.group(self.kind or 0)
        self._start = match.start(self.kind or 0)
        self._place = match.end()
        if self.kind == "string":
            self.value = re.sub(r"\\(.)", r"\1", self.value[1:-1], flags=re.DOTALL)


def _check_column(column: str) -> None:
    attribute = column.startswith(ATTRIBUTE) and len(column) > len(ATTRIBUTE)
    if not attribute and column not in COLUMNS[:3] + COLUMNS[4:]:
        raise _invalid(f"no column {column[:64]!r}; columns are {', '.join(COLUMNS)}")


def _checked(column: str, op: str, value: str) -> Comparison:
    if column in NUMBERS:
        if op == ":":
            raise _invalid(f"{column} is a number: compare it with = != < <= > >=")
        if number(value) is None:
            raise _invalid(f"{column} is compared with a number, not {value[:40]!r}")
    elif not column.startswith(ATTRIBUTE) and op in {"<", "<=", ">", ">="}:
        raise _invalid(f"{column} is text: compare it with = != :")
    if column.startswith(ATTRIBUTE) and op in {"<", "<=", ">", ">="} and number(value) is None:
        raise _invalid(f"{column} {op} needs a number, not {value[:40]!r}")
    return Comparison(column, op, value)


def number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _invalid(message: str) -> InvalidArgumentError:
    return InvalidArgumentError("filter", message, reason="INVALID_FILTER")
