"""The folder that `build graph` writes: the edges, the spaces, what was chosen and why.

`graph.parquet` (source, relation, target, count); `spaces/complement_out.npy` and
`spaces/complement_in.npy` (float16 [products, d], asked with and found) and `spaces/diffused.npy`
(float16 [products, d], rows of length 1), each with `spaces/NAME.ids.json`, one id a row;
`config.json` and `metrics.json`. A part that the corpus cannot give is absent.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from relatum_export.errors import InputError
from relatum_export.graph.edges import KnowledgeGraph, read_graph

FORMAT = "relatum-graph"
CONFIG = "config.json"
METRICS = "metrics.json"
GRAPH = "graph.parquet"
COMPLEMENT_OUT = "complement_out"
COMPLEMENT_IN = "complement_in"
DIFFUSED = "diffused"


@dataclass(frozen=True, slots=True)
class Space:
    """Vectors by product.

    Attributes:
        item_ids: one a row.
        vectors: float32 [products, d].
    """

    item_ids: tuple[str, ...]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class GraphFolder:
    """An opened folder.

    Attributes:
        path: where it is.
        config: `config.json`: encoder_id, data_sha256, text_form, settings, versions.
        metrics: `metrics.json`: what was tried on valid and what was chosen.
    """

    path: Path
    config: dict[str, Any]
    metrics: dict[str, Any]

    @classmethod
    def open(cls, path: Path) -> "GraphFolder":
        """Read the folder's descriptions.

        Raises:
            InputError: it is not a folder that `build graph` wrote.
        """
        if not is_graph_folder(path):
            raise InputError(
                f"{path} is not a graph; make one with `relatum-export build graph --corpus CORPUS "
                f"--encoder RUN --out {path}`"
            )
        config, metrics = (
            json.loads((path / name).read_text(encoding="utf-8")) for name in (CONFIG, METRICS)
        )
        return cls(path, config, metrics)

    def graph(self) -> KnowledgeGraph:
        """The edges."""
        return read_graph(self.path / GRAPH)

    def space(self, name: str) -> Space | None:
        """One space; None where the folder does not have it."""
        if not (self.path / space_files(name)[0]).is_file():
            return None
        vectors, ids = (self.path / file for file in space_files(name))
        return Space(
            tuple(json.loads(ids.read_text(encoding="utf-8"))),
            np.load(vectors, allow_pickle=False).astype(np.float32),
        )


def is_graph_folder(path: Path) -> bool:
    """Whether `build graph` wrote this folder."""
    file = path / CONFIG
    if not file.is_file():
        return False
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(config, dict) and config.get("format") == FORMAT


def space_files(name: str) -> tuple[str, str]:
    """Names of a space's vectors and ids within the folder, as in an artifact."""
    return f"spaces/{name}.npy", f"spaces/{name}.ids.json"


def write_graph(graph: KnowledgeGraph, folder: Path) -> None:
    """Write `graph.parquet`."""
    pq.write_table(graph.table(), folder / GRAPH, compression="zstd")


def write_space(
    name: str, item_ids: Sequence[str], vectors: NDArray[np.float32], folder: Path
) -> None:
    """Write one space in float16.

    Raises:
        ValueError: a value that float16 cannot hold.
    """
    half = vectors.astype(np.float16)
    if not np.isfinite(half).all():
        raise ValueError(f"space {name} has values beyond float16")
    files = [folder / file for file in space_files(name)]
    files[0].parent.mkdir(parents=True, exist_ok=True)
    np.save(files[0], half, allow_pickle=False)
    files[1].write_text(json.dumps(list(item_ids), ensure_ascii=False), encoding="utf-8")


def write_json(content: dict[str, Any], file: Path) -> None:
    """Write one description."""
    file.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
