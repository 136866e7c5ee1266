"""Students of an encoder: which layers they keep, how near they come."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from relatum_export.artifact.verification import sample_texts
from relatum_export.console import Reporter
from relatum_export.training.compression.distillation import Aim, aims_of, distil
from relatum_export.training.compression.layers import (
    drop_order,
    kept_count,
    layer_stack,
    student_of,
)
from relatum_export.training.compression.settings import CompressSettings
from relatum_export.training.compression.shop import Shop
from relatum_export.training.encoder import TorchEncoder, load_sentence_transformer
from relatum_export.training.run import finish, prepare_folder

STUDENTS = "students"
CURVE_TEXTS = 100  # held out, to measure on during distillation
DROP_TEXTS = 64  # that the layers to drop are chosen on


@dataclass(frozen=True, slots=True)
class Student:
    """A student after distillation.

    Attributes:
        model: its weights.
        metrics: kept layers, cosine to the teacher before and after, evaluations.
    """

    model: SentenceTransformer
    metrics: Mapping[str, Any]


def train_students(
    model: SentenceTransformer,
    teacher: TorchEncoder,
    shop: Shop,
    settings: CompressSettings,
    *,
    out: Path,
    config: Mapping[str, Any],
    reporter: Reporter,
) -> dict[str, Student]:
    """Drop layers and distil, for each student that the settings name.

    Args:
        model: the teacher; ``teacher`` runs on its transformer. It is not changed.
        teacher: the same as an encoder.
        shop: what is imitated on.
        settings: names and shares of the students, and how to distil.
        out: each student becomes a run of its own in `students/NAME` of it; one that an earlier
            try finished is read again.
        config: of the whole run, the students' with it.
        reporter: for progress.

    Raises:
        InputError: a loss that is not finite.
    """
    if not settings.students:
        return {}
    sample = sample_texts(shop.products)
    order = drop_order(teacher, sample[:: max(1, len(sample) // DROP_TEXTS)])
    layers = len(layer_stack(teacher))
    whole = teacher.encode(sample, kind="document")

    def nearness(of: SentenceTransformer) -> float:
        vectors = TorchEncoder.wrap(teacher.base, of).encode(sample, kind="document")
        return float((vectors * whole).sum(axis=1).mean())

    held_out = [text.text for text in shop.texts.held_out if text.kind == "document"][:CURVE_TEXTS]
    held_out_aims = teacher.encode(held_out, kind="document")
    aims: list[Aim] = []
    found = {}
    for name, share in settings.students.items():
        kept = sorted(order[layers - kept_count(layers, share) :] + _never_dropped(order, layers))
        student = student_of(model, kept)
        untrained = nearness(student)
        folder = out / STUDENTS / name
        metrics: dict[str, Any] = {"kept_layers": kept, "cosine_untrained": untrained}
        if (folder / "model").is_dir():
            reporter.info(f"student {name}: finished before, read again")
            there = replace(teacher.base, location=str(folder / "model"))
            student = load_sentence_transformer(there)
            metrics |= json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        else:
            reporter.info(f"student {name}: layers {', '.join(map(str, kept))} of {layers}")
            prepare_folder(folder, {**config, **metrics}, resume=True)
            encoder = TorchEncoder.wrap(teacher.base, student)
            aims = aims or aims_of(teacher, shop.texts.train, settings, reporter)
            metrics["evaluations"] = distil(
                encoder,
                aims,
                settings,
                measure=_curve(encoder, held_out, held_out_aims),
                folder=folder,
                reporter=reporter,
            )
            metrics["cosine"] = nearness(student)
            finish(folder, student, metrics)
        found[name] = Student(student, metrics)
    return found


def _never_dropped(order: Sequence[int], layers: int) -> list[int]:
    """The one layer that the order of dropping leaves."""
    return sorted(set(range(layers)) - set(order))


def _curve(
    encoder: TorchEncoder, texts: Sequence[str], aims: NDArray[np.float32]
) -> Callable[[], Mapping[str, float]]:
    """Mean cosine to the teacher on documents held out, as the student stands."""

    def measure() -> Mapping[str, float]:
        if not texts:
            return {}
        vectors = encoder.encode(texts, kind="document")
        return {"cosine_to_teacher": float((vectors * aims).sum(axis=1).mean())}

    return measure
