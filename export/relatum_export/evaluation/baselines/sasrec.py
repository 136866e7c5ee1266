"""SASRec: self-attention over the ids of a history.

Written here on torch: a kept library with it, rectools, does not install beside constraints.txt.
Its release 0.19 asks for attrs below 24, pandas below 3, and before Python 3.13 numpy below 2.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from relatum_export.evaluation.baselines.base import Baseline, Known, Settings
from relatum_export.evaluation.baselines.stopping import fitted_by_valid, train_passes
from relatum_export.training.ranker.requests import Request, Scores

LENGTH, DIMENSION, LAYERS = 50, 64, 2
BATCH, NEGATIVES = 128, 1_024
PASS_EVENTS = 250_000  # in the windows of a pass at most, which are drawn anew each pass


class SelfAttention(nn.Module):
    """Causal transformer over item ids; an item's vector is read and predicted by the same table.

    **Source**: Kang and McAuley 2018, Self-Attentive Sequential Recommendation; trained by the
    sampled softmax of Klenitskiy and Vasilev 2023, which came out better than its one negative.
    """

    def __init__(self, items: int, dropout: float) -> None:
        super().__init__()
        self.item = nn.Embedding(items + 1, DIMENSION, padding_idx=items)
        self.place = nn.Embedding(LENGTH, DIMENSION)
        nn.init.normal_(self.item.weight, std=0.02)
        nn.init.normal_(self.place.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(
            DIMENSION, 2, DIMENSION, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.last, self.drop = nn.LayerNorm(DIMENSION), nn.Dropout(dropout)

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        """Int64 ids [batch, length], padded at the end, to states float32 [batch, length, 64]."""
        length = items.shape[1]
        x = self.drop(self.item(items) + self.place(torch.arange(length)))
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        states: torch.Tensor = self.last(self.layers(x, mask=mask, is_causal=True))
        return states


def _sasrec(known: Known, settings: Settings) -> Scores:
    return fitted_by_valid(_trained, known, settings)


def _trained(known: Known, settings: Settings, passes: int | None) -> tuple[Scores, int]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(known.seed)
        rng = np.random.default_rng(known.seed)
        model = SelfAttention(known.items, settings["dropout"])
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
        windows = _windows(known.judged.histories[known.fit])
        lengths = np.array([len(window) for window in windows], np.int64)

        def one_pass() -> None:
            drawn = rng.permutation(len(windows))
            drawn = drawn[np.cumsum(lengths[drawn]) <= PASS_EVENTS]
            # Of like length together, so that little is padding; the batches in random order.
            drawn = drawn[np.argsort(lengths[drawn], kind="stable")]
            starts = rng.permutation(np.arange(0, len(drawn), BATCH))
            for start in starts:
                ids = _padded([windows[row] for row in drawn[start : start + BATCH]], known.items)
                loss = _loss(model, ids, known.items, rng)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()

        def scores(requests: Sequence[Request]) -> NDArray[np.floating]:
            newest = [request.events[-LENGTH:] for request in requests]
            ids = _padded([one if len(one) else [known.items] for one in newest], known.items)
            ends = torch.tensor([max(len(one), 1) - 1 for one in newest])
            with torch.inference_mode():
                states = model(ids)[torch.arange(len(ids)), ends]
                found: NDArray[np.float32] = (states @ model.item.weight[:-1].T).numpy()
            return found

        taken = train_passes(model, one_pass, scores, known, passes)
    return scores, taken


def _loss(
    model: SelfAttention, ids: torch.Tensor, items: int, rng: np.random.Generator
) -> torch.Tensor:
    """Sampled softmax with the same uniform negatives for a whole batch."""
    real = ids[:, 1:] != items
    states, targets = model(ids[:, :-1])[real], ids[:, 1:][real]
    drawn = torch.from_numpy(rng.integers(0, items, NEGATIVES))
    wrong = states @ model.item(drawn).T
    wrong = wrong.masked_fill(drawn[None, :] == targets[:, None], -torch.inf)
    right = (states * model.item(targets)).sum(dim=1, keepdim=True)
    logits = torch.cat([right, wrong], dim=1)
    return functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64))


def _windows(histories: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Each history from its newest end back in windows of one target more than is read."""
    return [
        history[max(0, end - LENGTH - 1) : end]
        for history in histories
        for end in range(len(history), 1, -LENGTH)
    ]


def _padded(rows: Sequence[Sequence[int] | NDArray[np.int64]], padding: int) -> torch.Tensor:
    out = np.full((len(rows), max(map(len, rows))), padding, np.int64)
    for place, row in enumerate(rows):
        out[place, : len(row)] = row
    return torch.from_numpy(out)


SASREC = Baseline("sasrec", [{"dropout": 0.2}, {"dropout": 0.5}], _sasrec)
