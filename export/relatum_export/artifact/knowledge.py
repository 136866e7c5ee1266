"""The graph's part of an artifact: edges as evidence, complement spaces."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from relatum.artifact.v1 import manifest_pb2
from relatum_export.errors import InputError
from relatum_export.graph.folder import (
    COMPLEMENT_IN,
    COMPLEMENT_OUT,
    DIFFUSED,
    GRAPH,
    GraphFolder,
    space_files,
)


def add_graph(
    opened: GraphFolder, folder: Path, manifest: manifest_pb2.Manifest, *, diffused: bool
) -> dict[str, Any]:
    """Copy the graph's files into ``folder`` and name them in ``manifest``.

    Args:
        opened: a folder of `build graph` on this encoder.
        folder: of the artifact.
        manifest: gets the edges and, where the graph has them, both complement spaces.
        diffused: whether text vectors diffused over the graph are taken too; only a ranker that
            weighs them needs them, since the server encodes its own catalogue.

    Returns:
        How much of each was taken.

    Raises:
        InputError: the folder is damaged.
    """
    edges = len(opened.graph().table())  # reading it shows that it is whole
    shutil.copyfile(opened.path / GRAPH, folder / GRAPH)
    manifest.graph_file = GRAPH
    taken = {"edges": edges}
    for name in (COMPLEMENT_OUT, COMPLEMENT_IN, *([DIFFUSED] if diffused else [])):
        vectors, ids = space_files(name)
        if not (opened.path / vectors).is_file():
            continue
        dimension, products = _checked(opened, name)
        for file in (vectors, ids):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(opened.path / file, folder / file)
        manifest.spaces.add(name=name, vectors_file=vectors, ids_file=ids, dimension=dimension)
        taken[name] = products
    return taken


def _checked(opened: GraphFolder, name: str) -> tuple[int, int]:
    """Dimension and products of a space.

    Raises:
        InputError: ids and vectors do not fit, or a value is no number.
    """
    try:
        space = opened.space(name)
    except (OSError, ValueError, EOFError) as error:
        cause = str(error).strip().splitlines()[0]
        raise InputError(
            f"the space {name} of {opened.path} is damaged ({cause}); build the graph again"
        ) from error
    if (
        space is None
        or space.vectors.ndim != 2  # noqa: PLR2004 - products by components
        or len(space.vectors) != len(space.item_ids)
        or not np.isfinite(space.vectors).all()
    ):
        raise InputError(
            f"the space {name} of {opened.path} does not hold one vector of numbers a product; "
            "build the graph again"
        )
    return int(space.vectors.shape[1]), len(space.item_ids)
