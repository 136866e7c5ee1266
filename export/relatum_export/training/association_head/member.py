"""Fitting one member: two layers on vectors that stay as they are."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from relatum_export.errors import InputError
from relatum_export.training.association_head.calibration import best_temperature, nll_of_logits
from relatum_export.training.association_head.classes import Label, allowed_classes
from relatum_export.training.association_head.head import AssociationHead, Member
from relatum_export.training.association_head.labelled import LabelledPairs
from relatum_export.training.association_head.settings import PairSettings

WARM_UP = 0.1


@dataclass(frozen=True, slots=True)
class PairTable:
    """Labelled pairs as tensors' worth of arrays.

    Attributes:
        pairs: rows of ``vectors``, targets, labels.
        vectors: of all products, float32 [products, d], rows of length 1.
        features: of (a, b), float32 [pairs, features].
        turned: of (b, a), float32 [pairs, features].
    """

    pairs: LabelledPairs
    vectors: NDArray[np.float32]
    features: NDArray[np.float32]
    turned: NDArray[np.float32]

    def with_cosine(self) -> NDArray[np.float32]:
        """The features and, last, the cosine, float32 [pairs, features + 1]."""
        return np.concatenate([self.features, self._cosine()], axis=1)

    def turned_with_cosine(self) -> NDArray[np.float32]:
        """The same of the pairs the other way round, float32 [pairs, features + 1]."""
        return np.concatenate([self.turned, self._cosine()], axis=1)

    def symmetric(self) -> NDArray[np.bool_]:
        """Pairs of which nobody says complement, the one class with a direction, bool [pairs]."""
        return np.asarray(self.pairs.targets[:, Label.COMPLEMENT] == 0)

    def _cosine(self) -> NDArray[np.float32]:
        a, b = self.vectors[self.pairs.a], self.vectors[self.pairs.b]
        return np.asarray((a * b).sum(axis=1, keepdims=True), np.float32)


def label_weights(targets: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    """Weight of each label: (mean count / its count) to ``power``, 0 where it has none.

    Scaled so that the mean weight of a pair is 1, and the learning rate means the same.
    """
    counts = targets.sum(axis=0)
    present = counts > 0
    weights = np.zeros(len(counts), np.float32)
    weights[present] = (counts[present].mean() / counts[present]) ** power
    return np.asarray(weights * counts.sum() / (weights * counts).sum(), np.float32)


class MemberFit:
    """Fits one member.

    Args:
        head: gives the inputs and the classes; not changed.
        train: pairs to learn from.
        valid: pairs to stop on.
        settings: see ``PairSettings``.
        number: which member: its draws differ from the others'.
        vectors: whether it reads the vectors, or the features alone.
    """

    def __init__(
        self,
        head: AssociationHead,
        train: PairTable,
        valid: PairTable,
        settings: PairSettings,
        *,
        number: int,
        vectors: bool,
    ) -> None:
        self._head, self._train, self._valid = head, train, valid
        self._settings, self._number = settings, number
        self._seed = settings.seed * 1_009 + number
        torch.manual_seed(self._seed)
        self._member = Member(
            head.shape,
            vectors=vectors,
            dropout=settings.dropout,
            vector_dropout=settings.vector_dropout,
        )
        self._vectors = torch.from_numpy(train.vectors)
        self._targets = torch.from_numpy(train.pairs.targets)
        self._weights = torch.from_numpy(label_weights(train.pairs.targets, settings.class_weight))
        self._allowed = torch.from_numpy(allowed_classes())
        self._symmetric = torch.from_numpy(train.symmetric() & settings.swap)

    def run(self) -> tuple[Member, list[dict[str, float]]]:
        """The member of the best epoch, and a row an epoch."""
        settings, member = self._settings, self._member
        steps = math.ceil(len(self._train.pairs) / settings.batch_pairs) * settings.epochs
        optimizer = torch.optim.AdamW(
            member.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, warm_up_then_cosine(steps))
        rows: list[dict[str, float]] = []
        best: dict[str, Any] = {}
        lowest, waited = math.inf, 0
        for epoch in range(1, settings.epochs + 1):
            losses = []
            member.train()
            for batch, chosen in enumerate(self._batches(epoch), 1):
                loss = self._loss(chosen)
                if not torch.isfinite(loss):
                    raise InputError(self._not_finite(epoch, batch, chosen))
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
                schedule.step()
                losses.append(loss.item())
            nll = self._valid_nll()
            rows.append(
                {
                    "member": self._number,
                    "epoch": epoch,
                    "loss": float(np.mean(losses)),
                    "valid_nll": nll,
                }
            )
            if nll < lowest:
                lowest, waited = nll, 0
                best = {name: value.clone() for name, value in member.state_dict().items()}
            else:
                waited += 1
            if waited >= settings.patience:
                break
        member.load_state_dict(best)
        return member.eval(), rows

    def _batches(self, epoch: int) -> Iterator[torch.Tensor]:
        draw = torch.Generator().manual_seed(self._seed * 100_003 + epoch)
        order = torch.randperm(len(self._train.pairs), generator=draw)
        return iter(torch.split(order, self._settings.batch_pairs))

    def _loss(self, chosen: torch.Tensor) -> torch.Tensor:
        rows = chosen.numpy()
        a = self._vectors[self._train.pairs.a[rows]]
        b = self._vectors[self._train.pairs.b[rows]]
        features = torch.from_numpy(self._train.features[rows])
        turned = torch.from_numpy(self._train.turned[rows])
        turn = (self._symmetric[chosen] & (torch.rand(len(rows)) < 0.5))[:, None]  # noqa: PLR2004
        a, b = torch.where(turn, b, a), torch.where(turn, a, b)
        with torch.no_grad():
            crossed, pieces = self._head.inputs(a, b, torch.where(turn, turned, features))
        logits = self._member(crossed, pieces) + self._head.never
        return set_loss(logits, self._targets[chosen], self._weights, self._allowed)

    def _valid_nll(self) -> float:
        self._member.eval()
        table = self._valid
        with torch.inference_mode():
            crossed, pieces = self._head.inputs(
                torch.from_numpy(table.vectors[table.pairs.a]),
                torch.from_numpy(table.vectors[table.pairs.b]),
                torch.from_numpy(table.features),
            )
            logits = (self._member(crossed, pieces) + self._head.never).numpy()
        temperature = best_temperature(logits, table.pairs.targets)
        return nll_of_logits(logits / temperature, table.pairs.targets)

    def _not_finite(self, epoch: int, batch: int, chosen: torch.Tensor) -> str:
        first = int(chosen[0])
        return (
            f"the loss is not finite in member {self._number}, epoch {epoch}, batch {batch} (its "
            f"first pair is number {first} of train); lower learning_rate and run again: the "
            "members done before are kept"
        )


def set_loss(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, allowed: torch.Tensor
) -> torch.Tensor:
    """Weighted cross-entropy where a label may allow several classes; a scalar.

    Args:
        logits: float32 [pairs, classes].
        targets: share of each label, float32 [pairs, labels].
        weights: of each label, float32 [labels].
        allowed: 1 where a label allows a class, float32 [labels, classes].
    """
    log_p = torch.log_softmax(logits, dim=1)
    blocked = torch.where(allowed > 0, 0.0, -torch.inf)
    log_sets = torch.logsumexp(log_p[:, None, :] + blocked[None], dim=2)
    # A label that a pair does not have may allow no trained class: its log is far below 0.
    return -(targets * weights * log_sets).sum(dim=1).mean()


def warm_up_then_cosine(steps: int) -> Callable[[int], float]:
    """The share of the peak learning rate at each of ``steps``, counted from 0."""
    warm = max(1, int(WARM_UP * steps))

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))

    return factor
