"""LightGCN: id vectors smoothed over the graph of shoppers and items.

Written here on torch. A kept library, torch-geometric, has the model and its loss, which are the
smaller part of this module; the rest it has not: a shopper who was not trained on is placed by a
history, and valid stops.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import nn
from torch.nn import functional

from relatum_export.evaluation.baselines.base import Baseline, Known, Settings, asked
from relatum_export.evaluation.baselines.stopping import fitted_by_valid, train_passes
from relatum_export.training.ranker.requests import Request, Scores

DIMENSION = 64
STEPS = 20  # of a pass: each smooths the whole graph once


def _lightgcn(known: Known, settings: Settings) -> Scores:
    return fitted_by_valid(_trained, known, settings)


def _trained(known: Known, settings: Settings, passes: int | None) -> tuple[Scores, int]:
    """BPR over the mean of all layers; a shopper asked about is smoothed from the history's items.

    **Source**: He et al. 2020, LightGCN, equations 3, 4 and 15.
    """
    held = (known.interactions() > 0).astype(np.float32).tocoo()
    shoppers, items = held.shape
    graph = _normalised(held)
    right = 1.0 / np.sqrt(np.maximum(np.asarray(held.sum(axis=0)).ravel(), 1.0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(known.seed)
        rng = np.random.default_rng(known.seed)
        model = nn.Embedding(shoppers + items, DIMENSION)
        nn.init.normal_(model.weight, std=0.1)
        optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)

        def smoothed() -> list[torch.Tensor]:
            layers = [model.weight]
            for _ in range(settings["layers"]):
                layers.append(_Smoothed.apply(layers[-1], graph))  # type: ignore[no-untyped-call]
            return layers

        def one_pass() -> None:
            for rows in np.array_split(rng.permutation(held.nnz), STEPS):
                vectors = torch.stack(smoothed()).mean(dim=0)
                user = torch.from_numpy(held.row[rows].astype(np.int64))
                good = torch.from_numpy(held.col[rows].astype(np.int64)) + shoppers
                bad = torch.from_numpy(rng.integers(0, items, len(rows))) + shoppers
                gain = (vectors[user] * (vectors[good] - vectors[bad])).sum(dim=1)
                used = model.weight[torch.cat([user, good, bad])]
                penalty = settings["penalty"] * used.square().sum() / max(len(rows), 1)
                loss = -functional.logsigmoid(gain).mean() + penalty
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()

        def scores(requests: Sequence[Request]) -> NDArray[np.floating]:
            histories = asked(requests, items, repeats=False)
            lengths = np.maximum(np.asarray(histories.sum(axis=1)).ravel(), 1.0)
            weights = sparse.diags(1.0 / np.sqrt(lengths)) @ histories @ sparse.diags(right)
            with torch.inference_mode():
                layers = [layer[shoppers:].numpy() for layer in smoothed()]
            # One step over the edges of the history: the shopper's own id vector is not known.
            users = weights.astype(np.float32) @ np.mean(layers, axis=0)
            found: NDArray[np.float32] = users @ np.mean(layers, axis=0).T
            return found

        taken = train_passes(model, one_pass, scores, known, passes)
    return scores, taken


class _Smoothed(torch.autograd.Function):
    """One layer, by scipy: over twice as fast as torch's COO.

    The graph is symmetric, so the way back is the way forth and needs no transpose.
    """

    @staticmethod
    def forward(ctx: Any, vectors: torch.Tensor, graph: sparse.csr_matrix) -> torch.Tensor:
        ctx.graph = graph
        return torch.from_numpy(graph @ vectors.detach().numpy())

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return torch.from_numpy(ctx.graph @ gradient.numpy()), None


def _normalised(held: sparse.coo_matrix) -> sparse.csr_matrix:
    """The graph of shoppers, then items, divided by the roots of both ends' degrees."""
    whole = sparse.bmat([[None, held], [held.T, None]], format="csr", dtype=np.float32)
    root = 1.0 / np.sqrt(np.maximum(np.asarray(whole.sum(axis=1)).ravel(), 1.0))
    return (sparse.diags(root) @ whole @ sparse.diags(root)).tocsr().astype(np.float32)


LIGHTGCN = Baseline(
    "lightgcn",
    [{"layers": layers, "penalty": 1e-4} for layers in (2, 3)],
    _lightgcn,
)
