"""The reranker's part of an artifact: graphs, tokenizer, golden pairs, each tried on PyTorch."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact import conversion
from relatum_export.artifact.onnx_reranker import OUTPUT, OnnxReranker
from relatum_export.artifact.static_int8 import fix_ranges
from relatum_export.errors import QualityError
from relatum_export.training.cross_encoder import CrossEncoding, Pair, TorchCrossEncoder
from relatum_export.training.torchscript_graph import write_graph

TOKENIZER, GOLDEN = "reranker_tokenizer.json", "golden_reranker.jsonl"
PROVIDERS = {
    "fp32": ("CPUExecutionProvider", "CUDAExecutionProvider"),
    "int8": ("CPUExecutionProvider",),
    "fp16": ("CUDAExecutionProvider",),
}
# Mean difference to PyTorch over a shop's pairs, in spreads (standard deviations) of its scores.
ALLOWED = {"fp32": 0.001, "fp16": 0.01, "int8": 0.1}
CALIBRATED, COMPARED = 128, 256  # pairs
DECIMALS = 5
# Written for this file; no row of any data set.
GOLDEN_PAIRS: tuple[Pair, ...] = (
    ("wireless mouse", "Quiet wireless mouse with a rechargeable battery"),
    ("wireless mouse", "Garden hose 20 m with brass fittings"),
    ("does it fit a 13 inch laptop", "The sleeve holds laptops of up to 14 inches."),
    ("does it fit a 13 inch laptop", "Washable at thirty degrees."),
    ("coffee", "Ground coffee, medium roast, 500 g | Grocery > Coffee"),
    ("usb c cable", "An unusually long description. " + "It goes on about colours. " * 40),
)


def add_reranker(
    reranker: TorchCrossEncoder,
    pairs: Sequence[Pair],
    folder: Path,
    manifest: manifest_pb2.Manifest,
) -> tuple[Mapping[str, OnnxReranker], dict[str, Any]]:
    """Write graphs, tokenizer and golden pairs into ``folder``, and name them in ``manifest``.

    Args:
        reranker: the reference.
        pairs: of the shop, to fix the ranges of int8 on and to compare on; at least one.
        folder: of the artifact.
        manifest: gets the part, without weights.

    Returns:
        The graphs by precision, and what the export measured.

    Raises:
        QualityError: a graph differs from PyTorch.
    """
    files = {precision: f"reranker.{precision}.onnx" for precision in PROVIDERS}
    _write_graphs(reranker, pairs, {p: folder / file for p, file in files.items()})
    reranker.pair_input.tokenizer.no_truncation()
    reranker.pair_input.tokenizer.save(str(folder / TOKENIZER))
    graphs = {p: OnnxReranker(folder / file, reranker.pair_input) for p, file in files.items()}
    differences = compared(reranker, graphs, evenly(pairs, COMPARED))
    (folder / GOLDEN).write_text("\n".join(_golden_lines(graphs)) + "\n", encoding="utf-8")
    manifest.reranker.CopyFrom(
        manifest_pb2.Reranker(
            base_model=reranker.name,
            max_tokens=reranker.pair_input.max_tokens,
            tokenizer_file=TOKENIZER,
            pad_token_id=reranker.pair_input.pad_token_id,
            variants=[
                manifest_pb2.Variant(precision=p, file=files[p], providers=PROVIDERS[p])
                for p in files
            ],
            golden_file=GOLDEN,
        )
    )
    return graphs, {"base_model": reranker.name, "mean_difference_in_spreads": differences}


def remove_reranker(folder: Path, manifest: manifest_pb2.Manifest) -> None:
    """Take the part out again, where nothing asks for it."""
    part = manifest.reranker
    for file in (part.tokenizer_file, part.golden_file, *(v.file for v in part.variants)):
        (folder / file).unlink()
    manifest.ClearField("reranker")


def evenly(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """At most so many different pairs, evenly spread by length."""
    distinct = sorted(set(pairs), key=lambda pair: (len(pair[0]) + len(pair[1]), pair))
    step = max(1.0, len(distinct) / count)
    return [distinct[int(at * step)] for at in range(min(count, len(distinct)))]


def compared(
    reference: TorchCrossEncoder, graphs: Mapping[str, OnnxReranker], pairs: Sequence[Pair]
) -> dict[str, float]:
    """Mean difference of each graph to PyTorch, in standard deviations of PyTorch's scores.

    Raises:
        QualityError: one is larger than ``ALLOWED``.
    """
    expected = reference.scores(pairs).astype(np.float64)
    spread = max(float(expected.std()), 1e-6)
    found = {}
    for precision, graph in graphs.items():
        found[precision] = float(np.abs(graph.scores(pairs) - expected).mean()) / spread
        if not found[precision] <= ALLOWED[precision]:  # NaN fails too
            raise QualityError(
                f"the {precision} reranker differs from PyTorch by {found[precision]:.4f} of its "
                f"scores' spread, allowed {ALLOWED[precision]}; nothing was exported"
            )
    return found


def _write_graphs(
    reranker: TorchCrossEncoder, pairs: Sequence[Pair], files: Mapping[str, Path]
) -> None:
    fp32, int8 = files["fp32"], files["int8"]
    fused, by_batch = fp32.with_suffix(".fused.onnx"), int8.with_suffix(".by_batch.onnx")
    try:
        _export(reranker.module, fp32)
        conversion.fuse(fp32, reranker.module.classifier.config, fused)
        conversion.to_fp16(fused, files["fp16"])
        conversion.quantise_int8(fused, by_batch)
        tokens = reranker.pair_input.token_ids(evenly(pairs, CALIBRATED))
        fix_ranges(by_batch, fused, [reranker.pair_input.pad([row]) for row in tokens], int8)
        fused.replace(fp32)
    finally:
        fused.unlink(missing_ok=True)
        by_batch.unlink(missing_ok=True)


def _export(module: CrossEncoding, out: Path) -> None:
    ids = torch.ones((2, 8), dtype=torch.int64)
    ids[:, 3] = module.separator
    write_graph(
        module,
        [ids, torch.ones_like(ids)],
        out,
        names=["input_ids", "attention_mask"],
        output=OUTPUT,
        axes={
            "input_ids": {0: "batch", 1: "tokens"},
            "attention_mask": {0: "batch", 1: "tokens"},
            OUTPUT: {0: "batch"},
        },
        # a mask's fill value, which is a constant
        traced=r"torch\.tensor results are registered as constants in the trace",
    )


def _golden_lines(graphs: Mapping[str, OnnxReranker]) -> list[str]:
    return [
        json.dumps(
            {
                "query": query,
                "text": text,
                "scores": {
                    precision: round(float(graph.scores([(query, text)])[0]), DECIMALS)
                    for precision, graph in graphs.items()
                },
            },
            ensure_ascii=False,
        )
        for query, text in GOLDEN_PAIRS
    ]
