"""What shoppers did counts the same after any end of the server."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from relatum import Client
from relatum.types import Event, Product
from tests.bench.processes import ServerProcess
from tests.e2e.ranked_list import ids

Start = Callable[..., ServerProcess]
WORDS = ("fan", "kettle", "shelf", "clock")


def live(client: Client, name: str) -> None:
    """Products, baskets with one that is not there yet, and searches of two shoppers."""
    client.upsert_products([Product(id=f"{name}-{w}", title=f"green {w}") for w in WORDS[:3]])
    client.write_events(
        [
            Event(
                type="PURCHASE",
                user_id=f"{name}-{number}",
                session_id=f"{name}-{number}",
                items=[(f"{name}-{word}", 1) for word in WORDS[number % 3 :]],
            )
            for number in range(12)
        ]
    )
    client.write_events(
        [Event(type="SEARCH", user_id=user, query=f"{name} words") for user in ("ann", "bob")]
    )


def answers(client: Client, names: tuple[str, ...]) -> tuple[object, ...]:
    """Popular products with their shares, pairs, and completions."""
    trending = client.recommend(kind="TRENDING", page_size=50)
    pairs = [
        client.related(product_id=f"{name}-fan", relation="COMPLEMENT", page_size=5)
        for name in names
    ]
    return (
        [(r.product_id, round(r.score, 5)) for r in trending.results],
        [[(r.product_id, round(r.score, 5)) for r in p.results] for p in pairs],
        [client.complete(name).queries for name in names],
    )


def test_counts_are_the_same_after_a_clean_stop_a_kill_and_a_recount(
    start: Start, tmp_path: Path
) -> None:
    server = start("counted")
    with Client(server.wait_serving()) as client:
        live(client, "first")
        before = answers(client, ("first",))
    server.stop(signal.SIGTERM)

    server = start("counted")
    with Client(server.wait_serving()) as client:
        after_stop = answers(client, ("first",))
        live(client, "second")
        both = answers(client, ("first", "second"))
    server.stop(signal.SIGKILL)

    server = start("counted")
    with Client(server.wait_serving()) as client:
        after_kill = answers(client, ("first", "second"))
        client.upsert_products([Product(id="first-clock", title="green clock")])
        late = client.related(product_id="first-fan", relation="COMPLEMENT", page_size=5)
    server.stop(signal.SIGTERM)
    shutil.rmtree(tmp_path / "counted" / "counters")

    server = start("counted")
    with Client(server.wait_serving()) as client:
        recounted = client.related(product_id="first-fan", relation="COMPLEMENT", page_size=5)

    assert after_stop == before
    assert after_kill == both
    assert "first-clock" in ids(late)
    assert ids(recounted) == ids(late)
    assert all(before)
