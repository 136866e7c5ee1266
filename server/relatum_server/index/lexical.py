"""BM25 over SQLite's FTS5, in a file of its own: a projection that can be built again."""

import itertools
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw
import numpy as np
from numpy.typing import NDArray

from relatum_server import observability
from relatum_server.artifact import WordWeights
from relatum_server.errors import UnavailableError
from relatum_server.index.base import Hits, LexicalDocument, Mask
from relatum_server.index.exact import is_allowed
from relatum_server.index.matching import MAX_QUERY_WORDS, TOKENIZER, match_expression
from relatum_server.index.segmentation import words
from relatum_server.index.spelling import Vocabulary, corrected
from relatum_server.index.spelling_table import SPELLING_SCHEMA, SpellingTable
from relatum_server.index.words import WordVectors

log = observability.logger("lexical")

VERSION = 4
TITLE_WEIGHT = 3.0
OTHER_WEIGHT = 1.0
SCORE_CHUNK = 500
TITLES_CHUNK = 5000
_SCHEMA = f"""
CREATE VIRTUAL TABLE words USING fts5(title, other, content='', contentless_delete=1,
  tokenize='porter {" ".join(TOKENIZER)}');
CREATE VIRTUAL TABLE beginnings USING fts5(title, content='', contentless_delete=1,
  prefix='2 3', tokenize='{" ".join(TOKENIZER)}');
CREATE TABLE titles(key INTEGER PRIMARY KEY, words TEXT NOT NULL);
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row);
{SPELLING_SCHEMA}
CREATE TABLE state(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


_DAMAGE = (apsw.CorruptError, apsw.NotADBError)


class Fts5Index:
    """A `LexicalIndex`. One writer at a time; readers have connections of their own.

    Where a page turns out damaged, a mark beside the file says so: reads raise UnavailableError,
    writes are left to the next `open`, which builds the index again.
    """

    def __init__(self, path: Path, weights: WordWeights | None = None) -> None:
        """Use `open`."""
        self._path = path
        self._titles = None if weights is None else WordVectors(weights)
        self._damaged = False
        self._writer = self._connect()
        self._spelling = SpellingTable(self._writer)
        self._vocabulary = Vocabulary({}, {})
        self._write_lock = threading.Lock()
        self._readers: queue.SimpleQueue[apsw.Connection] = queue.SimpleQueue()
        self._closed = False

    @classmethod
    def open(
        cls, path: Path, *, at_most: int | None = None, weights: WordWeights | None = None
    ) -> tuple["Fts5Index", int]:
        """Open the index and say up to which revision it goes; 0 for a new one.

        With the artifact's weights of words it keeps the titles' words as vectors too.

        A file that is damaged (now, or when it was read last), of another version, or beyond the
        store's revision `at_most` (a restored backup) is removed: the caller fills the index again.
        """
        mark = _mark(path)
        if path.exists():
            index = None
            try:
                index = cls(path, weights)
                state = dict(index._writer.execute("SELECT name, value FROM state"))
                sound = index._writer.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
                revision = state.get("revision", 0)
                known = at_most is None or revision <= at_most
                sound = sound and not mark.exists()
                if state.get("version") == VERSION and sound and known:
                    index._vocabulary = index._spelling.read()
                    index._read_titles()
                    return index, revision
            except apsw.Error:
                pass
            if index is not None:
                index.close()
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
        mark.unlink(missing_ok=True)
        index = cls(path, weights)
        index._writer.execute(_SCHEMA)
        index._writer.execute("INSERT INTO state VALUES ('version', ?)", (VERSION,))
        return index, 0

    @property
    def titles(self) -> WordVectors | None:
        """The titles' words as vectors; see `LexicalIndex.titles`."""
        return self._titles

    def set_revision(self, revision: int) -> None:
        """Note up to which revision the index goes; 0 while it is behind."""
        with self._writing():
            self._writer.execute("INSERT OR REPLACE INTO state VALUES ('revision', ?)", (revision,))

    def upsert(self, documents: Sequence[LexicalDocument]) -> None:
        """Insert or replace; see `LexicalIndex.upsert`."""
        titles = [words(d.title) for d in documents]
        rows = [
            (d.key, " ".join(title), " ".join(words(f"{d.names} {d.other}")))
            for d, title in zip(documents, titles, strict=True)
        ]
        with self._writing():
            with self._writer:
                self._delete([key for key, _, _ in rows])
                change = self._spelling.upsert(documents)
                self._writer.executemany(
                    "INSERT INTO words(rowid, title, other) VALUES(?, ?, ?)", rows
                )
                self._writer.executemany(
                    "INSERT INTO beginnings(rowid, title) VALUES(?, ?)", [row[:2] for row in rows]
                )
                self._writer.executemany(
                    "INSERT OR REPLACE INTO titles VALUES(?, ?)", [row[:2] for row in rows]
                )
            if self._titles is not None:
                self._titles.upsert([d.key for d in documents], titles)
            self._vocabulary.count(*change)  # once all is written: readers take no lock

    def remove(self, keys: Sequence[int]) -> None:
        """Remove; unknown keys are ignored."""
        with self._writing():
            with self._writer:
                self._delete(keys)
                self._writer.executemany(
                    "DELETE FROM titles WHERE key = ?", [(key,) for key in keys]
                )
                change = self._spelling.remove(keys)
            if self._titles is not None:
                self._titles.remove(keys)
            self._vocabulary.count(*change)

    def search(self, query: str, k: int, *, allowed: Mask | None = None) -> Hits:
        """The k best; see `LexicalIndex.search`."""
        with self._reader() as reader:
            match = match_expression(reader, query)
            if not match:
                return Hits(np.zeros(0, np.int64), np.zeros(0, np.float32))
            limit = k if allowed is None else -1
            rows = reader.execute(
                "SELECT rowid, -bm25(words, ?, ?) AS score FROM words WHERE words MATCH ? "
                "ORDER BY score DESC, rowid LIMIT ?",
                (TITLE_WEIGHT, OTHER_WEIGHT, match, limit),
            ).fetchall()
        keys = np.array([row[0] for row in rows], np.int64)
        scores = np.array([row[1] for row in rows], np.float32)
        kept = np.flatnonzero(is_allowed(keys, allowed))[:k]
        return Hits(keys[kept], scores[kept])

    def score(self, query: str, keys: Sequence[int]) -> NDArray[np.float32]:
        """BM25 [n] of just these; see `LexicalIndex.score`."""
        found: dict[int, float] = {}
        with self._reader() as reader:
            match = match_expression(reader, query)
            for start in range(0, len(keys) if match else 0, SCORE_CHUNK):
                part = keys[start : start + SCORE_CHUNK]
                marks = ",".join("?" * len(part))
                found.update(
                    reader.execute(
                        "SELECT rowid, -bm25(words, ?, ?) FROM words WHERE words MATCH ? "  # noqa: S608 - question marks alone
                        f"AND +rowid IN ({marks})",  # + : one pass, not a query a key
                        (TITLE_WEIGHT, OTHER_WEIGHT, match, *part),
                    )
                )
        return np.array([found.get(key, 0.0) for key in keys], np.float32)

    def correct(self, query: str, asked_before: Callable[[str], bool]) -> str:
        """The query as it was meant; see `LexicalIndex.correct`."""
        return corrected(query, self._vocabulary, asked_before)

    def complete(self, prefix: str, k: int) -> Sequence[int]:
        """Keys of titles with all the words, the last one as a beginning."""
        parts = words(prefix)[:MAX_QUERY_WORDS]
        if not parts:
            return []
        # not stemmed: "chocola" begins "chocolate", but not its stem "chocol"
        match = " AND ".join(f'"{part}"' for part in parts) + "*"
        with self._reader() as reader:
            rows = reader.execute(
                "SELECT rowid FROM beginnings WHERE beginnings MATCH ? LIMIT ?", (match, k)
            ).fetchall()
        return [int(key) for (key,) in rows]  # type: ignore[arg-type]

    def close(self) -> None:
        """Release the file. Safe twice."""
        with self._write_lock:
            if self._closed:
                return
            self._closed = True
            self._writer.close()
        while not self._readers.empty():
            self._readers.get_nowait().close()

    def _read_titles(self) -> None:
        if self._titles is None:
            return
        rows = self._writer.execute("SELECT key, words FROM titles ORDER BY key")
        while chunk := list(itertools.islice(rows, TITLES_CHUNK)):
            self._titles.upsert(
                [int(key) for key, _ in chunk],
                [str(text).split() for _, text in chunk],
            )

    def _delete(self, keys: Sequence[int]) -> None:
        for table in ("words", "beginnings"):
            self._writer.executemany(
                f"DELETE FROM {table} WHERE rowid = ?",  # noqa: S608 - our own two tables
                [(key,) for key in keys],
            )

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(str(self._path))
        connection.set_busy_timeout(10_000)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")  # a projection: what is lost is built again
        return connection

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """The write lock; what damage refuses to take is not written."""
        with self._write_lock:
            try:
                yield
            except _DAMAGE as error:
                self._mark_damaged(error)

    def _mark_damaged(self, error: Exception) -> None:
        if not self._damaged:
            self._damaged = True
            _mark(self._path).touch()
            log.error("lexical index damaged", path=str(self._path), error=str(error))

    @contextmanager
    def _reader(self) -> Iterator[apsw.Connection]:
        if self._damaged:
            raise _unavailable()
        try:
            reader = self._readers.get_nowait()
        except queue.Empty:
            reader = self._connect()
        try:
            yield reader
        except _DAMAGE as error:
            self._mark_damaged(error)
            raise _unavailable() from error
        finally:
            if self._closed or self._damaged:
                reader.close()
            else:
                self._readers.put(reader)


def _mark(path: Path) -> Path:
    return path.with_name(path.name + ".damaged")


def _unavailable() -> UnavailableError:
    return UnavailableError(
        "the lexical index of this server is damaged and is built again when it restarts; retry on "
        "another server, restart this one, or search with disable_lexical"
    )
