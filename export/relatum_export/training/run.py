"""A run folder: its configuration, model, metrics and logs, and while it lasts its checkpoints."""

import hashlib
import importlib.metadata
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer

from relatum_export.atomic_file import write_text
from relatum_export.corpus.folder import Corpus, file_sha256
from relatum_export.corpus.text import TextForm
from relatum_export.errors import InputError
from relatum_export.training.bases import RUN_FORMAT, Base, form_to_json
from relatum_export.training.settings import TrainSettings

CONFIG = "config.json"
METRICS = "metrics.json"
MODEL = "model"
CHECKPOINTS = "checkpoints"
_PACKAGES = ("torch", "transformers", "sentence-transformers", "tokenizers", "datasets")


def configuration(
    base: Base, corpora: Sequence[Corpus], form: TextForm | None, settings: TrainSettings
) -> dict[str, Any]:
    """All that a run's result depends on, and the versions that made it.

    Args:
        base: what is fine-tuned.
        corpora: what it learns from.
        form: how products become text; None while it is not chosen, and of several corpora, which
            have one each.
        settings: of the training.
    """
    read = [corpus.fingerprint for corpus in corpora]
    if settings.synonyms is not None:
        read.append(file_sha256(settings.synonyms))
    data = hashlib.sha256("\n".join(read).encode())
    return {
        "format": RUN_FORMAT,
        "base": base.name,
        "query_prefix": base.query_prefix,
        "document_prefix": base.document_prefix,
        "text_form": form_to_json(form) if form is not None else None,
        "settings": settings.model_dump(mode="json"),
        "corpora": [corpus.name for corpus in corpora],
        "data_sha256": data.hexdigest(),
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }


def prepare_folder(out: Path, config: Mapping[str, Any], *, resume: bool) -> None:
    """Make the folder, or accept the one of the same unfinished run.

    Raises:
        InputError: ``out`` holds something else, a finished run, or a run of other settings.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; give --out a folder")
    file = out / CONFIG
    if out.is_dir() and any(out.iterdir()):
        found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        if found.get("format") != config["format"]:
            raise InputError(f"{out} is not empty and is not a run; give another --out")
        if not resume:
            shutil.rmtree(out)
        elif (out / MODEL).is_dir():
            raise InputError(
                f"{out} is a finished run; give another --out, or --no-resume to train it anew"
            )
        elif not _same_run(found, config):
            raise InputError(
                f"{out} holds an unfinished run of other data, settings or versions; give another "
                "--out, or --no-resume to start it anew"
            )
    out.mkdir(parents=True, exist_ok=True)
    _write(file, config)


def finish(
    out: Path,
    model: SentenceTransformer,
    metrics: Mapping[str, Any],
    config: Mapping[str, Any] | None = None,
) -> None:
    """Save the model (safetensors) under its final name at the very end; drop the checkpoints.

    Args:
        out: the run folder.
        model: to save.
        metrics: of the run.
        config: what the configuration became while it ran (the form that was chosen), or None.
    """
    building = out / f".{MODEL}"
    shutil.rmtree(building, ignore_errors=True)
    model.save_pretrained(str(building), create_model_card=False, safe_serialization=True)
    _write(out / METRICS, metrics)
    if config is not None:
        _write(out / CONFIG, config)
    building.rename(out / MODEL)
    shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)


def _same_run(found: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether what is found is this run, the form that it chose in its last moment apart."""
    if config.get("text_form", "") is None:
        found = {**found, "text_form": None}
    return found == config


def _write(file: Path, data: Mapping[str, Any]) -> None:
    write_text(file, json.dumps(data, ensure_ascii=False, indent=2) + "\n")
