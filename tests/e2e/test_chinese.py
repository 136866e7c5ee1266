"""A Chinese catalogue, through the multilingual encoder as it stands."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relatum import Client
from relatum.__main__ import main as relatum
from tests.bench.processes import serving
from tests.e2e.conftest import run

pytestmark = pytest.mark.long
TITLES = 800


@pytest.fixture(scope="module")
def catalogue(data, tmp_path_factory):
    """The address of a server with some titles of zh_product_titles in it, all mice among them."""
    folder = tmp_path_factory.mktemp("chinese")
    (folder / "titles").mkdir()
    items = pq.read_table(data("zh_product_titles") / "items.parquet")
    titles = items.column("title").to_pylist()
    kept = pa.array([row < TITLES or "鼠标" in title for row, title in enumerate(titles)])
    pq.write_table(items.filter(kept), folder / "titles" / "items.parquet")
    run("prepare", "--data", folder / "titles", "--out", folder / "corpus")
    run("export", "--corpus", folder / "corpus", "--encoder", "e5", "--out", folder / "artifact")
    with serving(folder / "artifact", folder / "data") as address:
        lines = str(folder / "corpus" / "products.jsonl")
        assert relatum(["import", "products", lines, "--target", address]) == 0
        yield address


@pytest.mark.parametrize("query", ["wireless mouse", "无线鼠标"])
def test_a_mouse_is_found_by_meaning_alone_in_either_language(catalogue, query):
    with Client(catalogue, timeout_s=20.0) as client:
        found = client.search(query, page_size=5, disable_lexical=True, read_mask=("title",))

    assert any("鼠标" in line.product.title for line in found.results if line.product)
