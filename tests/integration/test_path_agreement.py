"""The server finds the paths between two products that the export side finds."""

from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet
from scipy import sparse

from relatum_export.graph.edges import BOUGHT_WITH, KnowledgeGraph, Relation
from relatum_export.graph.paths import paths_between
from relatum_server.services.knowledge import KnowledgeGraph as Served

IDS = [f"p{i}" for i in range(14)]


@pytest.fixture(scope="module")
def graph() -> KnowledgeGraph:
    draw = np.random.default_rng(2)

    def facts(values: int) -> sparse.csr_matrix:
        held = draw.random((len(IDS), values)) < 0.3
        return sparse.csr_matrix((held * held.sum(axis=0)).astype(np.int32))

    bought = draw.integers(0, 9, (len(IDS), len(IDS))) * (draw.random((len(IDS), len(IDS))) < 0.2)
    np.fill_diagonal(bought, 0)
    return KnowledgeGraph.of(
        IDS,
        {
            "brand": Relation(("Acme", "Ovis"), facts(2)),
            "category": Relation(("A", "A > B", "C"), facts(3)),
            BOUGHT_WITH: Relation(tuple(IDS), sparse.csr_matrix(bought.astype(np.int32))),
        },
    )


@pytest.fixture(scope="module")
def served(graph: KnowledgeGraph, tmp_path_factory: pytest.TempPathFactory) -> Served:
    file: Path = tmp_path_factory.mktemp("graph") / "graph.parquet"
    parquet.write_table(graph.table(), file)
    return Served.read(file)


def test_every_pair_has_the_same_paths_of_the_same_strength(graph, served) -> None:
    joined = 0
    for a in IDS:
        for b in IDS:
            offline = [
                (path.strength, [(s.source, s.relation, s.target, s.count) for s in path.steps])
                for path in paths_between(graph, a, b)
            ]
            online = [
                (path.strength, [(s.source, s.relation, s.target, s.count) for s in path.steps])
                for path in served.paths(a, b, lambda _: True)
            ]
            assert online == offline
            joined += bool(offline)
    assert joined > len(IDS)


def test_a_product_that_the_catalogue_lost_is_on_no_path(graph, served) -> None:
    for a in IDS:
        for b in IDS:
            for path in served.paths(a, b, lambda _: False):
                assert {step.relation for step in path.steps} != {BOUGHT_WITH} or len(
                    path.steps
                ) == 1


def test_unknown_products_have_no_path(served) -> None:
    assert served.paths("p0", "nowhere", lambda _: True) == ()
    assert served.paths("p0", "p0", lambda _: True) == ()
