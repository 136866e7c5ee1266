"""The run folder of a ranker: `config.json`, `metrics.json`, `ranker.json`, `transitions.parquet`.

`ranker.json`: ``version``; ``repeats`` (whether what the shopper has stays in the ranking);
``pool`` (best candidates that each source gives); ``sources``, in falling order of what they add:
``name``, ``weight`` (of what the shopper had), ``new_weight`` (of what is new to the shopper),
``power`` and ``settings`` of each; ``transitions`` (how the pairs of
`transitions.parquet` are counted and divided). A product's score is the sum over the sources of
weight x max(score, 0)^power.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from relatum_export.errors import InputError
from relatum_export.evaluation.transitions import TransitionSettings

FORMAT = "relatum-ranker-run"
VERSION = 2
CONFIG = "config.json"
METRICS = "metrics.json"
RANKER = "ranker.json"
TRANSITIONS = "transitions.parquet"


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """One source as `ranker.json` has it; where nothing is repeated both weights are the same."""

    name: str
    weight: float
    power: float
    settings: Mapping[str, float]
    new_weight: float


@dataclass(frozen=True, slots=True)
class TrainedRanker:
    """A finished run.

    Attributes:
        path: the folder.
        config: `config.json`: encoder_id, users_id (of the user encoder that it was
            fitted with, null for none), data_sha256, settings, versions.
        metrics: `metrics.json`.
        repeats: whether what the shopper has stays in the ranking.
        pool: best candidates of each source.
        transitions: how pairs are counted.
        sources: in the file's order.
    """

    path: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    repeats: bool
    pool: int
    transitions: TransitionSettings
    sources: tuple[SourceEntry, ...]

    @classmethod
    def open(cls, folder: Path) -> "TrainedRanker":
        """Read a run that `train ranker` finished.

        Raises:
            InputError: it is something else, or damaged.
        """
        if not is_ranker_run(folder):
            raise InputError(
                f"{folder} is not a run of `train ranker`; make one with `relatum-export train "
                f"ranker --corpus CORPUS --encoder RUN --out {folder}`"
            )
        try:
            config, metrics, ranker = (
                json.loads((folder / name).read_text(encoding="utf-8"))
                for name in (CONFIG, METRICS, RANKER)
            )
            if ranker["version"] != VERSION:
                raise InputError(
                    f"{folder / RANKER} has version {ranker['version']}, this relatum reads "
                    f"{VERSION}; train it again"
                )
            sources = tuple(
                SourceEntry(
                    s["name"],
                    float(s["weight"]),
                    float(s["power"]),
                    s["settings"],
                    float(s["new_weight"]),
                )
                for s in ranker["sources"]
            )
            repeats, pool = bool(ranker["repeats"]), int(ranker["pool"])
            transitions = TransitionSettings(**ranker["transitions"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"the run {folder} is damaged ({error!r}); train it again") from error
        return cls(folder, config, metrics, repeats, pool, transitions, sources)


def is_ranker_run(folder: Path) -> bool:
    """Whether `train ranker` wrote this folder."""
    file = folder / CONFIG
    if not file.is_file():
        return False
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(config, dict) and config.get("format") == FORMAT


def check_out(out: Path, *, force: bool) -> None:
    """Refuse a target that would be lost by writing to it.

    Raises:
        InputError: ``out`` holds something other than a ranker, or a ranker and not ``force``.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not is_ranker_run(out):
        raise InputError(f"{out} is not empty and is not a ranker; give another --out")
    if not force:
        raise InputError(f"{out} is a ranker already; give another --out, or --force to replace it")


def write_ranker(
    folder: Path,
    *,
    repeats: bool,
    pool: int,
    sources: tuple[SourceEntry, ...],
    transitions: TransitionSettings,
    pairs: pa.Table,
) -> list[str]:
    """Write what an artifact takes over: `ranker.json` and `transitions.parquet`.

    Args:
        folder: where to.
        repeats: whether what the shopper has stays in the ranking.
        pool: best candidates of each source.
        sources: those with a weight.
        transitions: how ``pairs`` were counted.
        pairs: item_id_a, item_id_b (string), weight (float32): decayed counts of ordered pairs.

    Returns:
        The names written.
    """
    entries = [
        {
            "name": s.name,
            "weight": s.weight,
            "new_weight": s.new_weight,
            "power": s.power,
            "settings": dict(s.settings),
        }
        for s in sources
    ]
    content = {
        "version": VERSION,
        "repeats": repeats,
        "pool": pool,
        "sources": entries,
        "transitions": asdict(transitions),
    }
    write_json(content, folder / RANKER)
    pq.write_table(pairs, folder / TRANSITIONS, compression="zstd")
    return [RANKER, TRANSITIONS]


def write_json(content: Mapping[str, Any], file: Path) -> None:
    """Write one description."""
    file.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
