"""Diffusion moves a product towards its neighbours and leaves the others alone."""

import numpy as np
import pytest

from relatum_export.graph.diffusion import Diffusion, candidates, diffuse, operators
from relatum_export.graph.edges import KnowledgeGraph, build_graph
from relatum_export.graph.settings import DiffusionSettings, EdgeSettings

BRAND = Diffusion(("brand",), 0.4, 1)


@pytest.fixture
def graph(shop, catalogue):
    return build_graph(shop, catalogue, EdgeSettings(max_share=1.0))


@pytest.fixture
def vectors(graph):
    """Each product on an axis of its own, but for one without text."""
    own = np.eye(len(graph.products), dtype=np.float32)
    own[graph.row_of["glass"]] = 0
    return own


def test_one_step_mixes_a_product_with_the_mean_of_its_brand(graph, vectors):
    out = diffuse(vectors, operators(graph), BRAND)
    machine, pods = graph.row_of["machine"], graph.row_of["pods"]

    expected = np.zeros(len(vectors), np.float32)
    expected[machine], expected[pods] = 0.6 + 0.4 / 2, 0.4 / 2
    np.testing.assert_allclose(out[machine], expected / np.linalg.norm(expected), atol=1e-6)


def test_a_product_without_edges_keeps_its_text(graph, vectors):
    row = graph.row_of["soap"]

    assert (diffuse(vectors, operators(graph), BRAND)[row] == vectors[row]).all()


def test_a_product_without_text_takes_its_neighbours(graph, vectors):
    glass, mug = graph.row_of["glass"], graph.row_of["mug"]

    out = diffuse(vectors, operators(graph), BRAND)

    np.testing.assert_allclose(out[glass], vectors[mug], atol=1e-6)


def test_purchases_spread_both_ways(graph, vectors):
    out = diffuse(vectors, operators(graph), Diffusion(("bought_with",), 0.4, 1))
    machine, mug = graph.row_of["machine"], graph.row_of["mug"]

    assert out[machine, mug] > 0
    assert out[mug, machine] > 0


def test_a_second_step_reaches_the_neighbours_neighbours(graph):
    """A machine is bought with a mug, whose brand makes glasses too."""
    own = np.eye(len(graph.products), dtype=np.float32)
    machine, glass = graph.row_of["machine"], graph.row_of["glass"]
    one, two = (
        diffuse(own, operators(graph), Diffusion(("brand", "bought_with"), 0.4, steps))
        for steps in (1, 2)
    )

    assert one[machine, glass] == 0
    assert two[machine, glass] > 0


def test_rows_keep_length_one_and_types(graph, vectors):
    out = diffuse(vectors, operators(graph), Diffusion(tuple(graph.relations), 0.5, 3))

    assert out.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), 1, atol=1e-5)


def test_no_step_or_no_relation_leaves_the_vectors(graph, vectors):
    assert diffuse(vectors, operators(graph), Diffusion(("brand",), 0.4, 0)) is vectors
    assert diffuse(vectors, operators(graph), Diffusion((), 0.4, 1)) is vectors


def test_combinations_that_absent_relations_make_equal_are_tried_once(graph):
    facts = KnowledgeGraph.of(graph.products, {"brand": graph.relations["brand"]})
    settings = DiffusionSettings(alphas=(0.1, 0.2), steps=(1,))

    assert candidates(settings, facts) == [
        Diffusion(("brand",), 0.1, 1),
        Diffusion(("brand",), 0.2, 1),
    ]
