"""PostgreSQL keeps the contract that every store keeps: its tests, over a real server."""

from tests.unit.server.store.test_store_contract import *  # noqa: F403
