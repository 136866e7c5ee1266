"""Concurrent clients of servers that are killed and started again see one order of each key."""

import random
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial

import pytest

from relatum import Client
from relatum.errors import NotFoundError, RelatumError
from relatum.types import Product
from tests.bench.faults.history import NOTHING, History, violations
from tests.bench.processes import ServerProcess

KEYS = ("red-mug", "blue-mug", "green-mug")
CLIENTS = 4
LEAST = 60  # operations between two kills


def _use(target: str, number: int, history: History, stop: threading.Event) -> None:
    chance = random.Random(number)  # noqa: S311 - repeatable, not secret
    n = 0
    with Client(target, timeout_s=5.0) as client:

        def read(key: str) -> str:
            try:
                return client.get_product(key).title
            except NotFoundError:
                return NOTHING

        while not stop.is_set():
            key, n = chance.choice(KEYS), n + 1
            try:
                if chance.random() < 0.4:
                    product = Product(id=key, title=f"a mug {number} {n}")
                    history.write(key, product.title, partial(client.upsert_products, [product]))
                else:
                    history.read(key, partial(read, key))
            except RelatumError:
                stop.wait(0.05)


@pytest.mark.parametrize("kills", [1, pytest.param(6, marks=pytest.mark.long)])
def test_each_key_has_one_order_through_kills_and_restarts(
    start: Callable[..., ServerProcess], kills: int
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = start("data", port=port)
    target = server.wait_serving()
    history, stop = History(), threading.Event()
    clients = [
        threading.Thread(target=_use, args=(target, n, history, stop), daemon=True)
        for n in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    for round_ in range(kills + 1):
        done = len(history.operations)
        while len(history.operations) < done + LEAST:
            assert all(client.is_alive() for client in clients)
            clients[0].join(0.01)
        if round_ < kills:
            server.stop(signal.SIGKILL)
            server = start("data", port=port)
            server.wait_serving()
    stop.set()
    for client in clients:
        client.join()

    assert violations(history.operations) == []
    assert len({o.value for o in history.operations if not o.is_write}) > 5
