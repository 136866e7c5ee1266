"""Which facts and purchases become edges, and that they survive their file."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relatum_export.errors import InputError
from relatum_export.graph.edges import KnowledgeGraph, build_graph, read_graph
from relatum_export.graph.folder import write_graph
from relatum_export.graph.settings import EdgeSettings

ALL = EdgeSettings(max_share=1.0)


def edges(graph, relation):
    return {
        (row["source"], row["target"], row["count"])
        for row in graph.table().to_pylist()
        if row["relation"] == relation
    }


def test_products_of_a_brand_lead_to_it_with_the_number_of_its_products(shop, catalogue):
    found = edges(build_graph(shop, catalogue, ALL), "brand")

    assert ("machine", "Acme", 2) in found
    assert ("glass", "Bell", 2) in found


def test_a_value_of_one_product_joins_nothing_and_is_left_out(shop, catalogue):
    assert "soap" not in {
        source for source, *_ in edges(build_graph(shop, catalogue, ALL), "brand")
    }


def test_a_shelf_within_a_department_is_in_both(shop, catalogue):
    found = edges(build_graph(shop, catalogue, ALL), "category")

    assert {("mug", "Kitchen", 4), ("mug", "Kitchen > Cups", 2)} <= found


def test_a_value_that_most_of_the_catalogue_has_is_left_out(shop, catalogue):
    found = edges(build_graph(shop, catalogue, EdgeSettings(max_share=0.3)), "category")

    assert {target for _, target, _ in found} == {"Kitchen > Coffee", "Kitchen > Cups"}


def test_attributes_keep_their_key_and_prose_is_no_value(shop, catalogue):
    whole = edges(build_graph(shop, catalogue, ALL), "attribute")
    short = build_graph(shop, catalogue, EdgeSettings(max_share=1.0, max_value_chars=4))

    assert whole == {("towel", "colour: white", 2), ("bathrobe", "colour: white", 2)}
    assert "attribute" not in short.relations


def test_purchases_lead_the_way_the_histories_went_and_valid_is_not_read(shop, catalogue):
    found = edges(build_graph(shop, catalogue, ALL), "bought_with")

    assert found == {("machine", "pods", 6), ("machine", "mug", 6), ("pods", "mug", 6)}


def test_a_graph_survives_its_file(shop, catalogue, tmp_path):
    graph = build_graph(shop, catalogue, ALL)
    write_graph(graph, tmp_path)

    again = read_graph(tmp_path / "graph.parquet")

    assert set(again.table().to_pylist()[0]) == {"source", "relation", "target", "count"}
    for name in graph.relations:
        assert edges(again, name) == edges(graph, name)


def test_edges_stand_by_source_then_relation_then_falling_count(shop, catalogue):
    rows = build_graph(shop, catalogue, ALL).table().to_pylist()
    machine = [(row["relation"], row["target"]) for row in rows if row["source"] == "machine"]

    assert machine == [
        ("brand", "Acme"),
        ("category", "Kitchen"),
        ("category", "Kitchen > Coffee"),
        ("bought_with", "pods"),
        ("bought_with", "mug"),
    ]


def test_an_empty_graph_has_the_columns_all_the_same(tmp_path):
    write_graph(KnowledgeGraph.of(("a",), {}), tmp_path)

    assert pq.read_table(tmp_path / "graph.parquet").column_names == [
        "source",
        "relation",
        "target",
        "count",
    ]


@pytest.mark.parametrize(
    ("content", "cause"),
    [(None, "is missing"), (b"PAR1 but no table", "is damaged"), ("columns", "has the columns")],
)
def test_a_file_that_is_no_graph_is_refused_in_one_line(tmp_path, content, cause):
    file = tmp_path / "graph.parquet"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content:
        pq.write_table(pa.table({"item_id": ["a"]}), file)

    with pytest.raises(InputError, match=cause) as caught:
        read_graph(file)

    assert "\n" not in str(caught.value)
