"""The ranker's part of an artifact: `ranker.json` in the server's terms, and the transitions.

A shopper's score of a product is the sum over sources of weight x max(value, 0)^power, 0 where a
source says nothing of it. `transitions.parquet` holds item_id_a, item_id_b (string) and
weight (float32), by a, then falling weight, then b: decayed counts of ordered pairs, divided by
nothing. The server adds the pairs that come to it, and divides a pair by its row's sum to
`row_power` and by the purchases of b to `popularity_power`.
"""

import shutil
from collections.abc import Container
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from relatum.artifact.v1 import manifest_pb2
from relatum_export.errors import InputError
from relatum_export.evaluation.transitions import TransitionSettings
from relatum_export.training.ranker.run import RANKER, TRANSITIONS, SourceEntry, TrainedRanker
from relatum_export.training.users.run import TrainedUsers

VERSION = 1
ROW_POWER = 0.5  # by which a pair's row divides it; see ``evaluation.transitions.normalised``
SCHEMA = pa.schema(
    [("item_id_a", pa.string()), ("item_id_b", pa.string()), ("weight", pa.float32())]
)
# Their `step` decays the shopper's own baskets; that of the others decays the history asked with.
_OWN_BASKETS = ("frequency", "lasting_frequency", "recent_copurchase")
FLAGS = {"users": "--users", "diffused": "--graph", "complement": "--graph"}
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class RankerSource(_Part):
    """One source of candidates."""

    name: Literal[
        "users",
        "transitions",
        "copurchase",
        "recent_copurchase",
        "frequency",
        "lasting_frequency",
        "recent_popularity",
        "popularity",
        "text",
        "diffused",
        "complement",
    ]
    """Which; each is defined in ``training.ranker.sources``."""
    weight: Finite
    """Of its value to ``power``, of a product that the shopper has bought."""
    new_weight: Finite
    """The same of a product that is new to the shopper."""
    power: float = Field(1.0, gt=0.0, allow_inf_nan=False)
    """Below 1 flattens what a source is surest of."""
    candidates: int = Field(ge=0)
    """Products that it proposes at most; 0: it only scores what others propose."""
    settings: dict[str, Finite] = Field(default_factory=dict)
    """Decays and powers by name. transitions: window, step, backwards, row_power, popularity_power,
    history_step; frequency: basket_step; recent_copurchase: half_life_days, basket_step;
    copurchase, text, diffused, complement: history_step."""


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

    @classmethod
    def of(cls, trained: TrainedRanker) -> Self:
        """A run's ranker.

        Raises:
            InputError: a source is unknown or twice, or a number is none.
        """
        try:
            sources = [
                {
                    "name": source.name,
                    "weight": source.weight,
                    "new_weight": source.new_weight,
                    "power": source.power,
                    "candidates": trained.pool,
                    "settings": server_settings(source, trained.transitions),
                }
                for source in trained.sources
            ]
            return cls.model_validate({"repeats": trained.repeats, "sources": sources})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(
                f"{trained.path / RANKER} cannot be served ({where}: {first['msg']}); train the "
                "ranker again"
            ) from error


def server_settings(source: SourceEntry, counted: TransitionSettings) -> dict[str, float]:
    """A source's settings by the names that the artifact's format has for them.

    Args:
        source: as in the run.
        counted: how the run's transitions were counted.
    """
    if source.name == "transitions":
        return {
            "window": counted.window,
            "step": counted.step,
            "backwards": counted.backwards,
            "row_power": ROW_POWER,
            "popularity_power": counted.popularity_power,
            "history_step": counted.history_step,
        }
    renamed = "basket_step" if source.name in _OWN_BASKETS else "history_step"
    return {renamed if key == "step" else key: value for key, value in source.settings.items()}


def check_given(trained: TrainedRanker, given: Container[str]) -> None:
    """Refuse a ranker that weighs what was not given, before anything is made.

    Args:
        trained: of a finished run.
        given: flags of the export that name a run or folder.

    Raises:
        InputError: the first source whose flag is absent.
    """
    for source in trained.sources:
        flag = FLAGS.get(source.name)
        if flag is not None and flag not in given:
            raise _lacks(trained, source.name, f"give {flag}")


def check_users(trained: TrainedRanker, users: TrainedUsers | None) -> None:
    """Refuse a user encoder other than the one that the weights were fitted with, or its refit.

    Args:
        trained: of a finished run.
        users: what the artifact gets.

    Raises:
        InputError: another one, and the ranker weighs it.
    """
    if users is None or all(source.name != "users" for source in trained.sources):
        return
    fitted_with = trained.config.get("users_id")
    if fitted_with is None or fitted_with not in (users.identity(), users.config.get("refit_of")):
        raise InputError(
            f"--ranker {trained.path} was fitted with the user encoder {fitted_with or 'unknown'}, "
            f"and --users is {users.identity()}: give the run that it was fitted with (or its "
            "--refit), or train the ranker again with this one"
        )


def add_ranker(
    trained: TrainedRanker, folder: Path, manifest: manifest_pb2.Manifest
) -> dict[str, Any]:
    """Write the ranker's files into ``folder`` and name them in ``manifest``.

    Args:
        trained: of a finished run.
        folder: of the artifact.
        manifest: holds the other parts already; gets the ranker and the transitions.

    Returns:
        How much was taken.

    Raises:
        InputError: a source's part is not in the artifact, or the run is damaged.
    """
    ranker = RankerFile.of(trained)
    names = [source.name for source in ranker.sources]
    spaces = {space.name for space in manifest.spaces}
    there = {
        "users": (manifest.HasField("user_encoder"), "give --users"),
        "copurchase": (bool(manifest.copurchase_file), "the corpus has no purchases"),
        "popularity": (bool(manifest.popularity_file), "the corpus has no purchases"),
        "diffused": ("diffused" in spaces, "the graph has no such space"),
        "complement": ("complement_in" in spaces, "the graph has no such space"),
    }
    for name, (present, remedy) in there.items():
        if name in names and not present:
            raise _lacks(trained, name, remedy)
    taken: dict[str, Any] = {"sources": ", ".join(names)}
    if "transitions" in names:
        taken["transitions"] = _copy_transitions(trained.path / TRANSITIONS, folder)
        manifest.transitions_file = TRANSITIONS
    text = ranker.model_dump_json(indent=2)
    (folder / RANKER).write_text(text + "\n", encoding="utf-8")
    manifest.ranker.CopyFrom(manifest_pb2.Ranker(file=RANKER, version=VERSION, sources=names))
    return taken


def _lacks(trained: TrainedRanker, source: str, remedy: str) -> InputError:
    return InputError(
        f"--ranker {trained.path} weighs {source}, which the artifact would lack: {remedy}, or "
        "train the ranker without it"
    )


def _copy_transitions(file: Path, folder: Path) -> int:
    """Copy the table; how many pairs it has."""
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        cause = str(error).strip().splitlines()[0]
        raise InputError(
            f"{file} is damaged or missing ({cause}); train the ranker again"
        ) from error
    sound = table.schema.equals(SCHEMA) and not any(c.null_count for c in table.columns)
    weights = table.column("weight").to_numpy() if sound else np.full(1, np.nan)
    if not (np.isfinite(weights) & (weights > 0)).all():
        raise InputError(
            f"{file} must have the columns item_id_a, item_id_b and weight, each weight a number "
            "above 0; train the ranker again"
        )
    shutil.copyfile(file, folder / TRANSITIONS)
    return len(table)
