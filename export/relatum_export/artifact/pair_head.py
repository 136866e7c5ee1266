"""The association head's part of an artifact: graph, word weights, golden pairs."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.graph_golden import write_graph_golden
from relatum_export.errors import InputError
from relatum_export.training.association_head.classes import CLASSES
from relatum_export.training.association_head.export import FACTS, GRAPH, write_pair_head
from relatum_export.training.association_head.lexical import (
    FEATURES,
    PairText,
    ProductFacts,
    pair_features,
)
from relatum_export.training.association_head.saved import SavedHead
from relatum_export.training.encoder import TextEncoder

GOLDEN = "golden/pair_head.npz"
GOLDEN_FEATURES = "golden/pair_features.jsonl"
DECIMALS = 6
# Written for this file; no row of any data set.
PAIRS = (
    (
        ProductFacts("Lumen desk lamp LED DL-2400, white", "Lumen", "9 W, dimmable", "Home", 29.9),
        ProductFacts("LED desk lamp Lumen DL2400 (white)", "Lumen", "", "Home", 31.5),
    ),
    (
        ProductFacts("Lumen desk lamp DL-2400", "Lumen", "", "Home", 29.9),
        ProductFacts("Lumen desk lamp DL-3600", "Lumen", "Brighter by half", "Home", 45.0),
    ),
    (
        ProductFacts("Laser printer Ovis 12", "Ovis", "Prints 20 pages a minute", "Office", 120.0),
        ProductFacts("Toner cartridge for Ovis 12 laser printer", "", "", "Office", 39.0),
    ),
    (ProductFacts("Gluten free pasta 500 g"), ProductFacts("Running shoes, size 42", "Arro")),
    (
        ProductFacts("台灯 护眼 LED 9瓦", "明亮", "可调光", "家居 > 灯具", 89.0),
        ProductFacts("护眼台灯 LED 12W", "明亮", "", "家居 > 灯具", 99.0),
    ),
    (ProductFacts('12345-678 1/2" bolt'), ProductFacts("")),
)


def add_pair_head(
    saved: SavedHead, encoder: TextEncoder, folder: Path, manifest: manifest_pb2.Manifest
) -> dict[str, Any]:
    """Write the head's files into ``folder`` and name them in ``manifest``.

    Args:
        saved: of a finished run on this encoder.
        encoder: gives the vectors of the golden pairs.
        folder: of the artifact.
        manifest: gets the part.

    Returns:
        What the export measured.

    Raises:
        QualityError: the graph differs from PyTorch.
        InputError: the run is of an encoder of another dimension, or of other features.
    """
    head = saved.head
    features = tuple(saved.description["features"])
    if head.shape.dimension != encoder.dimension or features not in ((), FEATURES):
        raise InputError(
            f"the association head reads vectors of {head.shape.dimension} numbers (the encoder's "
            f"have {encoder.dimension}) and the features {', '.join(features) or 'none'}; train it "
            "again with this version of relatum and this encoder"
        )
    difference = write_pair_head(saved, folder)
    manifest.pair_head.CopyFrom(
        manifest_pb2.PairHead(
            file=GRAPH,
            classes=CLASSES,
            learned_classes=head.classes_trained(),
            dimension=head.shape.dimension,
            features=features,
            words_file=FACTS if features else "",
            temperature=float(head.temperature),
            label_sources=[
                manifest_pb2.LabelSource(label=label, source=source, pairs=pairs)
                for label, sources in saved.description["label_sources"].items()
                for source, pairs in sources.items()
            ],
            golden_file=GOLDEN,
            golden_features_file=GOLDEN_FEATURES if features else "",
        )
    )
    _write_golden(saved, encoder, folder, with_features=bool(features))
    return {"max_difference_to_pytorch": difference}


def _write_golden(
    saved: SavedHead, encoder: TextEncoder, folder: Path, *, with_features: bool
) -> None:
    rows = [
        pair_features(PairText.of(a), PairText.of(b), saved.words) if with_features else []
        for a, b in PAIRS
    ]
    sides = (
        [f"{x.title} {x.description}".strip() or "-" for x in side]
        for side in zip(*PAIRS, strict=True)
    )
    a, b = (encoder.encode(texts, kind="document") for texts in sides)
    inputs = {"a": a, "b": b, "features": np.array(rows, np.float32).reshape(len(PAIRS), -1)}
    write_graph_golden(folder / GRAPH, inputs, folder / GOLDEN)
    if with_features:
        lines = [
            json.dumps(
                {
                    "a": asdict(a),
                    "b": asdict(b),
                    "features": [round(float(x), DECIMALS) for x in row],
                },
                ensure_ascii=False,
            )
            for (a, b), row in zip(PAIRS, rows, strict=True)
        ]
        (folder / GOLDEN_FEATURES).write_text("\n".join(lines) + "\n", encoding="utf-8")
