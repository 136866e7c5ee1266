"""The configuration of a run whose settings come from a file."""

import hashlib
import importlib.metadata
from collections.abc import Sequence
from typing import Any

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.settings_file import StepSettings
from relatum_export.training.bases import RUN_FORMAT, Base, form_to_json

_PACKAGES = ("torch", "transformers", "sentence-transformers", "tokenizers")


def step_configuration(
    step: str, base: Base, corpora: Sequence[Corpus], form: TextForm | None, settings: StepSettings
) -> dict[str, Any]:
    """All that a run's result depends on, and the versions that made it; ``resolve`` reads it.

    Args:
        step: the command that makes the run.
        base: what it starts from.
        corpora: what it learns from.
        form: how products become text; None where each shop is to choose its own.
        settings: of the step.
    """
    data = hashlib.sha256("\n".join(corpus.fingerprint for corpus in corpora).encode())
    return {
        "format": RUN_FORMAT,
        "step": step,
        "base": base.name,
        "query_prefix": base.query_prefix,
        "document_prefix": base.document_prefix,
        "text_form": form_to_json(form) if form is not None else None,
        "settings": settings.model_dump(mode="json"),
        "corpora": [corpus.name for corpus in corpora],
        "data_sha256": data.hexdigest(),
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
    }
