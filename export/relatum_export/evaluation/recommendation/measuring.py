"""Rows of an artifact's ranker: as exported, by PyTorch, and fitted again on train and valid."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.protocols.base import Kind, Task
from relatum_export.evaluation.recommendation.scoring import Known, ServedRanker
from relatum_export.evaluation.recommendation.served import PairCounts, ServedArtifact
from relatum_export.evaluation.recommendation.user_encoder import ServedUsers
from relatum_export.evaluation.rows import OWN, REFITTED, Outcome
from relatum_export.evaluation.systems import TORCH, BehaviourSpace, EncoderSystem
from relatum_export.evaluation.transitions import TransitionSettings
from relatum_export.training.ranker.pairs import (
    association_weights,
    purchase_counts,
    transition_counts,
)
from relatum_export.training.ranker.requests import JudgedRequests
from relatum_export.training.ranker.settings import RankerSettings
from relatum_export.training.ranker.user_source import UserEncoderSource
from relatum_export.training.users.export import export_users
from relatum_export.training.users.run import TrainedUsers

REFIT = OWN + REFITTED
BOTH = "train+valid"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """An artifact's ranker with the runs that it can be compared with.

    Attributes:
        artifact: with a ranker.
        users: the run that its user encoder was exported from, if given.
        refit: that run fitted again on train and valid, if given.
    """

    artifact: ServedArtifact
    users: TrainedUsers | None
    refit: TrainedUsers | None

    @classmethod
    def open(
        cls, artifact: Path, users: Path | None, refit: Path | None
    ) -> "Recommendation | None":
        """None where the artifact has no ranker.

        Raises:
            InputError: a run is not what the artifact was made of, or there is nothing to compare
                it with.
        """
        served = ServedArtifact.read(artifact)
        if served is None or served.users is None:
            for flag, given in (("--users", users), ("--refit-users", refit)):
                if given is not None:
                    raise InputError(
                        f"{flag} {given} has nothing to be compared with: the artifact {artifact} "
                        "recommends by no user encoder; leave it out"
                    )
        if served is None:
            return None
        run = None if users is None else _same(TrainedUsers.open(users), users, served)
        again = None if refit is None else _refit(TrainedUsers.open(refit), refit, run, served)
        return cls(served, run, again)

    def outcomes(self, task: Task, kind: Kind) -> list[Outcome]:
        """The protocol's figures of every system of the artifact's ranker.

        Args:
            task: the corpus, and the text systems among which the artifact's own stand.
            kind: of protocol.
        """
        judged = _judged(task.corpus, kind)
        texts = {s.name: s for s in task.text if isinstance(s, EncoderSystem)}
        splits = [split for split in task.splits if judged.requests[split]]
        served = _text(task, judged, texts[OWN])
        found = self._rows(judged, splits, OWN, self._known(judged, served), "train")
        torch = self._torch(judged, task, texts.get(TORCH))
        if torch is not None:
            found += self._rows(judged, splits, TORCH, torch, "train")
        if "test" in splits:
            found += self._refitted(task, judged, served)
        return found

    def _rows(
        self, judged: JudgedRequests, splits: Sequence[str], system: str, known: Known, fit: str
    ) -> list[Outcome]:
        ranker = ServedRanker.of(self.artifact.ranker, known)
        return [
            outcome
            for split in splits
            for outcome in judged.outcomes(split, system, ranker.scores, fit)
        ]

    def _known(self, judged: JudgedRequests, text: NDArray[np.float32]) -> Known:
        """As the artifact's files have it."""
        users = self.artifact.users
        return Known(
            len(judged.items),
            self.artifact.counts(judged.items),
            text,
            None if users is None else users.source(judged.items, text),
            judged.log,
            lambda name: self.artifact.space(name, judged.items),
        )

    def _torch(
        self, judged: JudgedRequests, task: Task, system: EncoderSystem | None
    ) -> Known | None:
        """The same with PyTorch's vectors and user encoder; None where a run is missing."""
        if system is None or (self.artifact.weighs("users") and self.users is None):
            return None
        text = _text(task, judged, system)
        users = None if self.users is None else UserEncoderSource.of(self.users, judged.items)
        return replace(self._known(judged, text), users=users)

    def _refitted(
        self, task: Task, judged: JudgedRequests, text: NDArray[np.float32]
    ) -> list[Outcome]:
        """On test, the same weights over what was counted and learned on train and valid."""
        if self.artifact.weighs("users") and self.refit is None:
            task.notes.append(
                f"{REFIT}: left out, the ranker weighs the user encoder; give its run of "
                "`train users --refit` as --refit-users"
            )
            return []
        with _exported(self.refit) as users:
            known = replace(
                self._known(judged, text),
                counts=self._counted(task.corpus, judged),
                users=None if users is None else users.source(judged.items, text),
            )
            return self._rows(judged, ["test"], REFIT, known, BOTH)

    def _counted(self, corpus: Corpus, judged: JudgedRequests) -> PairCounts:
        settings = {s.name: s.settings for s in self.artifact.ranker.sources}
        counts = self.artifact.counts(judged.items)
        how = settings.get("transitions")
        pairs = counts.transitions
        if how is not None:
            decay = TransitionSettings(int(how["window"]), how["step"], how["backwards"])
            histories = judged.histories[BOTH]
            pairs = transition_counts(
                histories, len(judged.items), decay, RankerSettings().transitions_per_item
            )
        return PairCounts(
            purchase_counts(corpus, BOTH, judged.items),
            pairs,
            association_weights(corpus, BOTH, judged.items),
        )


