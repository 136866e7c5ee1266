"""The words of a query as an expression of FTS5."""

import apsw

from relatum_server.index.segmentation import words

MAX_QUERY_WORDS = 32
# A word in a larger share of the products says little and costs the most.
COMMON_SHARE = 0.1
COMMON_FLOOR = 2000
TOKENIZER = ("unicode61", "remove_diacritics", "2")


def match_expression(reader: apsw.Connection, query: str) -> str:
    """The FTS5 expression of any of the query's words; "" where it has none.

    Words contain no quotes, so that nothing a shopper types is syntax.
    """
    parts = list(dict.fromkeys(words(query)))[:MAX_QUERY_WORDS]
    if len(parts) > 1:
        ((total,),) = reader.execute("SELECT count(*) FROM words").fetchall()
        limit = max(COMMON_FLOOR, COMMON_SHARE * int(total))  # type: ignore[arg-type]
        rare = [part for part in parts if _documents(reader, part) <= limit]
        parts = rare or parts
    return " OR ".join(f'"{part}"' for part in parts)


def _documents(reader: apsw.Connection, word: str) -> int:
    """Products with the rarest of the terms that the tokenizer makes of a word; 0 for none."""
    tokenizer = reader.fts5_tokenizer("porter", list(TOKENIZER))
    terms = tokenizer(
        word.encode(),
        apsw.FTS5_TOKENIZE_QUERY,
        None,
        include_offsets=False,
        include_colocated=False,
    )
    counts = []
    for term in terms:
        row = reader.execute("SELECT doc FROM vocabulary WHERE term = ?", (term,)).fetchone()
        counts.append(int(row[0]) if row else 0)
    return min(counts, default=0)
