"""Moving the encoder's upper layers so that its vectors tell the classes apart."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from relatum_export.console import Reporter
from relatum_export.errors import InputError
from relatum_export.training.association_head.calibration import best_temperature, nll_of_logits
from relatum_export.training.association_head.classes import (
    allowed_classes,
    trained_classes,
)
from relatum_export.training.association_head.head import (
    NEVER,
    HeadShape,
    Member,
    PairInput,
    quantile_pieces,
)
from relatum_export.training.association_head.member import (
    PairTable,
    label_weights,
    set_loss,
    warm_up_then_cosine,
)
from relatum_export.training.association_head.settings import PairSettings
from relatum_export.training.encoder import TorchEncoder
from relatum_export.training.finetune import freeze
from relatum_export.training.users.checkpoint import (
    Checkpoints,
    Progress,
    optimizer_tensors,
    restore_optimizer,
)

BATCH_PAIRS = 32  # each is two texts through the encoder
MAX_GRADIENT_NORM = 1.0
FOLDER = "checkpoints/joint"


class JointFit:
    """Trains upper layers and one head together; the head is then thrown away.

    What stays is the encoder: its new vectors are what the heads of the run are fitted on.

    Args:
        encoder: moved in place.
        texts: of all products, as the encoder reads them.
        train: pairs to learn from, on the vectors before.
        valid: pairs that choose the pass.
        settings: see ``PairSettings``.
        folder: of the run.
        reporter: for progress.
    """

    def __init__(
        self,
        encoder: TorchEncoder,
        texts: Sequence[str],
        train: PairTable,
        valid: PairTable,
        *,
        settings: PairSettings,
        folder: Path,
        reporter: Reporter,
    ) -> None:
        self._encoder, self._texts = encoder, texts
        self._train, self._valid = train, valid
        self._settings, self._folder, self._reporter = settings, folder, reporter
        self._device = _device(settings.device)
        self._rows = encoder.text_input.token_ids(texts, "document")
        torch.manual_seed(settings.seed)
        pieces = quantile_pieces(train.with_cosine(), settings.bins)
        shape = HeadShape(
            train.vectors.shape[1], train.features.shape[1], len(pieces), settings.hidden, 1
        )
        self._inputs = PairInput.fitted(shape, train.vectors, pieces)
        member = Member(
            shape,
            vectors=True,
            dropout=settings.dropout,
            vector_dropout=settings.vector_dropout,
        )
        self._model = nn.ModuleDict({"encoder": encoder.module, "member": member})
        self._model.to(self._device)
        self._inputs.to(self._device)
        transformer = encoder.module.transformer
        stack = len(getattr(getattr(transformer, "encoder", None), "layer", []))
        freeze(transformer, max(0, stack - int(settings.joint_value("joint_layers"))))
        for parameter in getattr(transformer, "embeddings", nn.Module()).parameters():
            parameter.requires_grad = False  # positions and normalisation too, not words alone
        self._moving = {
            name: parameter
            for name, parameter in self._model.named_parameters()
            if parameter.requires_grad
        }
        self._optimizer = torch.optim.AdamW(
            [
                {
                    "params": [p for n, p in self._moving.items() if n.startswith("encoder.")],
                    "lr": settings.joint_value("joint_learning_rate"),
                },
                {"params": list(member.parameters()), "lr": settings.learning_rate},
            ],
            weight_decay=settings.weight_decay,
        )
        trained = trained_classes(train.pairs.targets)
        self._never = torch.from_numpy(np.where(trained, 0.0, NEVER)).float().to(self._device)
        weights = label_weights(train.pairs.targets, settings.class_weight)
        self._weights = torch.from_numpy(weights).to(self._device)
        self._allowed = torch.from_numpy(allowed_classes()).to(self._device)
        self._checkpoints = Checkpoints(folder / FOLDER)

    def run(self) -> list[dict[str, float]]:
        """Train, going on from the last checkpoint, and leave the encoder at its best pass.

        Returns:
            One row a pass: epoch, loss, valid NLL, seconds.

        Raises:
            InputError: the loss is not finite.
        """
        epochs = int(self._settings.joint_value("joint_epochs"))
        progress = self._resume()
        with SummaryWriter(str(self._folder / "tensorboard" / "joint")) as log:
            while progress.epoch < epochs:
                progress = self._pass(progress, epochs)
                row = progress.history[-1]
                for key in ("loss", "valid_nll"):
                    log.add_scalar(f"joint/{key}", row[key], progress.epoch)
                self._reporter.info(
                    f"joint pass {progress.epoch}: loss {row['loss']:.4f}, valid NLL "
                    f"{row['valid_nll']:.4f}"
                )
        self._restore(self._checkpoints.weights(progress.best))
        for parameter in self._model.parameters():
            parameter.requires_grad = True
        self._model.to("cpu").eval()
        return [dict(row) for row in progress.history]

    def _resume(self) -> Progress:
        found = self._checkpoints.last()
        if found is None:
            return Progress(0, 0, (), 0)
        progress, tensors = found
        self._restore(tensors)
        names: dict[torch.Tensor, str] = {p: name for name, p in self._moving.items()}
        restore_optimizer(self._optimizer, names, tensors)
        self._reporter.info(f"going on after joint pass {progress.epoch}")
        return progress

    def _restore(self, tensors: dict[str, torch.Tensor]) -> None:
        for name, parameter in self._moving.items():
            parameter.data.copy_(tensors[name])

    def _pass(self, before: Progress, epochs: int) -> Progress:
        epoch, started, step = before.epoch + 1, time.monotonic(), before.step
        # Draws depend on the pass's number, not on what ran before, so that resuming repeats them.
        torch.manual_seed(self._settings.seed * 100_003 + epoch)
        batches = torch.split(torch.randperm(len(self._train.pairs)), BATCH_PAIRS)
        factor = warm_up_then_cosine(len(batches) * epochs)
        peaks = [self._settings.joint_value("joint_learning_rate"), self._settings.learning_rate]
        self._model.train()
        losses = []
        with self._reporter.progress(f"joint pass {epoch}", len(batches)) as advance:
            for number, chosen in enumerate(batches, 1):
                for group, peak in zip(self._optimizer.param_groups, peaks, strict=True):
                    group["lr"] = peak * factor(step)
                loss = self._loss(chosen.numpy())
                if not torch.isfinite(loss):
                    raise InputError(
                        f"the loss is not finite in joint pass {epoch}, batch {number} (its first "
                        f"pair is number {int(chosen[0])} of train); lower joint_learning_rate "
                        "and run with --no-resume: the last pass that was good is kept until then"
                    )
                self._optimizer.zero_grad()
                torch.autograd.backward(loss)
                nn.utils.clip_grad_norm_(list(self._moving.values()), MAX_GRADIENT_NORM)
                self._optimizer.step()
                step += 1
                losses.append(loss.item())
                advance(1)
        row = {
            "epoch": epoch,
            "loss": float(np.mean(losses)),
            "valid_nll": self._valid_nll(),
            "seconds": round(time.monotonic() - started, 1),
        }
        history = (*before.history, row)
        best = min(history, key=lambda one: one["valid_nll"])
        progress = Progress(epoch, step, history, int(best["epoch"]))
        names: dict[torch.Tensor, str] = {p: name for name, p in self._moving.items()}
        tensors = {name: parameter.detach() for name, parameter in self._moving.items()}
        tensors |= optimizer_tensors(self._optimizer, names)
        self._checkpoints.save(progress, {k: v.cpu().contiguous() for k, v in tensors.items()})
        return progress

    def _loss(self, rows: NDArray[np.int64]) -> torch.Tensor:
        pairs = self._train.pairs
        products, place = np.unique(
            np.concatenate([pairs.a[rows], pairs.b[rows]]), return_inverse=True
        )
        ids, mask = self._encoder.text_input.pad([self._rows[product] for product in products])
        vectors = self._encoder.module(
            torch.from_numpy(ids).to(self._device), torch.from_numpy(mask).to(self._device)
        )
        a, b = vectors[place[: len(rows)]], vectors[place[len(rows) :]]
        logits = self._logits(a, b, torch.from_numpy(self._train.features[rows]).to(self._device))
        targets = torch.from_numpy(pairs.targets[rows]).to(self._device)
        return set_loss(logits, targets, self._weights, self._allowed)

    def _logits(self, a: torch.Tensor, b: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        crossed, pieces = self._inputs(a, b, features)
        logits: torch.Tensor = self._model["member"](crossed, pieces) + self._never
        return logits

    def _valid_nll(self) -> float:
        self._model.eval()
        pairs = self._valid.pairs
        products, place = np.unique(np.concatenate([pairs.a, pairs.b]), return_inverse=True)
        texts = [self._texts[product] for product in products]
        vectors = torch.from_numpy(self._encoder.encode(texts, kind="document")).to(self._device)
        a, b = vectors[place[: len(pairs)]], vectors[place[len(pairs) :]]
        with torch.inference_mode():
            features = torch.from_numpy(self._valid.features).to(self._device)
            logits = self._logits(a, b, features).cpu().numpy()
        temperature = best_temperature(logits, pairs.targets)
        return nll_of_logits(logits / temperature, pairs.targets)


def _device(wanted: str) -> torch.device:
    if wanted == "cuda" and not torch.cuda.is_available():
        raise InputError('device is cuda, and PyTorch sees no GPU; take device = "auto"')
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)
