"""Fine-tuning an encoder on corpora, from the choice of text to the finished run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import FULL
from relatum_export.errors import InputError
from relatum_export.training.averaging import choose_average, snapshot
from relatum_export.training.bases import Base
from relatum_export.training.encoder import TorchEncoder, load_sentence_transformer
from relatum_export.training.finetune import finetune
from relatum_export.training.held_out import held_out_metrics
from relatum_export.training.judged import JudgedSplit
from relatum_export.training.pairs import training_data
from relatum_export.training.products import Catalogue
from relatum_export.training.run import configuration, finish, prepare_folder
from relatum_export.training.settings import TrainSettings
from relatum_export.training.text_choice import choose_form
from relatum_export.training.validation import figures, validation_metric


def train_encoder(
    corpora: Sequence[Corpus],
    base: Base,
    out: Path,
    settings: TrainSettings,
    reporter: Reporter,
    *,
    resume: bool,
) -> dict[str, Any]:
    """Fine-tune ``base`` and write the run folder; the text form is chosen on the first corpus.

    Returns:
        The contents of the run's `metrics.json`.

    Raises:
        InputError: nothing to learn from, or ``out`` holds something else.
    """
    model = load_sentence_transformer(base)
    encoder = TorchEncoder.wrap(base, model)
    sources = [(corpus, Catalogue.read(corpus)) for corpus in corpora]
    corpus, catalogue = sources[0]
    valid = JudgedSplit.read(corpus, catalogue, "valid")
    held_out = [] if valid.queries else held_out_metrics(corpus, catalogue, FULL, settings.seed)
    of_products = next((found for found in held_out if found.of_products), None)
    choice = choose_form(encoder, catalogue, valid, of_products)
    reporter.info(f"text: {choice.form.name}")
    data = training_data(
        sources,
        choice.form,
        max_pairs=settings.max_pairs,
        batch_size=settings.batch_size,
        seed=settings.seed,
    )
    if len(data.positives) < settings.batch_size:
        raise InputError(
            f"only {len(data.positives)} train pairs, fewer than one batch of "
            f"{settings.batch_size}; give a smaller --batch-size or a larger corpus"
        )
    reporter.info(
        f"training on {len(data.positives):,} pairs and {len(data.graded):,} graded pairs"
    )
    metric = validation_metric(sources, choice.form, settings.seed)
    if metric is None:
        reporter.info(
            "no valid split to measure on: all epochs run, weights averaged half and half"
        )
    prepare_folder(out, configuration(base, corpora, choice.form, settings), resume=resume)

    transformer = encoder.module.transformer
    before = snapshot(transformer)
    base_figures = figures(metric, encoder) if metric else {}
    known = {0.0: base_figures[metric.name]} if metric else None
    history = finetune(
        model, encoder, data, metric, settings=settings, folder=out, reporter=reporter
    )
    encoder.module.eval()
    after = snapshot(transformer)
    averaged = choose_average(transformer, before, after, encoder, metric, known=known)
    metrics = {
        "base": base.name,
        "text_form": choice.form.name,
        "text_form_scores": dict(choice.scores),
        "pairs": len(data.positives),
        "graded_pairs": len(data.graded),
        "metric": metric.name if metric else None,
        "evaluations": history,
        "average_scores": {str(ratio): score for ratio, score in averaged.scores.items()},
        "fine_tuned_share": averaged.ratio,
        "base_score": averaged.scores.get(0.0),
        "final_score": averaged.scores.get(averaged.ratio),
        "base_figures": base_figures,
        "final_figures": figures(metric, encoder) if metric else {},
    }
    if averaged.ratio == 0.0:
        reporter.info(
            "no share of fine-tuned weights beat the base on valid: the run keeps the base's"
        )
    finish(out, model, metrics)
    return metrics
