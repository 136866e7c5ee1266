"""Fine-tuning an encoder on corpora, from the choice of text to the finished run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.training.arithmetic import takes_bf16
from relatum_export.training.averaging import Score, choose_average, snapshot
from relatum_export.training.bases import Base
from relatum_export.training.encoder import TorchEncoder, load_sentence_transformer
from relatum_export.training.encoder_recipe.back_translation import BackTranslation
from relatum_export.training.encoder_recipe.base_record import BaseRecord, base_vectors
from relatum_export.training.encoder_recipe.draws import Drawn, draw_tables
from relatum_export.training.encoder_recipe.false_negatives import FalseNegatives, Guide
from relatum_export.training.encoder_recipe.mining import mine
from relatum_export.training.encoder_recipe.noise import Noise
from relatum_export.training.encoder_recipe.pair_sets import refuse_too_few, train_pairs
from relatum_export.training.encoder_recipe.prefix import attach_prefix, keep_or_remove
from relatum_export.training.encoder_recipe.sources import read_sources
from relatum_export.training.encoder_recipe.validation import Validation, measure_base, validation
from relatum_export.training.finetune import Objective, finetune
from relatum_export.training.run import CHECKPOINTS, configuration, finish, prepare_folder
from relatum_export.training.settings import TrainSettings


def train_encoder(
    corpora: Sequence[Corpus],
    base: Base,
    out: Path,
    settings: TrainSettings,
    reporter: Reporter,
    *,
    resume: bool,
) -> dict[str, Any]:
    """Fine-tune ``base`` on all corpora and write the run folder.

    Returns:
        The contents of the run's `metrics.json`.

    Raises:
        InputError: nothing to learn from, or ``out`` holds something else.
    """
    sources = read_sources(corpora)
    pairs = [train_pairs(source) for source in sources]
    refuse_too_few(pairs, sources, settings)
    noise = Noise.of(settings)
    model = load_sentence_transformer(base)
    encoder = TorchEncoder.wrap(base, model)
    back_translation = BackTranslation.of(settings, out if resume else None)
    prepare_folder(out, configuration(base, corpora, None, settings), resume=resume)

    measured = shortened(encoder, settings.validation_tokens)
    record = BaseRecord.read(out)
    if record is None:
        record = measure_base(sources, measured, settings, reporter)
        record.write(out)
    sources = record.formed(sources)
    valid = validation(sources, settings)
    if valid is None:
        reporter.info("no valid split to measure on: nothing stops early or chooses the average")
    reword = None
    if back_translation is not None:
        reporter.info("queries are translated there and back")
        reword = partial(back_translation.wordings, folder=out)
    drawn = draw_tables(sources, pairs, settings, noise, reword)
    counted = _counts(drawn)
    reporter.info(
        f"training on {counted['pairs']:,} pairs and {counted['graded_pairs']:,} graded pairs"
    )
    objectives = objectives_of(drawn, encoder, settings, out / CHECKPOINTS, reporter)

    transformer = encoder.module.transformer
    device = next(transformer.parameters()).device
    before = snapshot(transformer)
    prefix = None
    if settings.adapter == "prefix":
        prefix = attach_prefix(model, settings)
        encoder = TorchEncoder.wrap(base, model)
        measured = shortened(encoder, settings.validation_tokens)
    tried = _Tried(valid, measured, record) if valid else None
    history = finetune(
        model,
        encoder,
        objectives,
        tried.gain if tried else None,
        settings=settings,
        folder=out,
        reporter=reporter,
    )
    encoder.module.eval()
    known = tried.known(history) if tried else {}
    if prefix is not None:
        averaged = keep_or_remove(
            prefix, tried.score if tried else None, known=known, fixed=settings.fine_tuned_share
        )
    else:
        averaged = choose_average(
            transformer,
            before,
            snapshot(transformer),
            tried.score if tried else None,
            known=known,
            fixed=settings.fine_tuned_share,
        )
    if averaged.ratio == 0.0:
        reporter.info(
            "no share of fine-tuned weights beat the base on valid: the run keeps the base's"
        )
    final = dict(record.figures)
    if tried is not None and averaged.ratio > 0.0:
        final = tried.figures(averaged.scores[averaged.ratio])
    metrics = counted | {
        "base": base.name,
        "precision": "bf16" if takes_bf16(settings.precision, device) else "fp32",
        "text_forms": dict(record.forms) if settings.choose_forms else {},
        "text_form_scores": {name: dict(found) for name, found in record.scores.items()},
        "evaluations": history,
        "average_scores": {
            str(ratio): {"gain": score.gain, "harmless": score.harmless}
            for ratio, score in averaged.scores.items()
        },
        "fine_tuned_share": averaged.ratio,
        "gain": averaged.scores[averaged.ratio].gain if tried else None,
        "base_figures": dict(record.figures),
        "final_figures": final,
    }
    form = sources[0].form if len(sources) == 1 and settings.choose_forms else None
    finish(out, model, metrics, configuration(base, corpora, form, settings))
    return metrics


def shortened(encoder: TorchEncoder, tokens: int) -> TorchEncoder:
    """The same encoder with inputs cut to so many tokens."""
    text = encoder.text_input
    cut = replace(text, max_tokens=min(text.max_tokens, tokens))
    return TorchEncoder(encoder.base, encoder.module, cut)


def objectives_of(
    drawn: Drawn, encoder: TorchEncoder, settings: TrainSettings, folder: Path, reporter: Reporter
) -> list[Objective]:
    """What is learned from each table; the base reads the texts first, to know false negatives."""
    vectors = None
    if settings.guide != "none" or settings.hard_negatives:
        reporter.info("the base reads the pairs, to know false negatives and hard ones")
        short = shortened(encoder, settings.max_tokens)
        vectors = base_vectors(drawn.texts, short, folder)
    guide = None
    if vectors is not None and settings.guide != "none":
        guide = Guide.of(settings, vectors)
    count, margin = settings.hard_negatives, settings.hard_negative_margin
    objectives = []
    for table, known in zip(drawn.tables, drawn.known, strict=True):
        if table.graded:
            objectives.append(Objective(table, None))
            continue
        hard = np.zeros((len(table), 0), dtype=np.int64)
        if vectors is not None and count:
            hard = mine(table, known, vectors, count, margin)
        own = None if table.kind in settings.unguided_kinds else guide
        objectives.append(Objective(table, FalseNegatives(table, known, own, hard)))
    return objectives


class _Tried:
    """Measures the weights as they stand and remembers the figures."""

    def __init__(self, valid: Validation, encoder: TorchEncoder, record: BaseRecord) -> None:
        self._valid = valid
        self._encoder = encoder
        self._base = record.figures
        self._found: list[tuple[Score, dict[str, float]]] = []

    def score(self) -> Score:
        """Gain over the base, and whether it harms no corpus."""
        figures = self._valid.figures(self._encoder)
        gain = self._valid.gain(figures, self._base)
        score = Score(gain, self._valid.harmless(figures, self._base))
        self._found.append((score, figures))
        return score

    def gain(self) -> float:
        """Of ``score``."""
        return self.score().gain

    def known(self, history: Sequence[Mapping[str, float]]) -> dict[float, Score]:
        """The score of the weights that training kept, if this process measured them."""
        best = max((row["ranking"] for row in history), default=None)
        found = next((score for score, _ in self._found if score.gain == best), None)
        return {} if found is None else {1.0: found}

    def figures(self, of: Score) -> dict[str, float]:
        """What a score was made of."""
        return next(figures for score, figures in self._found if score is of)


def _counts(drawn: Drawn) -> dict[str, Any]:
    pairs = sum(len(table) for table in drawn.tables if not table.graded)
    graded = sum(len(table) for table in drawn.tables if table.graded)
    return {"pairs": pairs, "graded_pairs": graded, "pairs_by_set": dict(drawn.sizes)}
