"""PostgreSQL keeps what every store does with request ids: its tests, over a real server."""

from tests.unit.server.store.test_store_requests import *  # noqa: F403
