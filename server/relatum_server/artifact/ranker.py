"""How the sources of candidates of `Recommend` are weighed: `ranker.json`.

    {"version": 1, "repeats": true,
     "sources": [{"name": "transitions", "weight": 1.3, "new_weight": 0.4, "power": 0.5,
                  "candidates": 200,
                  "settings": {"window": 10, "step": 0.8, "backwards": 0.3, "row_power": 0.5,
                               "popularity_power": 0.25, "history_step": 0.7}}, ...]}

A score is the sum over sources of weight x max(value, 0)^power; a source that says nothing of
a product gives it 0.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relatum_server.errors import ArtifactError

RANKER_VERSION = 1
SOURCES = (
    "users",  # the user encoder's query in its space
    "transitions",  # what follows the events of the history
    "copurchase",  # what goes with them
    "recent_copurchase",  # what is in the recent baskets that are near the shopper
    "frequency",  # the shopper's own baskets with the product, newest heaviest
    "lasting_frequency",  # the same, all alike
    "recent_popularity",  # share of the last seven days' baskets
    "popularity",  # purchases of all time, over the most frequent product's
    "text",  # cosine with the history's mean vector
    "diffused",  # the same in the space of text diffused over the graph
    "complement",  # complement_out of the history against complement_in
)


@dataclass(frozen=True, slots=True)
class RankerSource:
    """One source of candidates.

    Attributes:
        name: one of `SOURCES`.
        weight: of its value, raised to `power`; what is below 0 counts as 0.
        new_weight: the same of a product that the shopper has not bought.
        candidates: how many products it proposes at most; 0: it only scores those of others.
        settings: its decays and powers by name.
    """

    name: str
    weight: float
    new_weight: float
    candidates: int
    settings: Mapping[str, float]
    power: float = 1.0


@dataclass(frozen=True, slots=True)
class RankerSpec:
    """The additive ranker; `repeats`: whether what the shopper has stays in the answers."""

    version: int
    repeats: bool
    sources: tuple[RankerSource, ...]


def read_ranker(path: Path) -> RankerSpec:
    """Read and check `ranker.json`.

    Raises:
        ArtifactError: Not JSON, of an unknown version, with unknown sources, or with a number that
            is none.
    """
    try:
        content = json.loads(path.read_bytes())
        version = content["version"]
        if version != RANKER_VERSION:
            raise ArtifactError(
                f"{path}: version {version}, and this server reads {RANKER_VERSION}; export again "
                "with the server's version of relatum"
            )
        sources = tuple(_source(source) for source in content["sources"])
        ranker = RankerSpec(version, _boolean(content["repeats"]), sources)
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"{path}: not a ranker ({error!r}); export the artifact again"
        ) from error
    names = [source.name for source in ranker.sources]
    if not names or len(set(names)) != len(names):
        raise ArtifactError(
            f"{path}: needs at least one source, each once, has {names}; export the artifact again"
        )
    return ranker


def _source(content: dict[str, Any]) -> RankerSource:
    if content["name"] not in SOURCES:
        raise ValueError(f"unknown source {content['name']!r}")
    if type(content["candidates"]) is not int or content["candidates"] < 0:
        raise ValueError(f"candidates {content['candidates']!r}")
    power = _number(content["power"])
    if power <= 0:
        raise ValueError(f"power {power:g} is not above 0")
    return RankerSource(
        name=content["name"],
        weight=_number(content["weight"]),
        new_weight=_number(content["new_weight"]),
        candidates=content["candidates"],
        settings={str(name): _number(x) for name, x in content["settings"].items()},
        power=power,
    )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"repeats {value!r} is neither true nor false")
    return value
