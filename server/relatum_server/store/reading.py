"""A store that takes no writes: of a server whose role is to read."""

from typing import Any, Final

from relatum_server.errors import FailedPreconditionError
from relatum_server.store.base import Store

WRITES: Final = frozenset({"write_products", "write_events", "update_offers", "keep_reply"})


class ReadingStore:
    """`Store` whose reads are another's, and whose writes are refused."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return _refuse if name in WRITES else getattr(self._store, name)


def _refuse(*_: object, **__: object) -> None:
    raise FailedPreconditionError(
        "this server only reads (--role reader); send writes to one of role writer",
        reason="READ_ONLY",
    )
