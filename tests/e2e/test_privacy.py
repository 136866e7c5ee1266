"""A shopper's raw id occurs in no byte of the data directory, the logs or the replies."""

from collections.abc import Callable
from pathlib import Path

from relatum import Client
from relatum.types import Event, Product
from tests.bench.processes import ServerProcess

CANARY = "shopper-canary-7f3a91"
SESSION = "session-canary-55c0de"


def test_a_raw_shopper_id_is_nowhere_at_rest_in_logs_or_in_replies(
    start: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = start("private")
    with Client(server.wait_serving()) as client:
        client.upsert_products([Product(id="p1", title="blue pen")])
        client.write_events(
            [Event(type="PURCHASE", user_id=CANARY, session_id=SESSION, items=[("p1", 1)])],
            request_id="once",
        )
        replies = [
            repr(client.recommend(CANARY)),
            repr(client.profile(CANARY)),
            repr(client.search("pen", user_id=CANARY)),
        ]
    server.stop()

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix in {".sqlite", ".db"} for path in files)
    for needle in (CANARY, SESSION):
        assert not [path for path in files if needle.encode() in path.read_bytes()]
        assert needle not in server.log.read_text(encoding="utf-8")
        assert not [reply for reply in replies if needle in reply]
