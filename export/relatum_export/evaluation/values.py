"""Each unit's own value beside the rows, so that differences can be resampled over several sets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from relatum_export.atomic_file import replacing
from relatum_export.errors import InputError
from relatum_export.evaluation.rows import Outcome

SCHEMA = pa.schema(
    [
        ("split", pa.dictionary(pa.int32(), pa.string())),
        ("measure", pa.dictionary(pa.int32(), pa.string())),
        ("system", pa.dictionary(pa.int32(), pa.string())),
        ("unit", pa.dictionary(pa.int32(), pa.string())),
        ("value", pa.float64()),
        ("weight", pa.float64()),
    ]
)


def values_file(rows_file: Path) -> Path:
    """Where the values of a file of rows lie: beside it, ``rows.values.parquet``."""
    return rows_file.with_suffix(".values.parquet")


def write_values(file: Path, outcomes: Sequence[Outcome]) -> None:
    """Write value and weight of each unit: a figure is sum(value * weight) / sum(weight).

    Figures of several parts (macro-F1, ECE) are no mean over units and are left out.

    Args:
        file: written anew, by renaming.
        outcomes: of one set.

    Raises:
        InputError: the disk is full, or the place cannot be written.
    """
    with replacing(file) as part, pq.ParquetWriter(part, SCHEMA, compression="zstd") as writer:
        for outcome in outcomes:
            if outcome.combine != "ratio" or outcome.numerator.ndim > 1:
                continue
            weight = outcome.denominator
            value = np.divide(
                outcome.numerator, weight, out=np.zeros_like(outcome.numerator), where=weight > 0
            )
            count = len(outcome.units)
            columns = [
                *(
                    pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([name]))
                    for name in (outcome.split, outcome.measure, outcome.system)
                ),
                pa.array(outcome.units, pa.string()).dictionary_encode(),
                pa.array(value),
                pa.array(weight),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=SCHEMA))


def read_values(file: Path, split: str, measure: str, systems: Sequence[str]) -> dict[str, Outcome]:
    """The outcomes of some systems on one measure, by system; what is not there is left out.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        table = pq.read_table(
            file,
            filters=(pc.field("split") == split)
            & (pc.field("measure") == measure)
            & pc.field("system").isin(list(systems)),
        )
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{file} cannot be read ({error}); run `evaluate` again") from error
    found = {}
    for system in systems:
        own = table.filter(pc.equal(table["system"].cast(pa.string()), system))
        if own.num_rows:
            weight = own["weight"].to_numpy()
            found[system] = Outcome(
                split,
                system,
                measure,
                tuple(own["unit"].cast(pa.string()).to_pylist()),
                own["value"].to_numpy() * weight,
                weight,
            )
    return found
