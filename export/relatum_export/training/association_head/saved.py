"""A fitted head on disk, in a run folder."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from relatum_export.errors import InputError
from relatum_export.training.association_head.head import AssociationHead, HeadShape, state_of
from relatum_export.training.association_head.lexical import WordWeights
from relatum_export.training.run import CHECKPOINTS, METRICS, MODEL

WEIGHTS = "head.safetensors"
DESCRIPTION = "head.json"


@dataclass(frozen=True, slots=True)
class SavedHead:
    """A head with all that its use needs.

    Attributes:
        head: in evaluation mode.
        words: weights for the lexical features.
        description: encoder_id, classes, features, thresholds, label sources, shape.
    """

    head: AssociationHead
    words: WordWeights
    description: Mapping[str, Any]


def save(out: Path, saved: SavedHead, metrics: Mapping[str, Any]) -> None:
    """Write model and metrics under their final names at the very end; drop the checkpoints."""
    building = out / f".{MODEL}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    save_file(state_of(saved.head), building / WEIGHTS)
    description = {
        **saved.description,
        "shape": saved.head.shape.as_json(),
        "words": {"rare": saved.words.rare, "weights": dict(saved.words.weights)},
    }
    (building / DESCRIPTION).write_text(
        json.dumps(description, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    (out / METRICS).write_text(
        json.dumps(metrics, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    building.rename(out / MODEL)
    shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)


def load(run: Path, encoder_id: str | None = None) -> SavedHead:
    """Read the head of a finished run.

    Args:
        run: folder that `train pairs` wrote.
        encoder_id: of the encoder that it is to stand on; None leaves that unchecked.

    Raises:
        InputError: the folder holds no finished run of `train pairs`, or one of another encoder.
    """
    file = run / MODEL / DESCRIPTION
    if not file.is_file():
        raise InputError(
            f"{run} holds no association head; give a folder that `relatum-export train pairs` "
            "finished"
        )
    description = json.loads(file.read_text(encoding="utf-8"))
    if encoder_id is not None and description["encoder_id"] != encoder_id:
        raise InputError(
            f"the association head of {run} was trained on the encoder "
            f"{description['encoder_id']} ({description['encoder']}), not on {encoder_id}; train "
            "it again with --encoder set to the one in use"
        )
    head = AssociationHead(HeadShape.from_json(description.pop("shape")))
    head.load_state_dict(load_file(run / MODEL / WEIGHTS))
    words = description.pop("words")
    return SavedHead(head.eval(), WordWeights(words["weights"], words["rare"]), description)
