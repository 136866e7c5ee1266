"""Compressing an encoder: pruning, students, precisions, the table, the run that is left."""

import copy
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer

from relatum_export.artifact.verification import sample_texts
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import FULL, TextForm
from relatum_export.errors import QualityError
from relatum_export.training.bases import Base
from relatum_export.training.compression.layers import kept_count, layer_stack, same_vectors
from relatum_export.training.compression.measuring import measure_forms
from relatum_export.training.compression.settings import CompressSettings
from relatum_export.training.compression.shop import Shop
from relatum_export.training.compression.students import train_students
from relatum_export.training.compression.table import TEACHER, choose_default, write_table
from relatum_export.training.compression.vocabulary import Pruned, prune
from relatum_export.training.encoder import TorchEncoder, load_sentence_transformer
from relatum_export.training.products import Catalogue
from relatum_export.training.run import finish, prepare_folder
from relatum_export.training.step_run import step_configuration
from relatum_export.training.text_choice import shop_form

MAX_DIFFERENCE = 1e-4  # of a coordinate, after pruning


def compress(
    corpora: Sequence[Corpus],
    base: Base,
    out: Path,
    settings: CompressSettings,
    reporter: Reporter,
    *,
    resume: bool,
) -> dict[str, Any]:
    """Write a run whose model is that of the best form, with the table of all in its metrics.

    Returns:
        The contents of the run's `metrics.json`.

    Raises:
        InputError: an encoder whose layers cannot be dropped, too few texts, a loss that is not
            finite, or ``out`` holds something else.
        QualityError: pruning changed a vector.
    """
    model = load_sentence_transformer(base)
    whole = TorchEncoder.wrap(base, copy.deepcopy(model))
    if settings.students:
        kept_count(len(layer_stack(whole)), min(settings.students.values()))
    sources = [(c, Catalogue.read(c) if c.has("items") else None) for c in corpora]
    own = base.text_form or _chosen_form(whole, sources)
    reporter.info(f"text: {own.name if own is not None else 'each shop chooses its own'}")
    shop = Shop.read(sources, own or FULL, settings)
    config = step_configuration("compress", base, corpora, own, settings)
    prepare_folder(out, config, resume=resume)
    pruned = _prune(model, whole, shop, settings, reporter) if settings.prune_vocabulary else None
    teacher = TorchEncoder.wrap(base, model)
    students = train_students(
        model, teacher, shop, settings, out=out, config=config, reporter=reporter
    )
    models = {TEACHER: model} | {name: student.model for name, student in students.items()}
    encoders = {name: TorchEncoder.wrap(base, each) for name, each in models.items()}
    measured = measure_forms(encoders, whole, shop, settings, reporter)
    default = choose_default(measured.forms, settings)
    reporter.info(f"default: {default.form.name}, {default.reason}")
    metrics = {
        "base": base.name,
        "text_form": own.name if own is not None else None,
        "vocabulary": asdict(pruned) if pruned is not None else None,
        "students": {name: dict(student.metrics) for name, student in students.items()},
        "table": [asdict(each) for each in measured.forms],
        "figures": {name: dict(of) for name, of in measured.figures.items()},
        "default": {
            "model": default.form.model,
            "precision": default.form.precision,
            "reason": default.reason,
        },
    }
    write_table(out, measured.forms, default, [corpus.name for corpus in corpora])
    finish(out, models[default.form.model], metrics)
    return metrics


def _chosen_form(
    encoder: TorchEncoder, sources: Sequence[tuple[Corpus, Catalogue | None]]
) -> TextForm | None:
    """The form that suits the corpus; None of several, where each shop chooses its own later."""
    if len(sources) > 1:
        return None
    ((corpus, catalogue),) = sources
    if catalogue is None:
        return FULL
    return shop_form(encoder, corpus, catalogue).form


def _prune(
    model: SentenceTransformer,
    whole: TorchEncoder,
    shop: Shop,
    settings: CompressSettings,
    reporter: Reporter,
) -> Pruned:
    """Prune the model in place, and see that the whole encoder's vectors stay."""
    prefixes = {whole.text_input.query_prefix, whole.text_input.document_prefix}
    every = [*shop.products, *shop.titles, *(text.text for text in shop.texts.train)]
    texts = [prefix + text for prefix in sorted(prefixes) for text in dict.fromkeys(every)]
    pruned = prune(model, texts, min_share=settings.min_script_share)
    if pruned.reason:
        reporter.info(f"vocabulary: left as it is, {pruned.reason}")
        return pruned
    reporter.info(f"vocabulary: {pruned.after:,} of {pruned.before:,} pieces stay")
    sample = sample_texts(shop.products)
    difference = same_vectors(whole, TorchEncoder.wrap(whole.base, model), sample)
    if difference > MAX_DIFFERENCE:
        raise QualityError(
            f"pruning the vocabulary changed a vector by {difference:.2g}, more than "
            f"{MAX_DIFFERENCE:g}; set prune_vocabulary = false in the config"
        )
    return pruned
