"""The user encoder's files of an artifact.

- `user_encoder.onnx`: float32 ``vectors`` [batch, length, d] (behaviour vectors of a history,
  oldest first, padded at the end with anything), int64 ``lengths`` [batch] (1 to the limit), and
  float32 ``gap_days`` [batch, length] (days from each event to the next, of the last to now; -1
  where unknown) to float32 ``query`` [batch, d], of length 1. A graph that was trained without
  times does not read ``gap_days`` and does not list it among its inputs.
- `spaces/behaviour.npy`: float16 [products, d], rows of length 1, of the products that were bought,
  and `spaces/behaviour.ids.json`, one id a row. Query and row are compared by inner product.
- `ridge.npy`: float32 [text dimension + 1, d]. A product without behaviour is at
  text vector x all rows but the last + the last row.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from relatum_export.errors import QualityError
from relatum_export.training import torchscript_graph
from relatum_export.training.users.model import UserEncoder
from relatum_export.training.users.run import TrainedUsers

GRAPH = "user_encoder.onnx"
VECTORS = "spaces/behaviour.npy"
IDS = "spaces/behaviour.ids.json"
RIDGE = "ridge.npy"
TOLERANCE = 1e-4
PARITY_HISTORIES = 32


@dataclass(frozen=True, slots=True)
class ExportedUsers:
    """What was written.

    Attributes:
        files: names relative to the folder.
        dimension: of the space, d.
        max_history: the longest history that the graph reads.
        inputs: names of the graph's inputs.
        max_difference: largest absolute difference from PyTorch over the parity histories.
    """

    files: tuple[str, ...]
    dimension: int
    max_history: int
    inputs: tuple[str, ...]
    max_difference: float


def export_users(trained: TrainedUsers, folder: Path) -> ExportedUsers:
    """Write the files into ``folder``, which exists.

    Raises:
        QualityError: the graph differs from PyTorch by more than 1e-4.
    """
    write_graph(trained.encoder, folder / GRAPH)
    difference = parity(trained.encoder, folder / GRAPH, trained.vectors[trained.bought])
    if not difference <= TOLERANCE:
        raise QualityError(
            f"{GRAPH} differs from PyTorch by {difference:.2g}, more than {TOLERANCE:g}; train the "
            "user encoder again, or report this with its config.json"
        )
    (folder / VECTORS).parent.mkdir(parents=True, exist_ok=True)
    half = trained.vectors[trained.bought].astype(np.float16)
    np.save(folder / VECTORS, half, allow_pickle=False)
    ids = [item for item, kept in zip(trained.items, trained.bought, strict=True) if kept]
    (folder / IDS).write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    np.save(folder / RIDGE, trained.ridge, allow_pickle=False)
    session = _session(folder / GRAPH)
    return ExportedUsers(
        (GRAPH, VECTORS, IDS, RIDGE),
        trained.encoder.dimension,
        trained.encoder.max_history,
        tuple(node.name for node in session.get_inputs()),
        difference,
    )


def write_graph(encoder: UserEncoder, out: Path) -> None:
    """Write the encoder as ONNX; batch and length are free."""
    vectors = torch.zeros(2, 3, encoder.dimension)
    inputs = (vectors, torch.tensor([3, 2]), torch.zeros(2, 3))
    torchscript_graph.write_graph(
        encoder.eval(),
        inputs,
        out,
        names=["vectors", "lengths", "gap_days"],
        output="query",
        axes={
            "vectors": {0: "batch", 1: "length"},
            "lengths": {0: "batch"},
            "gap_days": {0: "batch", 1: "length"},
            "query": {0: "batch"},
        },
        traced="",
    )


def parity(encoder: UserEncoder, graph: Path, space: NDArray[np.float32]) -> float:
    """Largest difference between graph and PyTorch over histories of every length up to the limit.

    Args:
        encoder: the reference.
        graph: the ONNX file.
        space: vectors to make histories of, float32 [products, d].
    """
    draw = np.random.default_rng(0)
    limit = encoder.max_history
    lengths = np.unique(np.linspace(1, limit, min(limit, PARITY_HISTORIES)).astype(np.int64))
    rows = draw.integers(0, len(space), (len(lengths), limit))
    gaps = draw.choice(np.array([-1, 0, 0.5, 3, 400], np.float32), (len(lengths), limit))
    session = _session(graph)
    wanted = {node.name for node in session.get_inputs()}
    worst = 0.0
    for part in (slice(0, 1), slice(None)):  # alone, and among others that are padded
        width = int(lengths[part].max())
        feed = {
            "vectors": space[rows[part, :width]],
            "lengths": lengths[part],
            "gap_days": gaps[part, :width],
        }
        (found,) = session.run(["query"], {k: v for k, v in feed.items() if k in wanted})
        with torch.inference_mode():
            expected = encoder(*(torch.from_numpy(value) for value in feed.values())).numpy()
        worst = max(worst, float(np.abs(found - expected).max()))
    return worst


def _session(graph: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
