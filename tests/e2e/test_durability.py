"""What the server acknowledged survives; what it accepted completes."""

import signal
import threading
from collections.abc import Callable

import pytest

from relatum import Client, RelatumError
from relatum.types import Event, Product
from tests.bench.processes import ServerProcess

Start = Callable[..., ServerProcess]


def upsert_until_broken(target: str, prefix: str, acknowledged: list[str]) -> None:
    with Client(target, timeout_s=5.0) as client:
        for number in range(10_000):
            product_id = f"{prefix}-{number}"
            try:
                client.upsert_products([Product(id=product_id, title=f"red stapler {number}")])
            except RelatumError:
                return
            acknowledged.append(product_id)


@pytest.mark.parametrize("rounds", [2, pytest.param(10, marks=pytest.mark.long)])
def test_no_acknowledged_write_is_lost_when_the_server_is_killed(start: Start, rounds: int) -> None:
    acknowledged: list[str] = []
    for number in range(rounds):
        server = start("killed")
        target = server.wait_serving()
        before = len(acknowledged)
        writer = threading.Thread(
            target=upsert_until_broken,
            args=(target, f"r{number}", acknowledged),
            daemon=True,
        )
        writer.start()
        while len(acknowledged) < before + 20:
            assert writer.is_alive()
            writer.join(0.01)
        server.stop(signal.SIGKILL)
        writer.join()

    with Client(start("killed").wait_serving()) as client:
        lost = [p for p in acknowledged if client.get_product(p).id != p]
        found = client.search("red stapler", page_size=5)
    assert not lost
    assert len(acknowledged) >= 20 * rounds
    assert found.results


def test_products_and_events_survive_a_restart(start: Start) -> None:
    server = start("kept")
    with Client(server.wait_serving()) as client:
        client.upsert_products([Product(id="p1", title="green desk fan")])
        client.write_events([Event(type="PURCHASE", user_id="ann", items=[("p1", 1)])])
    assert server.stop(signal.SIGTERM) == 0

    with Client(start("kept").wait_serving()) as client:
        assert client.search("desk fan", page_size=1).results[0].product_id == "p1"
        profile = client.profile("ann")
    assert profile is not None
    assert profile.event_count == 1


def test_a_server_that_drains_completes_every_call_that_it_accepted(start: Start) -> None:
    server = start("drained")
    target = server.wait_serving()
    failures: list[RelatumError] = []
    done = [0, 0, 0, 0]
    draining = threading.Event()

    def call(number: int) -> None:
        with Client(target, timeout_s=20.0) as client:
            while not draining.is_set():
                try:
                    client.embed([f"white office chair number {done[number]}"])
                except RelatumError as error:
                    failures.append(error)
                    return
                done[number] += 1

    callers = [threading.Thread(target=call, args=(n,), daemon=True) for n in range(4)]
    for caller in callers:
        caller.start()
    while min(done) < 10:  # who has not called yet may not be connected
        assert not failures
        callers[0].join(0.01)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    draining.set()  # calls under way at the signal must complete
    for caller in callers:
        caller.join()
    stopper.join()

    assert not failures
    assert server.process.returncode == 0
