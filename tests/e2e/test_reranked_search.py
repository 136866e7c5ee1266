"""A reranker from a shop's judged queries to the API: a real slice exported, judged, served."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relatum import Client
from relatum_export.__main__ import main
from relatum_export.artifact import reranker_choice
from relatum_export.artifact.onnx_encoder import read_manifest
from relatum_export.artifact.weight_choice import Choice
from relatum_export.evaluation.agreement import agrees, changed_units
from relatum_export.evaluation.metrics import ndcg
from relatum_export.evaluation.values import read_values, values_file
from tests.bench.processes import serving
from tests.e2e.conftest import import_products, run, with_short_descriptions
from tests.e2e.ranked_list import assert_explained

QUERIES = 3  # of each split
WEIGHT = 0.04
DEPTH = 10
Judged = dict[str, tuple[str, dict[str, int]]]


@pytest.fixture(scope="module")
def slice_of_searches(
    data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Judged]:
    """A corpus of some queries of each split and their products; each query with its labels."""
    source, folder = data("search_crowdflower"), tmp_path_factory.mktemp("searches")
    judgments = pq.read_table(source / "judgments.parquet").to_pylist()
    positive = Counter(row["query_id"] for row in judgments if row["label"] > 0)
    taken: Counter[str] = Counter()
    queries = []
    for row in pq.read_table(source / "queries.parquet").to_pylist():
        if positive[row["query_id"]] > 1 and taken[row["split"]] < QUERIES:
            taken[row["split"]] += 1
            queries.append(row)
    judged: Judged = {row["query_id"]: (row["query"], {}) for row in queries}
    kept = [row for row in judgments if row["query_id"] in judged]
    for row in kept:
        judged[row["query_id"]][1][row["item_id"]] = int(row["label"])
    wanted = {row["item_id"] for row in kept}
    items = pq.read_table(source / "items.parquet")
    items = with_short_descriptions(items)
    chosen = pa.array([item in wanted for item in items.column("item_id").to_pylist()])
    home = folder / "set"
    home.mkdir()
    pq.write_table(items.filter(chosen), home / "items.parquet")
    pq.write_table(pa.Table.from_pylist(queries), home / "queries.parquet")
    pq.write_table(pa.Table.from_pylist(kept), home / "judgments.parquet")
    run("prepare", "--data", home, "--out", folder / "corpus")
    return folder / "corpus", judged


@pytest.mark.long
def test_the_api_orders_judged_products_as_the_offline_table_says(
    slice_of_searches: tuple[Path, Judged], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, judged = slice_of_searches
    artifact = tmp_path / "artifact"
    # A dozen queries would choose by chance; what is chosen is not what is tried here.
    monkeypatch.setattr(reranker_choice, "weighed", lambda use, *_: Choice(use, WEIGHT))
    flags = ["--corpus", str(corpus), "--encoder", "minilm", "--reranker", "ms-marco"]
    assert main(["export", *flags, "--out", str(artifact)]) == 0
    files = ("--split", "test", "--json", tmp_path / "rows.json")
    run("evaluate", "--corpus", corpus, "--artifact", artifact, "--served-alone", *files)

    assert read_manifest(artifact).reranker.rerank == WEIGHT
    names = ["relatum", "relatum-text"]
    expected = read_values(values_file(tmp_path / "rows.json"), "test", "NDCG@10", names)
    offline = expected["relatum"]
    with serving(artifact, tmp_path / "data") as address:
        import_products(corpus, address)
        with Client(address, timeout_s=60.0) as client:
            assert "reranker" in client.info().model.parts
            served = [searched(client, *judged[unit]) for unit in offline.units]

    values, references = np.array(served), offline.numerator / offline.denominator
    changed = changed_units(values, references)
    assert len(values) == QUERIES
    assert agrees(float(values.mean()), offline.value, changed)
    text = expected["relatum-text"]
    assert not np.allclose(references, text.numerator / text.denominator)


def searched(client: Client, query: str, labels: dict[str, int]) -> float:
    """NDCG@10 of a query's judged products as the API orders them, and that reading says so."""
    asked: dict[str, Any] = {"candidate_ids": sorted(labels), "page_size": DEPTH}
    ranked = client.search(query, all_variants=True, **asked)
    assert_explained(ranked)
    kinds = {evidence.kind for line in ranked.results for evidence in line.evidence}
    assert {"TEXT", "RERANKER"} <= kinds
    given = [labels[line.product_id] for line in ranked.results]
    return ndcg(given, list(labels.values()), DEPTH)
