"""PostgreSQL keeps what every store does with offers: its tests, over a real server."""

from tests.unit.server.store.test_store_offers import *  # noqa: F403
