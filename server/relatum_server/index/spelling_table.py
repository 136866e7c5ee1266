"""The words of each product, kept in the file of the lexical index, and how many have each."""

from collections import Counter
from collections.abc import Sequence
from typing import cast

import apsw

from relatum_server.index.base import LexicalDocument
from relatum_server.index.spelling import Vocabulary, spelt_words

SPELLING_SCHEMA = """
CREATE TABLE product_words(key INTEGER PRIMARY KEY, named TEXT NOT NULL, elsewhere TEXT NOT NULL);
CREATE TABLE word_counts(word TEXT PRIMARY KEY, named INTEGER NOT NULL, anywhere INTEGER NOT NULL)
  WITHOUT ROWID;
"""
Change = tuple[Counter[str], Counter[str]]


class SpellingTable:
    """Counts of words that outlast a restart: a start reads them, and no product.

    Within the transactions of the caller, who is alone in writing.
    """

    def __init__(self, writer: apsw.Connection) -> None:
        self._writer = writer

    def read(self) -> Vocabulary:
        """The counts as they stand."""
        found = self._writer.execute("SELECT word, named, anywhere FROM word_counts").fetchall()
        rows = cast("list[tuple[str, int, int]]", found)
        return Vocabulary({w: n for w, n, _ in rows if n}, {w: a for w, _, a in rows})

    def upsert(self, documents: Sequence[LexicalDocument]) -> Change:
        """Keep the words of products instead of those before; what the counts change by."""
        named, anywhere = self._forget([document.key for document in documents])
        rows = []
        for document in documents:
            names = spelt_words(f"{document.title} {document.names}")
            rest = spelt_words(document.other) - names
            named.update(names)
            anywhere.update(names)
            anywhere.update(rest)
            rows.append((document.key, " ".join(sorted(names)), " ".join(sorted(rest))))
        self._writer.executemany("INSERT INTO product_words VALUES(?, ?, ?)", rows)
        self._count(named, anywhere)
        return named, anywhere

    def remove(self, keys: Sequence[int]) -> Change:
        """Forget the words of products, unknown ones ignored; what the counts change by."""
        named, anywhere = self._forget(keys)
        self._count(named, anywhere)
        return named, anywhere

    def _forget(self, keys: Sequence[int]) -> Change:
        named: Counter[str] = Counter()
        anywhere: Counter[str] = Counter()
        for key in keys:
            for names, rest in self._writer.execute(
                "DELETE FROM product_words WHERE key = ? RETURNING named, elsewhere", (key,)
            ):
                named.subtract(names.split())
                anywhere.subtract(names.split())
                anywhere.subtract(rest.split())
        return named, anywhere

    def _count(self, named: Counter[str], anywhere: Counter[str]) -> None:
        self._writer.executemany(
            "INSERT INTO word_counts VALUES(?, ?, ?) ON CONFLICT(word) DO UPDATE "
            "SET named = named + excluded.named, anywhere = anywhere + excluded.anywhere",
            [(word, named[word], count) for word, count in anywhere.items()],
        )
        gone = [(word,) for word, count in anywhere.items() if count < 0]
        self._writer.executemany("DELETE FROM word_counts WHERE word = ? AND anywhere = 0", gone)
