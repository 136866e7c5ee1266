"""Two servers behind the shipped client: one restarts under load, and no call fails."""

import socket
import threading
from collections.abc import Callable

import pytest

from relatum import Client, RelatumError
from relatum.types import Product
from tests.bench.processes import ServerProcess


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.long
def test_no_call_fails_while_one_of_two_servers_restarts(
    start: Callable[..., ServerProcess],
) -> None:
    ports = (free_port(), free_port())
    servers = [start(f"s{port}", port=port) for port in ports]
    targets = [server.wait_serving() for server in servers]
    for target in targets:
        with Client(target) as client:
            client.upsert_products([Product(id="m", title="wireless mouse")])
    failures: list[RelatumError] = []
    done = [0, 0, 0]
    stop = threading.Event()

    def load(worker: int) -> None:
        with Client(",".join(targets), timeout_s=20.0) as client:
            while not stop.is_set():
                try:
                    assert client.search("mouse", page_size=1).results
                except RelatumError as error:
                    failures.append(error)
                done[worker] += 1

    workers = [threading.Thread(target=load, args=(n,), daemon=True) for n in range(3)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(2):
            assert servers[0].stop() == 0
            servers[0] = start(f"s{ports[0]}", port=ports[0])
            servers[0].wait_serving()
    finally:
        stop.set()
        for worker in workers:
            worker.join()

    assert not failures
    assert min(done) > 0
