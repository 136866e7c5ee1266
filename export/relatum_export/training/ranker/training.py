"""From a corpus and its encoders to a finished run of `train ranker`."""

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from relatum_export.artifact.folder import appearing
from relatum_export.console import Reporter
from relatum_export.errors import InputError
from relatum_export.evaluation.intervals import percentile_interval, resampled_ratios
from relatum_export.evaluation.protocols.baskets import NextBasket
from relatum_export.evaluation.protocols.next_basket import systems
from relatum_export.training.ranker.candidates import CandidateSet
from relatum_export.training.ranker.choice import (
    ChosenSource,
    Drawn,
    choose_sources,
    collect_all,
    fit_weights,
)
from relatum_export.training.ranker.fitting import Problem, Weights
from relatum_export.training.ranker.inputs import Inputs, described, transition_settings
from relatum_export.training.ranker.model import AdditiveRanker, WeightedSource
from relatum_export.training.ranker.pairs import transition_counts, transition_table
from relatum_export.training.ranker.run import (
    CONFIG,
    FORMAT,
    METRICS,
    SourceEntry,
    TrainedRanker,
    write_json,
    write_ranker,
)
from relatum_export.training.users.item_text import ItemText

_PACKAGES = ("numpy", "scipy", "torch")
MIX = "own-frequency-mix"


def train_ranker(inputs: Inputs, text: ItemText, out: Path, reporter: Reporter) -> dict[str, Any]:
    """Choose the sources' settings, fit their weights on valid, and write the run folder.

    Args:
        inputs: what the sources are made of.
        text: the text vectors' encoder.
        out: a folder that ``check_out`` has passed; appears whole or not at all.
        reporter: for progress.

    Returns:
        The contents of the run's `metrics.json`.

    Raises:
        InputError: no source is left, or none has anything to say of what shoppers took in valid.
    """
    if not inputs.tried():
        raise InputError("leave_out leaves no source; leave fewer out")
    judged, drawn = inputs.judged, Drawn.of(inputs)
    if not any(map(len, judged.histories["train"])):
        raise InputError(f"corpus {inputs.corpus.path} has no purchase of a shopper in train")
    sources = choose_sources(inputs, drawn, reporter)
    candidates = collect_all(inputs, drawn, sources)
    if not candidates.hits.any():
        raise InputError(
            f"corpus {inputs.corpus.path}: none of the {len(drawn.cases):,} valid cases has what "
            "the shopper took next among the candidates of any source; there is nothing to fit "
            "weights on"
        )
    problem = Problem(candidates, penalty=inputs.settings.penalty)
    fitted = fit_weights(problem, inputs, reporter)
    shares = _shares(problem, fitted.weights)
    entries = _entries(sources, fitted.weights, shares)
    metrics = {
        "name": inputs.corpus.name,
        "cases": len(judged.requests["valid"]),
        "cases_fitted": len(drawn.cases),
        "candidates_a_case": len(candidates.items) / len(drawn.cases),
        "recall_of_candidates": _recall(candidates),
        "sources": {
            name: _source_metrics(chosen, problem, place, fitted.weights, shares)
            for place, (name, chosen) in enumerate(sources.items())
        },
        "valid_held_out": _held_out(inputs, drawn, problem, fitted.held_out),
    }
    with appearing(out, force=True) as folder:
        _write(folder, inputs, text, entries=entries, sources=sources, metrics=metrics)
    return metrics


def load_ranker(run: TrainedRanker, inputs: Inputs, fit: str) -> AdditiveRanker:
    """The ranker of a run with its sources fitted on ``fit``; its weights stay.

    Args:
        run: a finished one.
        inputs: of the same shop; the user encoder fitted on ``fit`` too.
        fit: train or train+valid.

    Raises:
        InputError: the run is of another corpus, or needs what ``inputs`` lack.
    """
    if run.config["data_sha256"] != inputs.corpus.fingerprint:
        raise InputError(
            f"the ranker {run.path} was trained on {', '.join(run.config['corpora'])} as it was "
            f"then, not on {inputs.corpus.path}; train it again"
        )
    lacking = [entry.name for entry in run.sources if entry.name not in inputs.tried()]
    if lacking:
        raise InputError(
            f"the ranker {run.path} needs {', '.join(lacking)}; give what it was trained with "
            "(--users, --graph)"
        )
    return AdditiveRanker(
        {
            entry.name: WeightedSource(
                inputs.source(entry.name, entry.settings, fit),
                entry.weight,
                entry.power,
                entry.new_weight,
            )
            for entry in run.sources
        }
    )


