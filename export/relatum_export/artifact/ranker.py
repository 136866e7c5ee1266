"""The ranker's part of an artifact, and the format of the files that `train ranker` writes.

A run of `train ranker` holds `config.json` (with ``encoder_id``), `metrics.json`, and in `model/`:

- `ranker.json`, as ``RankerFile`` states: a shopper's score of a product is the sum over sources of
  weight x normalised value, 0 where a source says nothing of it.
- `transitions.parquet`, where a source is `transitions`: item_id_a, item_id_b (string), weight
  (float32), by a, then falling weight, then b. The weight is the decayed count of the ordered
  pair, divided by nothing: the server adds the pairs that come, then divides by the root of the
  row's sum and a power of b's popularity, as the source's settings say.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from relatum.artifact.v1 import manifest_pb2
from relatum_export.errors import InputError
from relatum_export.training.run import CONFIG, METRICS, MODEL

RANKER = "ranker.json"
TRANSITIONS = "transitions.parquet"
VERSION = 1
SCHEMA = pa.schema(
    [("item_id_a", pa.string()), ("item_id_b", pa.string()), ("weight", pa.float32())]
)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class RankerSource(_Part):
    """One source of candidates."""

    name: Literal["users", "transitions", "copurchase", "own_frequency", "popularity", "text"]
    """Which."""
    weight: float = Field(allow_inf_nan=False)
    """Of its normalised value."""
    normalisation: Literal["none", "max", "zscore"]
    """none: the value; max: divided by the shopper's largest; zscore: less the mean, divided by the
    standard deviation, both over the shopper's candidates."""
    candidates: int = Field(ge=0)
    """Products that it proposes at most; 0: it only scores what others propose."""
    settings: dict[str, float] = Field(default_factory=dict)
    """Decays and powers by name, such as step, history_step, basket_step, days."""


class RankerFile(_Part):
    """The contents of `ranker.json`."""

    version: Literal[1] = 1
    """Of this format."""
    repeats: bool
    """Whether what the shopper has stays in the answers."""
    sources: tuple[RankerSource, ...] = Field(min_length=1)
    """Each once."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise ValueError(f"a source occurs twice among {', '.join(names)}")
        return self


@dataclass(frozen=True, slots=True)
class RankerRun:
    """A finished run of `train ranker`.

    Attributes:
        path: the run's folder.
        config: `config.json`.
        metrics: `metrics.json`.
        ranker: `model/ranker.json`.
    """

    path: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    ranker: RankerFile

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a finished run.

        Raises:
            InputError: it is something else, unfinished or damaged.
        """
        file = path / MODEL / RANKER
        if not file.is_file():
            raise InputError(
                f"{path} holds no ranker; give a folder that `relatum-export train ranker` finished"
            )
        try:
            config, metrics = (
                json.loads((path / name).read_text(encoding="utf-8")) for name in (CONFIG, METRICS)
            )
            ranker = RankerFile.model_validate_json(file.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(f"{file}: {where}: {first['msg']}; train the ranker again") from error
        except (OSError, ValueError) as error:
            raise InputError(f"the run {path} is damaged ({error}); train it again") from error
        return cls(path, config, metrics, ranker)


def add_ranker(run: RankerRun, folder: Path, manifest: manifest_pb2.Manifest) -> dict[str, Any]:
    """Copy the ranker's files into ``folder`` and name them in ``manifest``.

    Args:
        run: see ``RankerRun``.
        folder: of the artifact.
        manifest: holds the other parts already; gets the ranker and the transitions.

    Returns:
        How much was taken.

    Raises:
        InputError: a source's part is not in the artifact, or the transitions are damaged.
    """
    names = [source.name for source in run.ranker.sources]
    there = {
        "users": (manifest.HasField("user_encoder"), "give --users"),
        "copurchase": (bool(manifest.copurchase_file), "the corpus has no purchases"),
        "popularity": (bool(manifest.popularity_file), "the corpus has no purchases"),
    }
    for name, (present, remedy) in there.items():
        if name in names and not present:
            raise InputError(
                f"the ranker {run.path} weighs {name}, which the artifact would lack: {remedy}, or "
                "train the ranker without it"
            )
    taken: dict[str, Any] = {"sources": names}
    if "transitions" in names:
        taken["transitions"] = _copy_transitions(run.path / MODEL / TRANSITIONS, folder)
        manifest.transitions_file = TRANSITIONS
    shutil.copyfile(run.path / MODEL / RANKER, folder / RANKER)
    manifest.ranker.CopyFrom(manifest_pb2.Ranker(file=RANKER, version=VERSION, sources=names))
    return taken


def _copy_transitions(file: Path, folder: Path) -> int:
    """Copy the table; how many pairs it has."""
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        cause = str(error).strip().splitlines()[0]
        raise InputError(
            f"{file} is damaged or missing ({cause}); train the ranker again"
        ) from error
    weights = table.column("weight") if table.schema.equals(SCHEMA) else None
    if (
        weights is None
        or not pc.all(pc.and_(pc.is_finite(weights), pc.greater(weights, 0))).as_py()
    ):
        raise InputError(
            f"{file} must have the columns item_id_a, item_id_b and weight, each weight a number "
            "above 0; train the ranker again"
        )
    shutil.copyfile(file, folder / TRANSITIONS)
    return len(table)
