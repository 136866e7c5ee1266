"""The server reads queries with products as the export does, and refuses what it cannot vouch for.

`Search` then orders named products as the offline table does.
"""

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.reranker import ALLOWED, GOLDEN, add_reranker
from relatum_export.evaluation import reranking as offline
from relatum_export.training.cross_encoder import TorchCrossEncoder
from relatum_server.artifact import RerankerSpec, Variant
from relatum_server.domain import Product
from relatum_server.encoder.reranker import OnnxReranker
from relatum_server.errors import ArtifactError, DeadlineExceededError
from relatum_server.services.ranked import Paging
from relatum_server.services.reranking import MOST_READ
from relatum_server.services.search import SearchQuery
from tests.unit.export.training.tiny_reranker import write_tiny_reranker
from tests.unit.server.services.conftest import RERANKER_WEIGHT, build_shop

WORDS = ["milk", "tea", "green", "whole", "cup", "bread"]
TEXTS = [f"{one} {other} {n}" for n in range(6) for one in WORDS for other in WORDS]
QUERY = "green tea"


def test_both_sides_read_as_many():
    assert offline.MOST_READ == MOST_READ


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The graphs by precision, and the artifact's files as the server is told of them."""
    folder = tmp_path_factory.mktemp("reranker")
    reranker = TorchCrossEncoder.load(str(write_tiny_reranker(folder / "tiny", WORDS)))
    out, manifest = folder / "artifact", manifest_pb2.Manifest()
    out.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ALLOWED, "int8", 2.0)  # random weights tell pairs apart by little
        graphs, _ = add_reranker(reranker, [(QUERY, text) for text in TEXTS], out, manifest)
    part = manifest.reranker
    spec = RerankerSpec(
        tokenizer_path=out / part.tokenizer_file,
        max_tokens=part.max_tokens,
        pad_token_id=part.pad_token_id,
        variants=tuple(
            Variant(v.precision, out / v.file, tuple(v.providers)) for v in part.variants
        ),
        rerank=RERANKER_WEIGHT,
        golden_path=out / part.golden_file,
    )
    return graphs, spec


def test_both_sides_score_alike_by_the_graph_that_suits_a_cpu(exported):
    graphs, spec = exported

    found = OnnxReranker.open(spec).scores(QUERY, TEXTS)

    expected = graphs["int8"].scores([(QUERY, text) for text in TEXTS])
    assert found == pytest.approx(expected, abs=1e-4)
    assert np.ptp(found) > 0.01


def test_nothing_is_read_for_a_caller_who_no_longer_waits(exported):
    _, spec = exported

    with pytest.raises(DeadlineExceededError, match="before all candidates were read"):
        OnnxReranker.open(spec).scores(QUERY, TEXTS, deadline=time.monotonic())


def test_search_orders_named_products_as_the_offline_scores_do(exported, tmp_path):
    graphs, spec = exported
    shop = build_shop(tmp_path, reranker=OnnxReranker.open(spec))
    texts = TEXTS[:40]
    shop.add(*(Product(str(i), text) for i, text in enumerate(texts)))
    named = tuple(map(str, range(len(texts))))

    def search(**changes):
        query = SearchQuery(QUERY, candidate_ids=named, **changes)
        return shop.search.search(query, Paging(size=len(named))).results

    without = {line.product_id: line.score for line in search(disable_reranking=True)}
    read = graphs["int8"].scores([(QUERY, text) for text in texts])
    expected = np.array([without[i] for i in named]) + RERANKER_WEIGHT * read
    order = [named[i] for i in np.argsort(-expected, kind="stable")]

    assert [line.product_id for line in search()] == order
    shop.live.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda line: line | {"scores": {"int8": line["scores"]["int8"] + 1}},
            "at export, allowed",
        ),
        (lambda line: line | {"scores": {"fp32": 0.0}}, "not golden pairs"),
        (lambda _line: {}, "not golden pairs"),
    ],
    ids=["answers otherwise", "another precision", "no pair"],
)
def test_golden_pairs_that_are_not_met_are_refused(exported, tmp_path, change, message):
    _, spec = exported
    lines = [json.loads(x) for x in spec.golden_path.read_text().splitlines()]
    golden = tmp_path / GOLDEN
    golden.write_text("\n".join(json.dumps(change(line)) for line in lines))

    with pytest.raises(ArtifactError, match=message) as error:
        OnnxReranker.open(replace(spec, golden_path=golden))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("field", "content", "message"),
    [
        ("golden_path", b"", "holds no golden pair"),
        ("tokenizer_path", b"{}", "not a tokenizer file"),
    ],
)
def test_a_damaged_file_is_refused_by_name(exported, tmp_path, field, content, message):
    _, spec = exported
    file = tmp_path / "damaged"
    file.write_bytes(content)

    with pytest.raises(ArtifactError, match=message) as error:
        OnnxReranker.open(replace(spec, **{field: file}))
    assert str(error.value).startswith(str(file))


def test_without_a_graph_for_the_cpu_it_is_refused(exported):
    _, spec = exported
    cuda_alone = tuple(v for v in spec.variants if v.precision == "fp16")

    with pytest.raises(ArtifactError, match=r"no usable variant for CPUExecutionProvider"):
        OnnxReranker.open(replace(spec, variants=cuda_alone))
