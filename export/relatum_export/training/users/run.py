"""The run folder of a user encoder, and the trained encoder read back from it.

`config.json`, `metrics.json`, `tensorboard/`, while it lasts `checkpoints/`, and `model/`:
`encoder.safetensors` (the transformer), `items.safetensors` (``vectors`` float32 [items, d],
``ridge`` float32 [text dimension + 1, d], ``bought`` bool [items]) and `items.json` (the ids).
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from safetensors.torch import load_model, save_model

from relatum_export.errors import InputError
from relatum_export.training.run import CHECKPOINTS, CONFIG, METRICS, MODEL
from relatum_export.training.users.model import UserEncoder
from relatum_export.training.users.ranking import Asked, user_vectors
from relatum_export.training.users.settings import UserSettings

USERS_FORMAT = "relatum-users-run"
ID_DIGITS = 16
ENCODER = "encoder.safetensors"
ITEMS = "items.safetensors"
IDS = "items.json"


@dataclass(frozen=True, slots=True)
class TrainedUsers:
    """A finished user encoder with the space that it asks.

    Attributes:
        config: `config.json`: encoder, encoder_id, text_form, fit, settings, data_sha256, versions;
            of a refit, ``refit_of``: the identity of the run that it fits again.
        metrics: `metrics.json`.
        items: the catalogue's ids, sorted.
        vectors: behaviour vectors, float32 [items, d]: of length 1 where bought, else from text.
        bought: whether an item was bought in the fit, bool [items].
        ridge: text vectors into the space, float32 [text dimension + 1, d]; see ``RidgeMap``.
        encoder: a history of vectors to a query into the space.
    """

    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    items: tuple[str, ...]
    vectors: NDArray[np.float32]
    bought: NDArray[np.bool_]
    ridge: NDArray[np.float32]
    encoder: UserEncoder

    @classmethod
    def open(cls, folder: Path) -> "TrainedUsers":
        """Read a run that `train users` finished.

        Raises:
            InputError: it is something else, unfinished or damaged.
        """
        config = read_users_config(folder)
        try:
            parts = load_file(folder / MODEL / ITEMS)
            ids = json.loads((folder / MODEL / IDS).read_text(encoding="utf-8"))
            encoder = UserEncoder(UserSettings.model_validate(config["settings"]))
            load_model(encoder, str(folder / MODEL / ENCODER))
            metrics = json.loads((folder / METRICS).read_text(encoding="utf-8"))
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            cause = str(error).strip().splitlines()[0]
            raise InputError(f"the run {folder} is damaged ({cause}); train it again") from error
        return cls(
            config,
            metrics,
            tuple(ids),
            parts["vectors"],
            parts["bought"].astype(bool),
            parts["ridge"],
            encoder.eval(),
        )

    def queries(self, histories: Sequence[Asked]) -> NDArray[np.float32]:
        """Each history's query into the space, float32 [histories, d]."""
        return user_vectors(self.encoder, self.vectors, histories)

    def identity(self) -> str:
        """Hash over the transformer, the space and its ids; 16 hex digits."""
        digest = hashlib.sha256("\n".join(self.items).encode())
        for name, tensor in sorted(self.encoder.state_dict().items()):
            digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
        for part in (self.vectors, self.bought, self.ridge):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()[:ID_DIGITS]

    def check_encoder(self, encoder_id: str) -> None:
        """Refuse a text encoder other than the one whose vectors this run was trained on.

        Raises:
            InputError: another encoder; the ridge map would be meaningless.
        """
        if self.config["encoder_id"] != encoder_id:
            raise InputError(
                f"the user encoder was trained on the vectors of encoder "
                f"{self.config['encoder_id']} ({self.config['encoder']}), not of {encoder_id}; "
                "train it again with --encoder of the same run"
            )


def read_users_config(folder: Path) -> dict[str, Any]:
    """The `config.json` of a finished run.

    Raises:
        InputError: it is no run of `train users`, or an unfinished one.
    """
    file = folder / CONFIG
    config: Any = None
    if file.is_file():
        try:
            config = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{file} is not JSON ({error})") from error
    if not isinstance(config, dict) or config.get("format") != USERS_FORMAT:
        raise InputError(
            f"{folder} is not a run of `train users`; make one with `relatum-export train users "
            f"--corpus CORPUS --encoder RUN --out {folder}`"
        )
    if not (folder / MODEL).is_dir():
        raise InputError(
            f"{folder} is an unfinished run; run `relatum-export train users --out {folder}` again "
            "to resume it"
        )
    return config


def finish(out: Path, trained: TrainedUsers) -> None:
    """Write metrics and model, the model under its final name at the very end; drop checkpoints."""
    building = out / f".{MODEL}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    save_model(trained.encoder, str(building / ENCODER))
    parts: dict[str, NDArray[Any]] = {
        "vectors": np.ascontiguousarray(trained.vectors),
        "bought": trained.bought.astype(np.uint8),
        "ridge": np.ascontiguousarray(trained.ridge),
    }
    save_file(parts, building / ITEMS)
    ids = json.dumps(list(trained.items), ensure_ascii=False)
    (building / IDS).write_text(ids, encoding="utf-8")
    metrics = json.dumps(dict(trained.metrics), ensure_ascii=False, indent=2)
    (out / METRICS).write_text(metrics + "\n", encoding="utf-8")
    building.rename(out / MODEL)
    shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
