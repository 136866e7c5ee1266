"""Building a graph folder: edges, diffused text, complement vectors."""

import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np

from relatum_export.artifact.folder import appearing
from relatum_export.console import Reporter
from relatum_export.errors import InputError
from relatum_export.graph.complement_choice import choose_complement
from relatum_export.graph.diffusion_choice import ProductTexts, choose_diffusion
from relatum_export.graph.edges import build_graph
from relatum_export.graph.folder import (
    COMPLEMENT_IN,
    COMPLEMENT_OUT,
    CONFIG,
    DIFFUSED,
    FORMAT,
    METRICS,
    is_graph_folder,
    write_graph,
    write_json,
    write_space,
)
from relatum_export.graph.measures import purchase_measure
from relatum_export.graph.settings import GraphSettings
from relatum_export.training.bases import form_to_json

_PACKAGES = ("numpy", "pyarrow", "scikit-learn", "scipy", "torch")


def check_out(out: Path, *, force: bool) -> None:
    """Refuse a target that would be lost by writing to it.

    Raises:
        InputError: ``out`` holds something other than a graph, or a graph and not ``force``.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not is_graph_folder(out):
        raise InputError(f"{out} is not empty and is not a graph; give another --out")
    if not force:
        raise InputError(f"{out} is a graph already; give another --out, or --force to replace it")


def write_folder(
    inputs: ProductTexts,
    encoder: dict[str, str],
    settings: GraphSettings,
    out: Path,
    reporter: Reporter,
) -> dict[str, Any]:
    """Build everything that the corpus allows; the folder appears whole or not at all.

    Args:
        inputs: the products and their encoder.
        encoder: ``base`` and ``encoder_id``, to be kept with the folder.
        settings: see ``GraphSettings``.
        out: the folder, which ``check_out`` has passed.
        reporter: for progress.

    Returns:
        The contents of `metrics.json`.

    Raises:
        InputError: the corpus gives no edge.
    """
    corpus, catalogue = inputs.corpus, inputs.catalogue
    graph = build_graph(corpus, catalogue, settings.edges)
    if not graph.relations:
        raise InputError(
            f"corpus {corpus.path} gives no edge: no purchase in its train split, and no brand, "
            "category or attribute that products share; prepare a richer source"
        )
    edges = {name: int(relation.counts.nnz) for name, relation in graph.relations.items()}
    reporter.info("edges: " + ", ".join(f"{name} {count:,}" for name, count in edges.items()))
    measure = purchase_measure(corpus, max_cases=settings.max_cases, seed=settings.seed)
    diffused = choose_diffusion(inputs, graph, measure, settings, reporter)
    complements = choose_complement(corpus, measure, settings, reporter)
    metrics = {
        "name": corpus.name,
        "products": len(catalogue.ids),
        "edges": edges,
        "diffusion": dict(diffused.metrics),
        "complement": dict(complements.metrics),
    }
    with appearing(out, force=True) as folder:
        write_graph(graph, folder)
        if diffused.vectors is not None:
            filled = np.flatnonzero(diffused.vectors.any(axis=1))
            ids = [catalogue.ids[row] for row in filled]
            write_space(DIFFUSED, ids, diffused.vectors[filled], folder)
        if (both := complements.vectors) is not None:
            write_space(COMPLEMENT_OUT, both.item_ids, both.leading, folder)
            write_space(COMPLEMENT_IN, both.item_ids, both.led, folder)
        write_json(metrics, folder / METRICS)
        config = {
            "format": FORMAT,
            **encoder,
            "text_form": form_to_json(inputs.form),
            "settings": settings.model_dump(mode="json"),
            "corpora": [corpus.name],
            "data_sha256": corpus.fingerprint,
            "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
        }
        write_json(config, folder / CONFIG)
    return metrics