def _write(
    folder: Path,
    inputs: Inputs,
    text: ItemText,
    *,
    entries: tuple[SourceEntry, ...],
    sources: Mapping[str, ChosenSource],
    metrics: Mapping[str, Any],
) -> None:
    chosen = sources.get("transitions")
    settings = inputs.tried_transitions()[0] if chosen is None else chosen.settings
    transitions = transition_settings(settings)
    counts = transition_counts(
        inputs.judged.histories["train"],
        len(inputs.judged.items),
        transitions,
        inputs.settings.transitions_per_item,
    )
    write_ranker(
        folder,
        repeats=inputs.judged.repeats,
        pool=inputs.settings.pool,
        sources=entries,
        transitions=transitions,
        pairs=transition_table(counts, inputs.judged.items),
    )
    with SummaryWriter(str(folder / "tensorboard")) as board:
        for name, found in metrics["sources"].items():
            board.add_scalar(f"alone/{name}", found["alone"], 0)
            board.add_scalar(f"share/{name}", found["share"], 0)
        for measure, found in metrics["valid_held_out"].items():
            board.add_scalar(f"valid/{measure}", found["value"], 0)
    write_json(metrics, folder / METRICS)
    config = {
        "format": FORMAT,
        "encoder": text.encoder,
        "encoder_id": text.encoder_id,
        "text_form": dict(text.text_form),
        "users_id": None if inputs.users is None else inputs.users.identity(),
        "spaces": sorted(inputs.spaces),
        "settings": inputs.settings.model_dump(mode="json"),
        "corpora": [inputs.corpus.name],
        "data_sha256": inputs.corpus.fingerprint,
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }
    write_json(config, folder / CONFIG)


def _shares(problem: Problem, weights: Weights) -> NDArray[np.float64]:
    """How much of the scores' spread each source makes, by standard deviations."""
    spread = np.array(
        [float(problem.contributions(weights, i).std()) for i in range(len(weights.powers))]
    )
    return np.asarray(spread / max(spread.sum(), 1e-12))


def _entries(
    sources: Mapping[str, ChosenSource], weights: Weights, shares: NDArray[np.float64]
) -> tuple[SourceEntry, ...]:
    entries = [
        SourceEntry(name, float(weight), power, described(chosen.settings), float(new))
        for (name, chosen), weight, power, new in zip(
            sources.items(), weights.values, weights.powers, weights.new_values, strict=True
        )
    ]
    ordered = (entries[i] for i in np.argsort(-shares, kind="stable"))
    return tuple(entry for entry in ordered if entry.weight > 0 or entry.new_weight > 0)


def _source_metrics(
    chosen: ChosenSource,
    problem: Problem,
    place: int,
    weights: Weights,
    shares: NDArray[np.float64],
) -> dict[str, Any]:
    scores = problem.candidates.scores[:, place].astype(np.float64)
    return {
        "settings": described(chosen.settings),
        "tried": [{**described(settings), "alone": value} for settings, value in chosen.alone],
        "alone": float(np.nanmean(problem.ndcg(scores))),
        "weight": float(weights.values[place]),
        "new_weight": float(weights.new_values[place]),
        "power": weights.powers[place],
        "share": float(shares[place]),
    }


def _recall(candidates: CandidateSet) -> float:
    """Share of what the shoppers took that is among their candidates."""
    return float(candidates.hits.sum() / max(candidates.relevant.sum(), 1))


def _held_out(
    inputs: Inputs, drawn: Drawn, problem: Problem, scores: NDArray[np.float64]
) -> dict[str, Any]:
    """NDCG@10 on shoppers whom the weights have not seen, and paired differences."""
    others = _compared(inputs, drawn, problem)
    found = {}
    for new in (False, True) if inputs.judged.repeats else (False,):
        name = "NDCG@10/new" if new else "NDCG@10"
        own = problem.ndcg(scores, new=new)
        if np.isnan(own).all():
            continue  # nobody took anything new: there is no such figure
        found[name] = {
            "value": float(np.nanmean(own)),
            **{
                f"vs-{other}": _difference(own, problem.ndcg(line, new=new))
                for other, line in others.items()
            },
        }
    return found


def _compared(inputs: Inputs, drawn: Drawn, problem: Problem) -> dict[str, NDArray[np.float64]]:
    """Candidates' scores by the simple systems that the ranker has to beat."""
    found = problem.candidates
    lines = {
        name: found.scores[:, place].astype(np.float64)
        for place, name in enumerate(found.names)
        if name in ("users", "transitions", "recent_popularity")
    }
    data = inputs.judged.protocol
    if isinstance(data, NextBasket) and MIX in (known := systems(data, "train")):
        cases = data.cases["valid"]
        mix = np.zeros(len(found.items))
        for row, case in enumerate(drawn.cases):
            own = slice(found.starts[row], found.starts[row + 1])
            mix[own] = known[MIX](cases[case])[found.items[own]]
        lines[MIX] = mix
    return lines


def _difference(own: NDArray[np.float64], other: NDArray[np.float64]) -> dict[str, float]:
    """The mean of the paired difference with its 95 % interval."""
    difference = (own - other)[~np.isnan(own)][:, None]
    samples = resampled_ratios(difference, np.ones_like(difference))[:, 0]
    interval = percentile_interval(float(difference.mean()), samples)
    return {"value": interval.value, "low": interval.low, "high": interval.high}
