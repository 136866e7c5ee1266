"""A server over an artifact with every part: what each of them moves, over loopback."""

from pathlib import Path

import pytest

from relatum import Client
from relatum.types import Event, RankedList
from tests.bench.processes import serving
from tests.e2e.conftest import products_of
from tests.e2e.ranked_list import assert_explained, ids, kinds

PARTS = {
    "behaviour", "complement_in", "complement_out", "copurchase", "popularity", "transitions",
    "ranker", "pair_head", "user_encoder", "ridge", "graph", "words",
}  # fmt: skip
BOUGHT = ["mouse-black", "keyboard-black", "notebook-red", "pen-red"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("full-data") / "data"


@pytest.fixture(scope="module")
def address(full: Path, shop: Path, data: Path):
    with serving(full, data) as address:
        with Client(address, timeout_s=20.0) as client:
            client.upsert_products(products_of(shop))
            client.write_events(
                [Event(type="PURCHASE", user_id="ann", items=[(i, 1)]) for i in BOUGHT]
            )
        yield address


@pytest.fixture
def client(address: str):
    with Client(address, timeout_s=20.0) as client:
        yield client


def assert_sums(ranked: RankedList) -> None:
    """Evidence sums to each score; where there is none, nothing speaks for the product."""
    assert ranked.results[0].score > 0
    for line in ranked.results:
        total = sum(part.contribution for part in line.evidence)
        assert total == pytest.approx(line.score, abs=1e-5)
        assert line.score >= 0


def test_the_info_names_every_part(client):
    info = client.info()

    assert set(info.model.parts) >= PARTS
    assert info.limits["max_pairs"] == 256
    assert info.vector_counts["complement_in"] > 0


def test_a_recommendation_is_the_sum_of_the_rankers_sources(client):
    ranked = client.recommend("ann", page_size=40)

    assert_sums(ranked)
    known = {"REPEAT", "TRANSITION", "CO_PURCHASE", "POPULARITY", "BEHAVIOUR", "TEXT", "COMPLEMENT"}
    assert kinds(ranked) <= known
    moved = {e.product_id for line in ranked.results for e in line.evidence if e.product_id}
    assert moved <= set(BOUGHT)
    assert moved


def test_an_event_of_the_session_moves_the_ranker_at_once(client):
    before = client.recommend("ann", page_size=40)
    view = Event(type="VIEW", items=[("desk lamp-blue", 1)])

    after = client.recommend("ann", session_events=[view], page_size=40)

    assert_sums(after)
    assert [r.score for r in after.results] != [r.score for r in before.results]
    assert client.recommend("ann", page_size=40).results == before.results


def test_complements_are_what_a_product_leads_to(client):
    ranked = client.related(product_id="mouse-black", relation="COMPLEMENT", page_size=5)

    assert_explained(ranked)
    assert ids(ranked)[0] == "keyboard-black"
    assert "COMPLEMENT" in kinds(ranked)


def test_a_pair_comes_with_its_ways_through_the_graph(client):
    (score,) = client.score([("mouse-black", "keyboard-black")]).scores

    paths = [part.path for part in score.evidence if part.kind == "PATH"]
    assert paths
    for path in paths:
        assert path[0].source == "mouse-black"
        assert path[-1].target == "keyboard-black"
        assert all(step.count > 0 for step in path)


def test_a_restarted_server_answers_the_same(full, shop, tmp_path):
    def answers(address: str) -> tuple[object, ...]:
        with Client(address, timeout_s=20.0) as client:
            return (
                client.recommend("ann", page_size=40).results,
                client.recommend("ann", kind="BUY_AGAIN").results,
                client.related(product_id="pen-red", relation="COMPLEMENT").results,
                client.score([("pen-red", "notebook-red")]).scores,
            )

    with serving(full, tmp_path / "data") as address:
        with Client(address, timeout_s=20.0) as client:
            client.upsert_products(products_of(shop))
            client.write_events(
                [Event(type="PURCHASE", user_id="ann", items=[(i, 1)]) for i in BOUGHT]
            )
        before = answers(address)
    with serving(full, tmp_path / "data") as address:
        after = answers(address)

    assert after == before
