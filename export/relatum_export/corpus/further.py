"""Questions and answers in further files of a set: they train, and nothing is judged by them.

A file is known by its columns, not by its name: `question`, and `evidence` (the text that holds the
answer, as a reader would find it) or `answer` (what somebody wrote). With an `instruction` beside
them the questions are prompts to a language model, which no shopper asks, and train nothing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from relatum_export.corpus.conform import conform
from relatum_export.corpus.files import as_text, read_file
from relatum_export.corpus.mapping import ColumnMapping
from relatum_export.corpus.normalise import normalise
from relatum_export.corpus.rejected import ROW, RejectedRows
from relatum_export.corpus.schema import FURTHER_ANSWERS, SPLITS
from relatum_export.corpus.splits import by_hash
from relatum_export.errors import InputError

TEXTS = ("evidence", "answer")  # what a question is paired with, the first that a row has
MIN_DISTINCT = 0.2  # share of distinct answers: below it they are classes, not texts to be found
PROMPTS = "instruction"
TAKEN = "its questions and answers are training pairs; no protocol judges it"


def holds_answers(file: Path) -> bool:
    """Whether a Parquet file has questions that somebody asked, and texts that answer them."""
    try:
        names = pq.read_schema(file).names
    except (pa.ArrowException, OSError):
        return False
    asked = "question" in names and PROMPTS not in names
    return asked and any(name in names for name in TEXTS)


def read_further(
    files: Sequence[Path], mapping: ColumnMapping, rejected: RejectedRows
) -> tuple[pa.Table | None, Mapping[str, str]]:
    """Read the questions and answers of further files.

    Args:
        files: of which ``holds_answers`` is true.
        mapping: how text files are written.
        rejected: takes rows without a question or an answer.

    Returns:
        The rows of all files, columns question, answer and split, the split null where a file has
        none; None where no file can be used. And what to say of each file, by its name.
    """
    found: list[pa.Table] = []
    said: dict[str, str] = {}
    for file in files:
        try:
            read = read_file(file, file.name, mapping.form, rejected)
            table = conform(FURTHER_ANSWERS, _paired(read), str(file), mapping, rejected)
        except InputError as error:
            said[file.name] = str(error)
            continue
        distinct = len(pc.unique(table["answer"]))
        if distinct < MIN_DISTINCT * table.num_rows:
            said[file.name] = f"its answers are {distinct:,} classes: no protocol uses this table"
            continue
        said[file.name] = TAKEN
        found.append(table.select(["question", "answer", "split"]))
    return (pa.concat_tables(found) if found else None), said


def further_splits(further: pa.Table, judged: Mapping[str, str]) -> list[str]:
    """The split of each row: its own, or a later one in which its question is judged.

    What is asked in valid or test must train nothing, whatever a further file says of it. Without
    either, a hash of the question decides.

    Args:
        further: as ``read_further`` gives it.
        judged: split by question, normalised.
    """
    keys = [normalise(text) for text in further["question"].to_pylist()]
    rows = zip(keys, further["split"].to_pylist(), by_hash(keys), strict=True)
    return [
        max((split for split in (own, judged.get(key)) if split), key=SPLITS.index, default=hashed)
        for key, own, hashed in rows
    ]


def _paired(read: pa.Table) -> pa.Table:
    texts = [as_text(read[name]) for name in TEXTS if name in read.column_names]
    columns = {"question": read["question"], "answer": pc.coalesce(*texts), ROW: read[ROW]}
    if "split" in read.column_names:
        columns["split"] = read["split"]
    return pa.table(columns)
