"""What the sources are made of, and the settings that are tried of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.transitions import TransitionSettings, normalised
from relatum_export.graph.folder import Space as GraphSpace
from relatum_export.training.ranker.pairs import (
    association_weights,
    purchase_counts,
    transition_counts,
)
from relatum_export.training.ranker.requests import JudgedRequests
from relatum_export.training.ranker.settings import RankerSettings
from relatum_export.training.ranker.sources import (
    Frequency,
    ItemPairs,
    Popularity,
    RecentCoPurchase,
    RecentPopularity,
    Source,
    Space,
)
from relatum_export.training.ranker.user_source import UserEncoderSource
from relatum_export.training.users.run import TrainedUsers

SourceSettings = Mapping[str, float]
OWN = ("frequency", "lasting_frequency")  # of what the shopper had: nothing where that is removed


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a ranker's sources are made of.

    Attributes:
        corpus: the shop.
        judged: its cases and histories.
        settings: what is tried.
        text: text vectors in the order of the catalogue, float32 [items, d].
        users: a trained user encoder, if given.
        spaces: the graph's spaces by name, if given.
        kept: pair weights that several settings share, by what they were made of.
        counted: purchases of each item, by fit.
    """

    corpus: Corpus
    judged: JudgedRequests
    settings: RankerSettings
    text: NDArray[np.float32]
    users: TrainedUsers | None
    spaces: Mapping[str, GraphSpace]
    kept: dict[tuple[str | float, ...], sparse.csr_matrix] = field(default_factory=dict)
    counted: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def tried(self) -> dict[str, list[SourceSettings]]:
        """The settings to try of each source that this shop and the options allow."""
        s = self.settings
        steps: list[SourceSettings] = [{"step": step} for step in s.history_steps]
        found: dict[str, list[SourceSettings]] = {}
        if self.users is not None:
            found["users"] = [{}]
        found["transitions"] = self.tried_transitions()
        found["copurchase"] = steps
        if self.judged.repeats:
            found["frequency"] = [{"step": step} for step in s.frequency_steps]
            found["lasting_frequency"] = [{"step": 1.0}]
        if self.judged.log is not None:
            found["recent_copurchase"] = [
                {"half_life_days": days, "step": max(s.frequency_steps)}
                for days in s.half_lives_days
            ]
            found["recent_popularity"] = [{}]
        found["popularity"] = [{}]
        found["text"] = steps
        if "diffused" in self.spaces:
            found["diffused"] = steps
        if {"complement_out", "complement_in"} <= self.spaces.keys():
            found["complement"] = steps
        return {name: tried for name, tried in found.items() if name not in s.leave_out}

    def tried_transitions(self) -> list[SourceSettings]:
        """The settings to try of transitions."""
        s = self.settings
        tried = product(s.transition_windows, s.transition_steps, s.history_steps)
        return [
            {"window": float(window), "decay": decay, "step": step} for window, decay, step in tried
        ]

    def source(self, name: str, chosen: SourceSettings, fit: str) -> Source:
        """One source with its settings, fitted on ``fit``."""
        items, log = len(self.judged.items), self.judged.log
        found: Source
        match name:
            case "users" if self.users is not None:
                found = UserEncoderSource.of(self.users, self.judged.items)
            case "transitions":
                found = ItemPairs(self._transition_weights(chosen, fit), chosen["step"])
            case "copurchase":
                found = ItemPairs(self._associations(fit), chosen["step"], mean=True)
            case "frequency" | "lasting_frequency":
                found = Frequency(items, chosen["step"])
            case "recent_copurchase" if log is not None:
                found = RecentCoPurchase(log, chosen["half_life_days"], chosen["step"])
            case "recent_popularity" if log is not None:
                found = RecentPopularity(log)
            case "popularity":
                found = Popularity(self.purchase_counts(fit))
            case "text":
                found = Space(self.text, self.text, chosen["step"])
            case "diffused":
                vectors = self._vectors("diffused")
                found = Space(vectors, vectors, chosen["step"])
            case "complement":
                leading, led = self._vectors("complement_out"), self._vectors("complement_in")
                found = Space(leading, led, chosen["step"])
            case _:
                raise ValueError(f"there is no source {name!r} here")
        return found

    def purchase_counts(self, fit: str) -> NDArray[np.float64]:
        """Purchases of each item by anybody, as the artifact's table has them, float64 [items]."""
        if fit not in self.counted:
            self.counted[fit] = purchase_counts(self.corpus, fit, self.judged.items)
        return self.counted[fit]

    def _transition_weights(self, chosen: SourceSettings, fit: str) -> sparse.csr_matrix:
        key = ("transitions", fit, chosen["window"], chosen["decay"])
        if key not in self.kept:
            settings = transition_settings(chosen)
            counts = transition_counts(
                self.judged.histories[fit],
                len(self.judged.items),
                settings,
                self.settings.transitions_per_item,
            )
            weights = normalised(counts, self.purchase_counts(fit), settings)
            self.kept[key] = weights.astype(np.float32)
        return self.kept[key]

    def _associations(self, fit: str) -> sparse.csr_matrix:
        key = ("copurchase", fit)
        if key not in self.kept:
            self.kept[key] = association_weights(self.corpus, fit, self.judged.items)
        return self.kept[key]

    def _vectors(self, name: str) -> NDArray[np.float32]:
        space = self.spaces[name]
        row_of = {item: row for row, item in enumerate(space.item_ids)}
        rows = np.array([row_of.get(item, -1) for item in self.judged.items], np.int64)
        found: NDArray[np.float32] = space.vectors[rows] * (rows >= 0)[:, None]
        return found


def transition_settings(chosen: SourceSettings) -> TransitionSettings:
    """The settings by which pairs are counted and read."""
    return TransitionSettings(int(chosen["window"]), chosen["decay"], history_step=chosen["step"])


def described(chosen: SourceSettings) -> dict[str, Any]:
    """Settings as they stand in JSON: whole numbers without a point."""
    return {k: int(v) if float(v).is_integer() else v for k, v in chosen.items()}
