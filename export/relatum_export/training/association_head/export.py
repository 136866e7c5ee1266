"""Writing a head as ONNX, with what a server needs to feed and to read it."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from relatum_export.errors import QualityError
from relatum_export.training.association_head.classes import CLASSES
from relatum_export.training.association_head.head import AssociationHead, WithoutFeatures
from relatum_export.training.association_head.saved import SavedHead
from relatum_export.training.torchscript_graph import write_graph

GRAPH = "pair_head.onnx"
FACTS = "pair_head.json"
MAX_DIFFERENCE = 1e-5  # of a probability, against PyTorch
CHECKED_PAIRS = 64


def write_pair_head(saved: SavedHead, folder: Path) -> float:
    """Write `pair_head.onnx` and `pair_head.json`.

    The graph: inputs float32 ``a`` and ``b`` [pairs, d], the vectors of the text space (length 1),
    and, where the head uses them, float32 ``features`` [pairs, len(features)] in the order of
    ``features`` in the JSON; output float32 ``probabilities`` [pairs, 4], calibrated, in the order
    of ``classes``. The pair is ordered: a is the product asked about, b the other.

    The JSON: ``classes``, ``trained_classes`` (the others have probability 0), ``temperature``
    (already in the graph), ``features``, ``words`` (weights of title words; ``rare`` for any
    other), ``same_thresholds`` (from which p(same) is called one product, by benchmark, "" for
    all), ``label_sources``, ``encoder_id``, ``dimension``.

    Args:
        saved: see ``saved.load``.
        folder: that exists.

    Returns:
        The largest difference of a probability between graph and PyTorch.

    Raises:
        QualityError: the difference is above 1e-5.
    """
    head = saved.head.eval()
    _export(head, folder / GRAPH)
    difference = _difference(head, folder / GRAPH)
    if difference > MAX_DIFFERENCE:
        raise QualityError(
            f"{GRAPH} differs from PyTorch by {difference:.1e}, more than {MAX_DIFFERENCE:.0e}; "
            "nothing was exported"
        )
    facts = {
        "classes": list(CLASSES),
        "trained_classes": head.classes_trained(),
        "temperature": float(head.temperature),
        "dimension": head.shape.dimension,
        "encoder_id": saved.description["encoder_id"],
        "features": saved.description["features"],
        "words": {"rare": saved.words.rare, "weights": dict(saved.words.weights)},
        "same_thresholds": saved.description["same_thresholds"],
        "label_sources": saved.description["label_sources"],
    }
    (folder / FACTS).write_text(
        json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    return difference


def _export(head: AssociationHead, file: Path) -> None:
    names = ["a", "b"]
    inputs = list(_sample(head, 2))
    module: torch.nn.Module = head
    if head.shape.features:
        names.append("features")
    else:
        module = WithoutFeatures(head).eval()
        inputs = inputs[:2]
    write_graph(
        module,
        inputs,
        file,
        names=names,
        output="probabilities",
        axes={name: {0: "pairs"} for name in [*names, "probabilities"]},
    )


def _difference(head: AssociationHead, file: Path) -> float:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    worst = 0.0
    for pairs in (1, CHECKED_PAIRS):
        a, b, features = _sample(head, pairs)
        with torch.inference_mode():
            expected = head(a, b, features).numpy()
        feed = {"a": a.numpy(), "b": b.numpy(), "features": features.numpy()}
        named = {i.name: feed[i.name] for i in session.get_inputs()}
        found: NDArray[np.float32] = session.run(["probabilities"], named)[0]
        worst = max(worst, float(np.abs(found - expected).max()))
    return worst


def _sample(head: AssociationHead, pairs: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    shape = head.shape
    mean, spread = head.inputs.mean, head.inputs.spread
    a, b = (
        torch.nn.functional.normalize(
            mean + spread * torch.randn(pairs, shape.dimension, generator=draw), dim=1
        )
        for _ in range(2)
    )
    return a, b, torch.rand(pairs, shape.features, generator=draw)
