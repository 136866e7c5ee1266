"""Path evidence on a graph drawn by hand."""

import pyarrow as pa
import pytest

from relatum_export.graph.edges import SCHEMA, KnowledgeGraph
from relatum_export.graph.paths import paths_between

EDGES = [
    ("a", "brand", "Acme", 5),
    ("b", "brand", "Acme", 5),
    ("a", "category", "Kitchen", 101),
    ("b", "category", "Kitchen", 101),
    ("a", "category", "Kitchen > Coffee", 3),
    ("b", "category", "Kitchen > Coffee", 3),
    ("a", "bought_with", "b", 1),
    ("a", "bought_with", "x", 6),
    ("a", "bought_with", "y", 3),
    ("x", "bought_with", "b", 1),
    ("x", "bought_with", "a", 3),
    ("y", "bought_with", "b", 9),
    ("z", "bought_with", "y", 2),
]


@pytest.fixture(scope="module")
def graph():
    columns = zip(*EDGES, strict=True)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
    return KnowledgeGraph.from_table(pa.table(arrays, schema=SCHEMA))


def route(path):
    return [step.source for step in path.steps] + [path.steps[-1].target]


def test_a_shared_value_is_as_strong_as_it_is_rare(graph):
    by_value = {path.steps[0].relation: path for path in paths_between(graph, "a", "b", limit=9)}

    assert by_value["brand"].strength == 1 / 4
    assert by_value["category"].strength == 1 / 2
    assert route(by_value["category"]) == ["a", "Kitchen > Coffee", "b"]


def test_a_purchase_counts_by_its_share_of_the_first_products_pairs(graph):
    straight = next(p for p in paths_between(graph, "a", "b", limit=9) if len(p.steps) == 1)

    assert straight.strength == pytest.approx(1 / 10)
    assert straight.steps[0].count == 1


def test_of_products_in_between_the_likeliest_is_shown(graph):
    over = next(
        path
        for path in paths_between(graph, "a", "b", limit=9)
        if [step.relation for step in path.steps] == ["bought_with"] * 2
    )

    assert route(over) == ["a", "y", "b"]  # .3 x 1, against .6 x .25 over x
    assert over.strength == pytest.approx(0.3)
    assert [step.count for step in over.steps] == [3, 9]


def test_the_strongest_comes_first_and_the_limit_holds(graph):
    every = paths_between(graph, "a", "b", limit=9)

    assert [path.strength for path in every] == sorted((p.strength for p in every), reverse=True)
    assert paths_between(graph, "a", "b", limit=2) == every[:2]


def test_purchases_have_a_direction(graph):
    assert [route(path) for path in paths_between(graph, "z", "b")] == [["z", "y", "b"]]
    assert paths_between(graph, "b", "z") == ()


@pytest.mark.parametrize("pair", [("a", "unknown"), ("unknown", "a"), ("a", "a"), ("a", "z")])
def test_products_that_nothing_joins_have_no_path(graph, pair):
    assert paths_between(graph, *pair) == ()
