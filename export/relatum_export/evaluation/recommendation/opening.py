"""What `evaluate` is given of recommendations: the artifact's ranker, its runs, the baselines."""

from collections.abc import Sequence
from pathlib import Path

from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.protocols.base import Baselines
from relatum_export.evaluation.recommendation.measuring import Recommendation
from relatum_export.evaluation.rows import Outcome


def recommender(
    artifact: Path | None, users: Path | None, refit: Path | None
) -> Recommendation | None:
    """The artifact's ranker with its runs; None where there is no artifact, or none with a ranker.

    Raises:
        InputError: a run is given without an artifact, or does not belong to it.
    """
    if artifact is not None:
        return Recommendation.open(artifact, users, refit)
    for flag, given in (("--users", users), ("--refit-users", refit)):
        if given is not None:
            raise InputError(
                f"{flag} is compared with an artifact; give --artifact, or leave it out"
            )
    return None


def baselines(cache: Path, reporter: Reporter) -> Baselines:
    """Every baseline of shoppers, tuned, its figures kept in a folder."""
    # The libraries of the baselines load in seconds, and most evaluations need none.
    from relatum_export.evaluation.baselines.tuning import baseline_outcomes  # noqa: PLC0415

    def measured(corpus: Corpus, splits: Sequence[str]) -> list[Outcome]:
        return baseline_outcomes(corpus, splits, cache, reporter)

    return measured
