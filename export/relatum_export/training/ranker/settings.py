"""What `train ranker` may be told; every default was chosen on valid."""

from typing import Literal, Self

from pydantic import Field, model_validator

from relatum_export.settings_file import StepSettings

SourceName = Literal[
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


class RankerSettings(StepSettings):
    """Which sources of candidates there are, what is tried of each, and how weights are fitted."""

    leave_out: tuple[SourceName, ...] = ()
    """Sources that are not used, though the corpus and the options would give them."""
    frequency_steps: tuple[float, ...] = Field(default=(0.8, 0.9, 0.95), min_length=1)
    """Weights tried of each further basket back in the shopper's own frequency."""
    transition_windows: tuple[int, ...] = Field(default=(10, 3), min_length=1)
    """Tried: pairs of one history at most so many events apart are counted."""
    transition_steps: tuple[float, ...] = Field(default=(0.8, 0.6), min_length=1)
    """Tried with them: weight of each further event between the two."""
    transitions_per_item: int = Field(default=512, ge=1)
    """Heaviest successors kept of each item."""
    history_steps: tuple[float, ...] = Field(default=(0.7, 0.9), min_length=1)
    """Weights tried of each further basket (without baskets: event) back in a history."""
    half_lives_days: tuple[float, ...] = Field(default=(3.0, 7.0, 14.0), min_length=1)
    """Half-lives tried of a basket in recent co-purchase."""
    powers: tuple[float, ...] = Field(default=(1.0, 0.5), min_length=1)
    """Powers tried of the sources' scores before they are weighed."""
    pool: int = Field(default=200, ge=10, le=5_000)
    """Best candidates of each source that enter the union."""
    fit_cases: int = Field(default=3_000, ge=1)
    """Cases of valid at most that are fitted on, by a fixed draw."""
    folds: int = Field(default=5, ge=2, le=20)
    """Parts of the valid shoppers; each is judged by weights fitted on the others."""
    penalty: float = Field(default=1e-3, ge=0.0)
    """Of the squared weights, in units of each source's standard deviation."""
    seed: int = Field(default=0, ge=0)
    """Of every draw."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("frequency_steps", "transition_steps", "history_steps"):
            if not all(0.0 < step <= 1.0 for step in getattr(self, name)):
                raise ValueError(f"{name} must lie above 0 and at most at 1")
        if not all(window >= 1 for window in self.transition_windows):
            raise ValueError("transition_windows must be at least 1")
        for name in ("half_lives_days", "powers"):
            if not all(value > 0.0 for value in getattr(self, name)):
                raise ValueError(f"{name} must be above 0")
        return self
