"""Fitting a head: its members, its trees, their shares, its temperature."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from scipy.special import softmax
from torch.utils.tensorboard import SummaryWriter

from relatum_export.console import Reporter
from relatum_export.errors import InputError
from relatum_export.training.association_head.calibration import best_temperature, nll_of_logits
from relatum_export.training.association_head.classes import (
    CLASSES,
    trained_classes,
)
from relatum_export.training.association_head.head import (
    NEVER,
    AssociationHead,
    HeadShape,
    PairInput,
    quantile_pieces,
    state_of,
)
from relatum_export.training.association_head.member import (
    MemberFit,
    PairTable,
    label_weights,
)
from relatum_export.training.association_head.settings import PairSettings
from relatum_export.training.association_head.trees import fit_trees

QUARTERS = 4  # shares are tried in quarters
BLOCK_PAIRS = 4_096


def fit_head(
    train: PairTable,
    valid: PairTable,
    settings: PairSettings,
    folder: Path,
    reporter: Reporter,
) -> tuple[AssociationHead, list[dict[str, float]]]:
    """Fit all members, each from its own seed, then the temperature on valid.

    A member that is done is kept under `checkpoints/`; a run that goes on loads it.

    Args:
        train: pairs to learn from.
        valid: pairs that stop each member and set the temperature.
        settings: see ``PairSettings``.
        folder: of the run.
        reporter: for progress.

    Returns:
        The head, ready to answer, and one row an epoch: member, epoch, loss, valid NLL.

    Raises:
        InputError: fewer than two classes, or the loss is not finite.
    """
    trained = trained_classes(train.pairs.targets)
    if trained.sum() < 2:  # noqa: PLR2004 - nothing to tell apart
        only = [name for name, there in zip(CLASSES, trained, strict=True) if there]
        raise InputError(
            f"all train labels are of one class, {only[0] if only else 'none'}; a head needs two: "
            "give a corpus with other pairs, or weak_labels = true on one with behaviour"
        )
    pieces = quantile_pieces(train.with_cosine(), settings.bins)
    shape = HeadShape(
        train.vectors.shape[1],
        train.features.shape[1],
        len(pieces),
        settings.hidden,
        settings.members,
        settings.word_members if settings.lexical else 0,
    )
    head = AssociationHead(shape)
    head.inputs = PairInput.fitted(shape, train.vectors, pieces)
    head.never.copy_(torch.from_numpy(np.where(trained, 0.0, NEVER)))
    curve = _fit_members(head, train, valid, settings, folder=folder, reporter=reporter)
    head.eval()
    if settings.trees and settings.lexical:
        reporter.info("boosting trees")
        head.trees = fit_trees(
            train.with_cosine(),
            train.turned_with_cosine(),
            train.pairs.targets,
            label_weights(train.pairs.targets, settings.class_weight),
            softmax(head_logits(head, train), axis=1),
            symmetric=train.symmetric() & settings.swap,
            rounds=settings.trees,
            depth=settings.tree_depth,
            learning_rate=settings.tree_learning_rate,
            seed=settings.seed,
        )
    head.mix(_best_shares(head, valid))
    logits = head_logits(head, valid)
    head.temperature.fill_(best_temperature(logits, valid.pairs.targets))
    return head, curve


def _fit_members(
    head: AssociationHead,
    train: PairTable,
    valid: PairTable,
    settings: PairSettings,
    *,
    folder: Path,
    reporter: Reporter,
) -> list[dict[str, float]]:
    """Fit the members that no checkpoint has; one row an epoch."""
    curve: list[dict[str, float]] = []
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    members = [*head.members, *head.word_members]
    with (
        SummaryWriter(str(folder / "tensorboard")) as log,
        reporter.progress("fit heads", len(members)) as advance,
    ):
        for number, member in enumerate(members):
            file = checkpoints / f"member-{number}.safetensors"
            rows_file = file.with_suffix(".json")
            if file.is_file() and rows_file.is_file():
                member.load_state_dict(load_file(file))
                rows = json.loads(rows_file.read_text(encoding="utf-8"))
            else:
                fit = MemberFit(head, train, valid, settings, number=number, vectors=member.vectors)
                fitted, rows = fit.run()
                member.load_state_dict(fitted.state_dict())
                save_file(state_of(member), file)
                rows_file.write_text(json.dumps(rows), encoding="utf-8")
            for row in rows:
                log.add_scalar(f"member-{number}/loss", row["loss"], int(row["epoch"]))
                log.add_scalar(f"member-{number}/valid_nll", row["valid_nll"], int(row["epoch"]))
            curve += rows
            advance(1)
    return curve


def _best_shares(head: AssociationHead, valid: PairTable) -> tuple[float, ...]:
    """Shares of the parts, in quarters, with the lowest valid NLL; the earlier parts win a tie."""
    there = (len(head.members) > 0, len(head.word_members) > 0, head.trees is not None)
    parts = _evaluate(valid, head.parts)
    never = head.never.numpy()

    def nll(shares: tuple[float, ...]) -> float:
        mixed = np.einsum("p,pnc->nc", np.array(shares), parts) + never
        temperature = best_temperature(mixed, valid.pairs.targets)
        return nll_of_logits(mixed / temperature, valid.pairs.targets)

    quarters = [
        (first / QUARTERS, second / QUARTERS, (QUARTERS - first - second) / QUARTERS)
        for first in range(QUARTERS, -1, -1)
        for second in range(QUARTERS - first, -1, -1)
    ]
    possible = [
        shares
        for shares in quarters
        if all(part or not share for part, share in zip(there, shares, strict=True))
    ]
    return min(possible, key=nll)


def head_logits(head: AssociationHead, table: PairTable) -> NDArray[np.float32]:
    """Before temperature, float32 [pairs, classes]."""
    return _evaluate(table, head.logits)


def _evaluate(
    table: PairTable, of: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
) -> NDArray[np.float32]:
    """A head's function over all pairs, joined along the last but one axis."""
    found = []
    with torch.inference_mode():
        for start in range(0, max(1, len(table.pairs)), BLOCK_PAIRS):
            part = slice(start, start + BLOCK_PAIRS)
            a = torch.from_numpy(table.vectors[table.pairs.a[part]])
            b = torch.from_numpy(table.vectors[table.pairs.b[part]])
            found.append(of(a, b, torch.from_numpy(table.features[part])).numpy())
    return np.concatenate(found, axis=-2)
