"""The user encoder's part of an artifact: graph, behaviour space, ridge map, golden histories."""

from pathlib import Path
from typing import Any

import numpy as np

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.graph_golden import write_graph_golden
from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.training.users.export import GRAPH, IDS, RIDGE, VECTORS, export_users
from relatum_export.training.users.run import TrainedUsers

GOLDEN = "golden/user_encoder.npz"
SPACE = "behaviour"
GOLDEN_GAPS = (-1.0, 0.0, 0.5, 3.0, 400.0)  # days
SEED = 0


def add_user_encoder(
    trained: TrainedUsers, corpus: Corpus, folder: Path, manifest: manifest_pb2.Manifest
) -> dict[str, Any]:
    """Write the user encoder's files into ``folder`` and name them in ``manifest``.

    Args:
        trained: of a finished run on this encoder.
        corpus: the shop.
        folder: of the artifact.
        manifest: its encoder is described; gets the part, its space and the ridge map.

    Returns:
        What the export measured.

    Raises:
        QualityError: the graph differs from PyTorch.
        InputError: the run has no product of this corpus, or is of another text dimension.
    """
    known = set(corpus.table("items", ["item_id"]).column("item_id").to_pylist())
    bought = [item for item, kept in zip(trained.items, trained.bought, strict=True) if kept]
    if known.isdisjoint(bought):
        raise InputError(
            f"corpus {corpus.path} has none of the {len(bought):,} products that the user encoder "
            "learned; train it on this corpus"
        )
    if trained.ridge.shape[0] != manifest.encoder.dimension + 1:
        raise InputError(
            f"the user encoder's ridge map reads text vectors of {trained.ridge.shape[0] - 1} "
            f"numbers and the encoder's have {manifest.encoder.dimension}; train it again"
        )
    exported = export_users(trained, folder)
    size = exported.dimension
    manifest.spaces.add(name=SPACE, vectors_file=VECTORS, ids_file=IDS, dimension=size)
    manifest.ridge.CopyFrom(
        manifest_pb2.RidgeMap(
            file=RIDGE, space=SPACE, input_dimension=manifest.encoder.dimension, dimension=size
        )
    )
    manifest.user_encoder.CopyFrom(
        manifest_pb2.UserEncoder(
            file=GRAPH,
            space=SPACE,
            dimension=size,
            max_history=exported.max_history,
            reads_gaps="gap_days" in exported.inputs,
            repeats=trained.config["settings"]["repeats"] == "on",
            golden_file=GOLDEN,
        )
    )
    _write_golden(folder, exported.max_history)
    return {"max_difference_to_pytorch": exported.max_difference, "products": len(bought)}


def _write_golden(folder: Path, limit: int) -> None:
    """Histories of one, two, half the limit and the limit, of vectors as the server reads them."""
    space = np.load(folder / VECTORS, allow_pickle=False).astype(np.float32)
    lengths = np.unique([1, min(2, limit), (limit + 1) // 2, limit]).astype(np.int64)
    draw = np.random.default_rng(SEED)
    shape = (len(lengths), limit)
    inputs = {
        "vectors": space[draw.integers(0, len(space), shape)],
        "lengths": lengths,
        "gap_days": draw.choice(np.array(GOLDEN_GAPS, np.float32), shape),
    }
    write_graph_golden(folder / GRAPH, inputs, folder / GOLDEN)
