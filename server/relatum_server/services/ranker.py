"""The ranker of an artifact: what it asks for, checked, and what must be counted for it."""

from collections.abc import Mapping

from relatum_server.artifact import RankerSource, RankerSpec
from relatum_server.errors import ArtifactError
from relatum_server.index.counters import OptionalCounts
from relatum_server.index.transitions import TransitionDecay

POOL = 200
HALF_LIVES = 6  # a basket older than so many half-lives is left out: it would weigh 1/64
DEFAULT = RankerSpec(
    version=1,
    repeats=True,
    sources=(
        RankerSource("frequency", 1.0, 1.0, 5000, {}),
        RankerSource("recent_popularity", 3.0, 3.0, POOL, {}),
        RankerSource("copurchase", 0.3, 0.3, POOL, {}),
        RankerSource("users", 0.05, 0.05, POOL, {}),
        RankerSource("text", 0.02, 0.02, POOL, {}),
    ),
)
"""Without a ranker in the artifact.

**Source**: the first two, with these weights, are the strongest simple baseline on the grocery sets
of docs/benchmarks.md.
"""
_HISTORY = frozenset(("history_step",))
_REQUIRED: Mapping[str, frozenset[str]] = {
    "transitions": frozenset(
        ("window", "step", "backwards", "row_power", "popularity_power", "history_step")
    ),
    "recent_copurchase": frozenset(("half_life_days", "basket_step")),
    "diffused": _HISTORY,
    "complement": _HISTORY,
}


def check_ranker(spec: RankerSpec) -> None:
    """Refuse a ranker whose sources cannot be asked as it says.

    Raises:
        ArtifactError: a setting is missing or out of its range.
    """
    for source in spec.sources:
        absent = _REQUIRED.get(source.name, frozenset()) - source.settings.keys()
        if absent:
            raise ArtifactError(
                f"ranker.json: the source {source.name} lacks {', '.join(sorted(absent))}; train "
                "the ranker again and export again"
            )
        for name, value in source.settings.items():
            if name in {"step", "history_step", "basket_step"} and not 0 < value <= 1:
                raise ArtifactError(
                    f"ranker.json: {source.name}.{name} is {value:g}, not above 0 and at most 1; "
                    "train the ranker again and export again"
                )
            if name in {"window", "half_life_days"} and not 0 < value <= 1000:  # noqa: PLR2004
                raise ArtifactError(
                    f"ranker.json: {source.name}.{name} is {value:g}, not above 0 and at most "
                    "1000; train the ranker again and export again"
                )


def optional_counts(spec: RankerSpec | None) -> OptionalCounts:
    """What the sources of a ranker read that is not counted for everybody.

    Raises:
        ArtifactError: see `check_ranker`.
    """
    if spec is None:
        return OptionalCounts()
    check_ranker(spec)
    settings = {source.name: source.settings for source in spec.sources}
    decay, days = None, 0.0
    if "transitions" in settings:
        own = settings["transitions"]
        decay = TransitionDecay(max(int(own["window"]), 1), own["step"], own["backwards"])
    if "recent_copurchase" in settings:
        days = HALF_LIVES * settings["recent_copurchase"]["half_life_days"]
    return OptionalCounts(decay, days)
