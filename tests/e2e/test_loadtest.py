"""The load tester drives every RPC of the schema against a real server."""

import json

import pytest

from relatum.channel import methods
from relatum.loadtest.__main__ import main

VIEW = {
    "type": "EVENT_TYPE_VIEW",
    "userId": "load",
    "time": "2024-01-02T03:04:05Z",
    "items": [{"productId": "pen-red", "quantity": 1}],
}
BODIES = {
    "ListRelated": {"relation": "RELATION_SIMILAR", "productId": "mouse-black", "pageSize": 5},
    "ScoreAssociations": {
        "pairs": [{"a": {"productId": "pen-red"}, "b": {"text": "notebook"}}],
    },
    "UpsertProducts": {"products": [{"id": "loaded", "title": "loaded lamp"}]},
    "ImportProducts": {"products": [{"id": "imported", "title": "imported lamp"}]},
    "GetProduct": {"productId": "mouse-black"},
    "ListProducts": {"pageSize": 5},
    "DeleteProducts": {"productIds": ["imported"]},
    "UpdateOffers": {"updates": [{"productId": "pen-red", "rating": {"average": 4.5, "count": 9}}]},
    "EmbedTexts": {"texts": ["red mouse"]},
    "WriteEvents": {"events": [{"id": "load-1", **VIEW}]},
    "ImportEvents": {"events": [{"id": "load-2", **VIEW}]},
    "Recommend": {"userId": "load", "pageSize": 5},
    "GetProfile": {"userId": "load"},
    "Search": {"query": "red mouse", "pageSize": 5},
    "CompleteQuery": {"prefix": "mou"},
    "GetServerInfo": {},
}


def test_there_is_a_body_for_every_rpc():
    assert {method.name for method in methods()} == set(BODIES)


@pytest.mark.parametrize("rpc", list(BODIES))
def test_an_open_loop_of_the_rpc_is_answered_without_an_error(served, tmp_path, rpc):
    if rpc == "GetProfile":  # a shopper without events has none
        assert main(_arguments("WriteEvents", served, tmp_path)) == 0

    status = main(_arguments(rpc, served, tmp_path))

    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert status == 0
    assert report["errors"] == {}
    assert report["ok"] == report["sent"] == 10


def _arguments(rpc, target, folder):
    bodies = folder / f"{rpc}.jsonl"
    bodies.write_text(json.dumps(BODIES[rpc]) + "\n", encoding="utf-8")
    return [
        rpc, "--target", target, "--rate", "50", "--arrivals", "fixed", "--warmup", "0",
        "--duration", "0.2", "--bodies", str(bodies), "--json", str(folder / "report.json"),
    ]  # fmt: skip
