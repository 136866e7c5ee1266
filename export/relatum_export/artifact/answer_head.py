"""The answer head's part of an artifact: two graphs, each tried against PyTorch."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.answer_space import INPUT, OUTPUT, PASSAGE, QUESTION, open_graph
from relatum_export.errors import InputError, QualityError
from relatum_export.training.answer_head.saved import SavedAnswers
from relatum_export.training.torchscript_graph import write_graph

MAX_DIFFERENCE = 1e-5  # of a coordinate, against PyTorch
CHECKED = 64


def add_answer_head(
    saved: SavedAnswers, dimension: int, folder: Path, manifest: manifest_pb2.Manifest
) -> dict[str, Any]:
    """Write the head's graphs into ``folder`` and name them in ``manifest``.

    A head that valid found no better than the encoder's own vectors is left out.

    Args:
        saved: of a finished run on this encoder.
        dimension: of the encoder.
        folder: of the artifact.
        manifest: gets the part.

    Returns:
        What the export measured.

    Raises:
        QualityError: a graph differs from PyTorch.
        InputError: the run is of an encoder of another dimension.
    """
    shape = saved.head.shape
    if shape.dimension != dimension:
        raise InputError(
            f"the answer head reads vectors of {shape.dimension} numbers, and the encoder's have "
            f"{dimension}; train it again with this encoder"
        )
    if not saved.description["helps"]:
        return {"left_out": "valid found it no better than the vectors alone"}
    differences = [
        _write(saved.head.side("question"), dimension, folder / QUESTION),
        _write(saved.head.side("passage"), dimension, folder / PASSAGE),
    ]
    manifest.answer_head.CopyFrom(
        manifest_pb2.AnswerHead(
            question_file=QUESTION,
            passage_file=PASSAGE,
            input_dimension=dimension,
            dimension=shape.members * dimension,
            questions=int(saved.description["questions"]),
        )
    )
    return {"max_difference_to_pytorch": max(differences)}


def _write(side: torch.nn.Module, dimension: int, file: Path) -> float:
    """Write one graph; the largest difference of a coordinate to PyTorch."""
    side = side.eval()
    draw = torch.Generator().manual_seed(0)
    sample = torch.nn.functional.normalize(torch.randn(CHECKED, dimension, generator=draw), dim=1)
    write_graph(
        side,
        [sample[:2]],
        file,
        names=[INPUT],
        output=OUTPUT,
        axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}},
    )
    session, worst = open_graph(file), 0.0
    for rows in (1, CHECKED):
        with torch.inference_mode():
            expected = side(sample[:rows]).numpy()
        found = session.run([OUTPUT], {INPUT: sample[:rows].numpy()})[0]
        worst = max(worst, float(np.abs(found - expected).max()))
    if worst > MAX_DIFFERENCE:
        raise QualityError(
            f"{file.name} differs from PyTorch by {worst:.1e}, more than {MAX_DIFFERENCE:.0e}; "
            "nothing was exported"
        )
    return worst
