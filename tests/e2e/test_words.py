"""Words beside vectors from a shop's bundles to the API: a real slice exported, judged, served."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relatum import Client
from relatum_export.__main__ import main
from relatum_export.artifact import word_choice
from relatum_export.artifact.onnx_encoder import read_manifest
from relatum_export.artifact.weight_choice import Choice
from relatum_export.evaluation.agreement import agrees, changed_units
from relatum_export.evaluation.values import read_values, values_file
from tests.bench.processes import serving
from tests.e2e.conftest import import_products, run, with_short_descriptions
from tests.e2e.ranked_list import assert_explained

BUNDLES = 20  # of each split
WEIGHT = 0.4
DEPTH = 10


@pytest.fixture(scope="module")
def slice_of_bundles(
    data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, list[str]]]:
    """A corpus of some bundles of each split and their products, without events; the bundles."""
    source, folder = data("bundles_food"), tmp_path_factory.mktemp("bundles")
    table = pq.read_table(source / "bundles.parquet", columns=["bundle_id", "items", "split"])
    counts: Counter[str] = Counter()
    kept = []
    for row in table.to_pylist():
        counts[row["split"]] += 1
        if counts[row["split"]] <= BUNDLES:
            kept.append(row)
    wanted = {item for row in kept for item in row["items"]}
    items = pq.read_table(source / "items.parquet")
    items = with_short_descriptions(items)
    chosen = pa.array([item in wanted for item in items.column("item_id").to_pylist()])
    (folder / "set").mkdir()
    pq.write_table(items.filter(chosen), folder / "set" / "items.parquet")
    pq.write_table(pa.Table.from_pylist(kept), folder / "set" / "bundles.parquet")
    run("prepare", "--data", folder / "set", "--out", folder / "corpus")
    return folder / "corpus", {str(row["bundle_id"]): row["items"] for row in kept}


@pytest.mark.long
def test_the_api_finds_the_mates_that_the_offline_table_says_by_vectors_and_words(
    slice_of_bundles: tuple[Path, dict[str, list[str]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    corpus, bundles = slice_of_bundles
    artifact = tmp_path / "artifact"
    # Twenty bundles would choose by chance; what is chosen is not what is tried here.
    monkeypatch.setattr(word_choice, "weighed", lambda use, *_: Choice(use, WEIGHT))
    flags = ["--corpus", str(corpus), "--encoder", "minilm", "--out", str(artifact)]
    assert main(["export", *flags]) == 0
    files = ("--split", "test", "--json", tmp_path / "rows.json")
    run("evaluate", "--corpus", corpus, "--artifact", artifact, "--served-alone", *files)

    weights = read_manifest(artifact).words
    assert weights.similar == WEIGHT
    expected = read_values(values_file(tmp_path / "rows.json"), "test", "R@10", ["relatum"])
    offline = expected["relatum"]
    with serving(artifact, tmp_path / "data") as address:
        import_products(corpus, address)
        with Client(address, timeout_s=20.0) as client:
            assert "words" in client.info().model.parts
            served = [found(client, sorted(set(bundles[unit]))) for unit in offline.units]

    values = np.array(served)
    references = offline.numerator / offline.denominator
    mean = float((values * offline.denominator).sum() / offline.denominator.sum())
    assert agrees(mean, offline.value, changed_units(values, references))


def found(client: Client, members: list[str]) -> float:
    """Mean share of a bundle's others that each of its products finds, and that words say so."""
    shares, kinds = [], set()
    for item in members:
        ranked = client.related(product_id=item, page_size=DEPTH, all_variants=True)
        assert_explained(ranked)
        listed = {line.product_id for line in ranked.results}
        shares.append(len(listed & (set(members) - {item})) / (len(members) - 1))
        kinds |= {evidence.kind for line in ranked.results for evidence in line.evidence}
    assert kinds == {"TEXT", "LEXICAL"}
    return float(np.mean(shares))
