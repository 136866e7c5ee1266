"""From a corpus and a frozen encoder to a finished run of `train users`."""

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.training.run import prepare_folder
from relatum_export.training.users.batches import BatchMaker
from relatum_export.training.users.fit import Fit, Fitted
from relatum_export.training.users.histories import Histories
from relatum_export.training.users.item_text import ItemText
from relatum_export.training.users.model import UserModel
from relatum_export.training.users.ranking import ValidRanking, valid_ranking
from relatum_export.training.users.ridge import RidgeMap, choose_ridge, fit_ridge
from relatum_export.training.users.run import USERS_FORMAT, TrainedUsers, finish
from relatum_export.training.users.settings import UserSettings

_PACKAGES = ("numpy", "torch")


def train_users(
    corpus: Corpus,
    text: ItemText,
    out: Path,
    settings: UserSettings,
    reporter: Reporter,
    *,
    resume: bool,
    chosen: TrainedUsers | None = None,
) -> dict[str, Any]:
    """Fit a user encoder and write the run folder.

    Args:
        corpus: the shop.
        text: vectors of its products.
        out: run folder.
        settings: how; of a refit those of ``chosen``.
        reporter: for progress.
        resume: go on with an unfinished run in ``out``.
        chosen: a run fitted on train; fit again on train and valid with all that it chose.

    Returns:
        The contents of the run's `metrics.json`.

    Raises:
        InputError: nothing to learn from or to stop by, ``out`` holds something else, or
            ``chosen`` is of another corpus or encoder.
    """
    if chosen is not None:
        _check_same(chosen, corpus, text)
        passes = int(chosen.metrics["best_epoch"])
        settings = settings.model_copy(update={"epochs": passes})
    fit = "train" if chosen is None else "train+valid"
    histories = Histories.read(corpus, fit)
    ranking = valid_ranking(corpus)
    settings = _decided(settings, ranking, histories, corpus)
    batches = BatchMaker(
        histories,
        settings,
        repeats=settings.repeats == "on",
        time_gaps=settings.time_gaps == "on",
    )
    if not batches.windows:
        raise InputError(
            f"corpus {corpus.path} has no shopper with two events in {fit}: there is no next event "
            "to learn from; prepare a source with more events"
        )
    vectors = text.of(histories.items)
    counts = histories.counts()
    config = _configuration(corpus, text, fit, settings)
    if chosen is not None:
        config["refit_of"] = chosen.identity()
    prepare_folder(out, config, resume=resume)
    reporter.info(
        f"{len(histories.shoppers):,} shoppers, {int(counts.sum()):,} events, "
        f"{int((counts > 0).sum()):,} of {len(counts):,} items bought"
    )
    torch.manual_seed(settings.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = UserModel(vectors, settings).to(device)
    judged = ranking if chosen is None else None
    fitted = Fit(
        model=model,
        settings=settings,
        batches=batches,
        counts=counts,
        ranking=judged,
        folder=out,
        reporter=reporter,
    ).run()
    trained = _trained(
        model=model,
        histories=histories,
        text=vectors,
        fitted=fitted,
        ranking=ranking,
        config=config,
        chosen=chosen,
    )
    finish(out, trained)
    return dict(trained.metrics)


def _trained(
    *,
    model: UserModel,
    histories: Histories,
    text: NDArray[np.float32],
    fitted: Fitted,
    ranking: ValidRanking,
    config: Mapping[str, Any],
    chosen: TrainedUsers | None,
) -> TrainedUsers:
    """Place the items that nobody bought, and measure what will be kept."""
    own, bought = model.item_vectors(), histories.counts() > 0
    if chosen is None:
        seed = config["settings"]["seed"]
        ridge = choose_ridge(text, own, bought, model.encoder, ranking, seed=seed)
    else:
        before = chosen.metrics["ridge"]
        ridge = fit_ridge(text, own, bought, penalty=before["penalty"], scale=before["scale"])
    vectors = np.where(bought[:, None], own, ridge(text)).astype(np.float32)
    metrics = {
        "metric": ranking.name if chosen is None else None,
        "best_epoch": fitted.best,
        "epochs": [dict(row) for row in fitted.history],
        "valid": ranking.measure(model.encoder, vectors) if chosen is None else {},
        "shoppers": len(histories.shoppers),
        "items": len(bought),
        "items_bought": int(bought.sum()),
        "ridge": _ridge_metrics(ridge),
    }
    return TrainedUsers(
        config, metrics, histories.items, vectors, bought, ridge.weights, model.encoder.cpu()
    )


def _ridge_metrics(ridge: RidgeMap) -> dict[str, Any]:
    return {"penalty": ridge.penalty, "scale": ridge.scale, "scores": dict(ridge.scores)}


def _configuration(
    corpus: Corpus, text: ItemText, fit: str, settings: UserSettings
) -> dict[str, Any]:
    return {
        "format": USERS_FORMAT,
        "encoder": text.encoder,
        "encoder_id": text.encoder_id,
        "text_form": dict(text.text_form),
        "fit": fit,
        "settings": settings.model_dump(mode="json"),
        "corpora": [corpus.name],
        "data_sha256": corpus.fingerprint,
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }


def _check_same(chosen: TrainedUsers, corpus: Corpus, text: ItemText) -> None:
    chosen.check_encoder(text.encoder_id)
    if chosen.config["data_sha256"] != corpus.fingerprint:
        raise InputError(
            f"the run to fit again was trained on {', '.join(chosen.config['corpora'])} as it was "
            f"then, not on {corpus.path}; train on this corpus first"
        )
    if chosen.config["fit"] != "train":
        raise InputError(
            "the run to fit again is a refit itself; give the run that was fitted on train"
        )


def _decided(
    settings: UserSettings, ranking: ValidRanking, histories: Histories, corpus: Corpus
) -> UserSettings:
    """The settings with what was left to the corpus filled in."""
    if settings.time_gaps == "on" and not histories.clock:
        raise InputError(
            f"time_gaps is on and not all events of corpus {corpus.path} have a time; set it to "
            "auto or off"
        )
    decided: dict[str, str] = {}
    if settings.repeats == "auto":
        decided["repeats"] = "on" if ranking.repeats else "off"
    if settings.time_gaps == "auto":
        decided["time_gaps"] = "on" if histories.clock else "off"
    counts = histories.counts()
    sized = settings.for_shop(int((counts > 0).sum()), int(counts.sum()))
    return sized.model_copy(update=decided)
