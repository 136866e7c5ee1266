"""Measuring every model in every precision: the rows of the table."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from relatum_export.artifact.batch_dependence import batch_dependence
from relatum_export.artifact.calibration import calibration_batches
from relatum_export.artifact.latency import measure_latency, throughputs
from relatum_export.artifact.onnx_encoder import OnnxEncoder
from relatum_export.artifact.verification import sample_texts
from relatum_export.console import Reporter
from relatum_export.training.compression.ranked_sets import RankedSet, ranked_sets
from relatum_export.training.compression.ranking import (
    MAX_CANDIDATES,
    kept_neighbours,
    measure,
    relative_loss,
)
from relatum_export.training.compression.settings import CompressSettings
from relatum_export.training.compression.shop import Shop
from relatum_export.training.compression.table import TEACHER, Form
from relatum_export.training.compression.variants import write_variants
from relatum_export.training.encoder import TorchEncoder

TORCH = "torch"
SEED = 0  # of the batch-mates


@dataclass(frozen=True, slots=True)
class Measured:
    """Every model in every precision.

    Attributes:
        forms: the rows of the table.
        figures: on valid by SET/valid/MEASURE, of each MODEL/PRECISION and of `torch`, the
            encoder as it was given, which losses are relative to.
    """

    forms: Sequence[Form]
    figures: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class _Variant:
    """One exported graph."""

    model: str
    layers: int
    precision: str
    file: Path
    encoder: OnnxEncoder

    @property
    def name(self) -> str:
        return f"{self.model}/{self.precision}"


def measure_forms(
    models: Mapping[str, TorchEncoder],
    whole: TorchEncoder,
    shop: Shop,
    settings: CompressSettings,
    reporter: Reporter,
) -> Measured:
    """Export each model in each precision and measure it; the graphs do not stay.

    Args:
        models: the teacher and its students, by name.
        whole: the encoder as it was given.
        shop: the texts.
        settings: precisions and calibration.
        reporter: for progress.
    """
    with tempfile.TemporaryDirectory() as temporary:
        variants: list[_Variant] = []
        for name, model in models.items():
            reporter.info(f"{name}: {', '.join(settings.precisions)}")
            folder = Path(temporary) / name
            folder.mkdir()
            variants += _export(name, model, shop, settings, folder)
        speeds = throughputs({each.name: each.encoder for each in variants}, shop.titles)
        sets = [
            one
            for corpus, catalogue in shop.sources
            for one in ranked_sets(
                corpus,
                catalogue,
                shop.form,
                documents=settings.ranked_documents,
                seed=settings.seed,
            )
        ]
        return _rows(variants, speeds, whole, shop, sets=sets, reporter=reporter)


def _export(
    name: str, model: TorchEncoder, shop: Shop, settings: CompressSettings, folder: Path
) -> list[_Variant]:
    batches = calibration_batches(
        model.text_input, shop.products, settings.calibration_texts, shop.queries
    )
    files = write_variants(model.module, batches, settings.precisions, folder)
    layers = int(model.module.transformer.config.num_hidden_layers)
    return [
        _Variant(name, layers, precision, file, OnnxEncoder(file, model.text_input, shop.form))
        for precision, file in files.items()
    ]


def _rows(
    variants: Sequence[_Variant],
    speeds: Mapping[str, float],
    whole: TorchEncoder,
    shop: Shop,
    *,
    sets: Sequence[RankedSet],
    reporter: Reporter,
) -> Measured:
    near = list(dict.fromkeys(shop.products))[:MAX_CANDIDATES]
    reference = whole.encode(near, kind="document")
    torch_ranking = measure(whole, sets)
    figures = {TORCH: torch_ranking.figures}
    forms = []
    for each in variants:
        ranking = measure(each.encoder, sets)
        figures[each.name] = ranking.figures
        loss = relative_loss(torch_ranking, ranking)
        change = batch_dependence(each.encoder, sample_texts(shop.products), SEED)
        forms.append(
            Form(
                model=each.model,
                layers=each.layers,
                precision=each.precision,
                megabytes=each.file.stat().st_size / 1e6,
                ms_a_title=measure_latency(each.encoder, shop.titles).p50_ms,
                titles_per_s=speeds[each.name],
                speed=speeds[each.name] / speeds[f"{TEACHER}/{each.precision}"],
                ranking=ranking.pooled,
                loss=loss.value if loss is not None else None,
                loss_low=loss.low if loss is not None else None,
                loss_high=loss.high if loss is not None else None,
                units=sum(map(len, ranking.units.values())),
                neighbours=kept_neighbours(reference, each.encoder.encode(near, kind="document")),
                batch_short=change.short_max,
                batch_long=change.long_max,
            )
        )
        lost = "" if loss is None else f", loses {loss.value:.2%}"
        reporter.info(f"{each.name}: {forms[-1].titles_per_s:.0f} titles/s{lost}")
    return Measured(forms, figures)
