"""A fitted answer head on disk, in a run folder."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from relatum_export.atomic_file import write_text
from relatum_export.errors import InputError
from relatum_export.training.answer_head.head import AnswerHead, AnswerShape
from relatum_export.training.run import CHECKPOINTS, METRICS, MODEL

WEIGHTS = "answers.safetensors"
DESCRIPTION = "answers.json"


@dataclass(frozen=True, slots=True)
class SavedAnswers:
    """A head with what tells whether it may be used.

    Attributes:
        head: in evaluation mode.
        description: encoder, encoder_id, how many train `questions` it saw, and whether valid found
            it better than the vectors alone (`helps`).
    """

    head: AnswerHead
    description: Mapping[str, Any]


def save(out: Path, saved: SavedAnswers, metrics: Mapping[str, Any]) -> None:
    """Write model and metrics under their final names at the very end; drop the checkpoints."""
    building = out / f".{MODEL}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    state = {name: tensor.contiguous() for name, tensor in saved.head.state_dict().items()}
    save_file(state, building / WEIGHTS)
    description = {**saved.description, "shape": saved.head.shape.as_json()}
    write_text(building / DESCRIPTION, json.dumps(description, indent=1) + "\n")
    write_text(out / METRICS, json.dumps(metrics, ensure_ascii=False, indent=2) + "\n")
    building.rename(out / MODEL)
    shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)


def load(run: Path) -> SavedAnswers:
    """Read the head of a finished run.

    Raises:
        InputError: the folder holds no finished run of `train answers`.
    """
    file = run / MODEL / DESCRIPTION
    if not file.is_file():
        raise InputError(
            f"{run} holds no answer head; give a folder that `relatum-export train answers` "
            "finished"
        )
    description = json.loads(file.read_text(encoding="utf-8"))
    head = AnswerHead(AnswerShape.from_json(description.pop("shape")))
    head.load_state_dict(load_file(run / MODEL / WEIGHTS))
    return SavedAnswers(head.eval(), description)
