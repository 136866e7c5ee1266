"""Tuning each baseline on valid, measuring it, and keeping the result between runs."""

import hashlib
import importlib.metadata
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from relatum_export.atomic_file import write_text
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation import metrics, transitions
from relatum_export.evaluation.baselines import (
    base,
    baskets,
    ease,
    lightgcn,
    neighbours,
    sasrec,
    stopping,
)
from relatum_export.evaluation.baselines.base import Baseline, Known, Settings
from relatum_export.evaluation.evidence import Evidence, Given
from relatum_export.evaluation.protocols import baskets as basket_cases
from relatum_export.evaluation.protocols import events, next_basket, next_item
from relatum_export.evaluation.rows import Outcome
from relatum_export.training.ranker import profile, requests, sources
from relatum_export.training.ranker.requests import JudgedRequests
from relatum_export.training.users import histories

BASELINES: tuple[Baseline, ...] = (
    neighbours.ITEM_KNN,
    neighbours.ITEM_KNN_RECENCY,
    neighbours.ALS,
    ease.EASE,
    ease.EASE_RECENCY,
    sasrec.SASREC,
    lightgcn.LIGHTGCN,
    baskets.OWN_RECENCY,
    baskets.TIFU_KNN,
)
TUNING_CASES = 2_000  # of valid at most, by a fixed draw
FIRST = "NDCG@10"
SUFFIXES = {"train": "", "train+valid": "+valid"}
# All code that a figure depends on: a change of any of it makes the kept figures void.
_CODE = (
    *(base, baskets, ease, neighbours, sasrec, lightgcn, stopping),
    *(basket_cases, events, next_basket, next_item, metrics, transitions),
    *(profile, requests, sources, histories),
)
_PACKAGES = ("implicit", "numpy", "scipy", "torch")


def baseline_outcomes(
    corpus: Corpus, splits: Sequence[str], cache: Path | None, reporter: Reporter
) -> list[Outcome]:
    """Every baseline that the corpus allows, tuned on valid with one budget.

    On test each is given twice: fitted on train, and with the same settings on train and valid
    (``NAME+valid``).

    Args:
        corpus: with cases of next item or next basket.
        splits: which to report.
        cache: folder of kept figures, keyed by config, data and code; None keeps none.
        reporter: for progress.

    Raises:
        InputError: the corpus has no such cases.
    """
    judged: JudgedRequests | None = None
    outcomes: list[Outcome] = []
    with reporter.progress(f"{corpus.name}: baselines", len(BASELINES)) as advance:
        for baseline in BASELINES:
            file = None if cache is None else cache / f"{corpus.name}-{baseline.name}.json"
            key = cache_key(baseline, corpus)
            kept = _read(file, key)
            if kept is None:
                judged = JudgedRequests.read(corpus) if judged is None else judged
                kept = measured(baseline, judged) if baseline.applies(judged) else []
                if file is not None:
                    _write(file, key, kept)
            outcomes += [outcome for outcome in kept if outcome.split in splits]
            advance(1)
    return outcomes


def measured(baseline: Baseline, judged: JudgedRequests) -> list[Outcome]:
    """One baseline on valid and test, with the settings that valid chose."""
    known = Known(judged, "train")
    chosen = tuned(baseline, known)
    outcomes = []
    for fit, suffix in SUFFIXES.items():
        scores = baseline.fit(replace(known, fit=fit), chosen)
        for split in ("valid", "test") if fit == "train" else ("test",):
            if judged.requests[split]:
                outcomes += judged.outcomes(split, baseline.name + suffix, scores, fit)
    return outcomes


def tuned(baseline: Baseline, known: Known) -> Settings:
    """The settings, fitted on train, with the best NDCG@10 on valid; the first of equals."""
    if len(baseline.tried) == 1:
        return baseline.tried[0]
    drawn = _drawn(known.judged)
    figures = []
    for settings in baseline.tried:
        scores = baseline.fit(known, settings)
        outcomes = drawn.outcomes("valid", baseline.name, scores, "train")
        figures.append(next(o.value for o in outcomes if o.measure == FIRST))
    return baseline.tried[int(np.argmax(figures))]


def cache_key(baseline: Baseline, corpus: Corpus) -> str:
    """Hash over the settings tried, the data, the code and the libraries."""
    parts = [
        json.dumps([baseline.name, list(baseline.tried)], sort_keys=True, default=str),
        corpus.fingerprint,
        *(Path(str(module.__file__)).read_text(encoding="utf-8") for module in _CODE),
        *(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES),
    ]
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def _drawn(judged: JudgedRequests) -> JudgedRequests:
    """At most ``TUNING_CASES`` of valid, and nothing of test."""
    count = min(TUNING_CASES, len(judged.requests["valid"]))
    chosen = np.random.default_rng(0).choice(len(judged.requests["valid"]), count, replace=False)
    return judged.of_valid(np.sort(chosen).tolist())


def _read(file: Path | None, key: str) -> list[Outcome] | None:
    if file is None or not file.is_file():
        return None
    content = json.loads(file.read_text(encoding="utf-8"))
    if content["key"] != key:
        return None
    return [
        Outcome(
            o["split"],
            o["system"],
            o["measure"],
            tuple(o["units"]),
            np.array(o["numerator"], np.float64),
            np.array(o["denominator"], np.float64),
            evidence=_evidence(o.get("given")),
        )
        for o in content["outcomes"]
    ]


def _lists(outcome: Outcome) -> list[list[int]] | None:
    given = None if outcome.evidence is None else outcome.evidence.given
    return None if given is None else given.ranked.tolist()


def _evidence(lists: list[list[int]] | None) -> Evidence | None:
    """Positions alone: the protocol knows the catalogue."""
    return None if lists is None else Evidence(given=Given((), np.array(lists, np.int64)))


def _write(file: Path, key: str, outcomes: Sequence[Outcome]) -> None:
    content = {
        "key": key,
        "outcomes": [
            {
                "split": o.split,
                "system": o.system,
                "measure": o.measure,
                "units": list(o.units),
                "numerator": o.numerator.tolist(),
                "denominator": o.denominator.tolist(),
                "given": _lists(o),
            }
            for o in outcomes
        ],
    }
    write_text(file, json.dumps(content))