@contextmanager
def _exported(run: TrainedUsers | None) -> Iterator[ServedUsers | None]:
    """A run as an artifact would have it."""
    if run is None:
        yield None
        return
    with TemporaryDirectory() as folder:
        exported = export_users(run, Path(folder))
        vectors = run.vectors[run.bought].astype(np.float16).astype(np.float32)
        ids = tuple(i for i, kept in zip(run.items, run.bought, strict=True) if kept)
        yield ServedUsers.read(
            Path(folder),
            BehaviourSpace(ids, vectors),
            max_history=exported.max_history,
            repeats=run.config["settings"]["repeats"] == "on",
        )


def _judged(corpus: Corpus, kind: Kind) -> JudgedRequests:
    if kind == "next item":
        return JudgedRequests.of_items(corpus)
    return JudgedRequests.of_baskets(corpus)


def _text(task: Task, judged: JudgedRequests, system: EncoderSystem) -> NDArray[np.float32]:
    """Text vectors of the cases' catalogue, float32 [items, d]; zeros where one has no text."""
    (form,) = system.forms
    catalogue = task.products()
    text = dict(zip(catalogue.ids, catalogue.texts(form), strict=True))
    return system.encoder.encode([text.get(i, "") for i in judged.items], kind="document")


def _same(run: TrainedUsers, path: Path, served: ServedArtifact) -> TrainedUsers:
    """The run, if the artifact's space is its own."""
    space = served.users.space if served.users is not None else None
    ids = tuple(i for i, kept in zip(run.items, run.bought, strict=True) if kept)
    if space is None or space.item_ids != ids or not _equal(space, run):
        raise InputError(
            f"--users {path} is not the run that the artifact {served.path} was exported from"
        )
    return run


def _equal(space: BehaviourSpace, run: TrainedUsers) -> bool:
    half = run.vectors[run.bought].astype(np.float16)
    return np.array_equal(space.vectors, half.astype(np.float32))


def _refit(
    run: TrainedUsers, path: Path, chosen: TrainedUsers | None, served: ServedArtifact
) -> TrainedUsers:
    """The run, if it is a refit on the artifact's encoder."""
    if run.config["fit"] != BOTH:
        raise InputError(
            f"--refit-users {path} was fitted on {run.config['fit']}; give a run of `train users "
            "--refit`"
        )
    run.check_encoder(served.manifest.encoder.encoder_id)
    if chosen is not None and run.config.get("refit_of") != chosen.identity():
        raise InputError(f"--refit-users {path} is no refit of --users; make it again from that")
    return run
