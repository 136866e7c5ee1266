"""What a write does to the SQLite tables, inside a transaction that the caller commits."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import apsw

from relatum_server.domain import Event, OfferOutcome, OfferUpdate, Product
from relatum_server.errors import (
    AbortedError,
    InvalidArgumentError,
    NotFoundError,
)
from relatum_server.store import chain
from relatum_server.store.base import (
    EventsWritten,
    OffersWritten,
    ProductPut,
    ProductsWritten,
    Request,
    Written,
)
from relatum_server.store.codec import decode, decode_product, encode, encode_event_body
from relatum_server.store.offers import observed
from relatum_server.store.records import REPLY_KEPT_US, check_distinct, check_id, check_keys
from relatum_server.store.sqlite_log import SqliteLog

_Outcome = TypeVar("_Outcome", ProductsWritten, EventsWritten, OffersWritten)


def write_products(
    connection: apsw.Connection, puts: Sequence[ProductPut], delete_ids: Sequence[str]
) -> ProductsWritten:
    """Put, then delete; see `Store.write_products`."""
    check_distinct([put.product.id for put in puts] + list(delete_ids))
    keys = [_put(connection, put) for put in puts]
    deleted_keys: list[int] = []
    missing_ids: list[str] = []
    for product_id in delete_ids:
        key = connection.execute("SELECT key FROM products WHERE id = ?", (product_id,)).get
        if key is None:
            missing_ids.append(product_id)
            continue
        connection.execute("DELETE FROM vectors WHERE key = ?", (key,))
        connection.execute("DELETE FROM products WHERE key = ?", (key,))
        deleted_keys.append(key)
    if keys or deleted_keys:
        revision = _log(connection, "products", (keys, deleted_keys))
    else:
        revision = last_revision(connection)
    return ProductsWritten(revision, tuple(keys), tuple(deleted_keys), tuple(missing_ids))


def write_events(connection: apsw.Connection, events: Sequence[Event]) -> EventsWritten:
    """Insert what is new; see `Store.write_events`."""
    fresh: list[bool] = []
    first, last = 0, -1
    users: dict[str, int | None] = {"": None}
    for event in events:
        check_id(event.id)
        if event.user not in users:
            users[event.user] = _number_user(connection, event.user)
        connection.execute(
            "INSERT INTO events (id, user, session, time_us, sequence, type, payload)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            (
                event.id,
                users[event.user],
                event.session,
                event.time_us,
                event.sequence,
                int(event.type),
                encode_event_body(event),
            ),
        )
        new = connection.changes() == 1
        fresh.append(new)
        if new:
            last = connection.last_insert_rowid()
            first = first or last
    if last < 0:
        return EventsWritten(last_revision(connection), tuple(fresh))
    return EventsWritten(_log(connection, "events", (first, last)), tuple(fresh))


def update_offers(
    connection: apsw.Connection, updates: Sequence[OfferUpdate], now_us: int
) -> OffersWritten:
    """Write what was observed; see `Store.update_offers`."""
    found: dict[str, tuple[int, Product] | None] = {}
    changed: dict[int, Product] = {}
    outcomes = []
    for update in updates:
        if update.product_id not in found:
            row = connection.execute(
                "SELECT key, payload FROM products WHERE id = ?", (update.product_id,)
            ).fetchone()
            found[update.product_id] = None if row is None else (row[0], decode_product(row[1]))
        stored = found[update.product_id]
        if stored is None:
            outcomes.append(OfferOutcome.NOT_FOUND)
            continue
        key, product = stored
        after = observed(product, update, now_us)
        outcomes.append(OfferOutcome.STALE if after is None else OfferOutcome.OK)
        if after is not None:
            found[update.product_id] = key, after
            changed[key] = after
    for key, product in changed.items():
        connection.execute(
            "UPDATE products SET etag = ?, payload = ? WHERE key = ?",
            (product.etag, encode(product), key),
        )
    if not changed:
        return OffersWritten(last_revision(connection), (), tuple(outcomes))
    revision = _log(connection, "offers", list(changed))
    return OffersWritten(revision, tuple(changed), tuple(outcomes))


def last_revision(connection: apsw.Connection) -> int:
    """The highest revision that this connection sees; 0 for none."""
    value: int = connection.execute("SELECT coalesce(max(revision), 0) FROM change_log").get
    return value


def find_request(
    connection: apsw.Connection, request: Request, now_us: int
) -> tuple[bytes | None, bytes | None] | None:
    """Outcome and reply kept for a request id, or None if it is new or older than 24 h.

    Raises:
        InvalidArgumentError: REQUEST_ID_REUSED, it came with another body.
    """
    row = connection.execute(
        "SELECT body_hash, outcome, reply FROM requests"
        " WHERE rpc = ? AND request_id = ? AND time_us > ?",
        (request.rpc, request.request_id, now_us - REPLY_KEPT_US),
    ).fetchone()
    if row is None:
        return None
    body_hash, outcome, reply = row
    if body_hash != request.body_hash:
        raise InvalidArgumentError(
            "request_id",
            "was used within 24 h for another request; make a new id for each new request",
            reason="REQUEST_ID_REUSED",
        )
    return outcome, reply


def find_outcome(
    connection: apsw.Connection, request: Request, kind: type[_Outcome], now_us: int
) -> _Outcome | None:
    """What the first write with this request id did, marked as a repeat; None if it is new."""
    found = find_request(connection, request, now_us)
    if found is None:
        return None
    outcome, reply = found
    if outcome is None:  # a reply was kept for a call that wrote nothing through this store
        blank = kind(last_revision(connection), ())
        return replace(blank, replayed=reply, repeated=True)
    return replace(decode(outcome, kind), replayed=reply, repeated=True)


def keep_request(
    connection: apsw.Connection,
    request: Request,
    now_us: int,
    *,
    outcome: Written | None = None,
    reply: bytes | None = None,
) -> None:
    """Remember a request id with what it did and, once known, its reply."""
    packed = None if outcome is None else encode(outcome)
    connection.execute(
        "INSERT INTO requests (rpc, request_id, body_hash, outcome, reply, time_us)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (rpc, request_id) DO UPDATE SET"
        " body_hash = excluded.body_hash, outcome = coalesce(excluded.outcome, outcome),"
        " reply = excluded.reply, time_us = excluded.time_us",
        (request.rpc, request.request_id, request.body_hash, packed, reply or None, now_us),
    )


def prune_requests(connection: apsw.Connection, now_us: int) -> None:
    """Forget request ids older than 24 h."""
    connection.execute("DELETE FROM requests WHERE time_us <= ?", (now_us - REPLY_KEPT_US,))


def _put(connection: apsw.Connection, put: ProductPut) -> int:
    product = put.product
    row = connection.execute(
        "SELECT key, etag FROM products WHERE id = ?", (product.id,)
    ).fetchone()
    if row is None and put.must_exist:
        raise NotFoundError(
            f"product {product.id!r} does not exist; write it whole, without update_mask, first",
            reason="PRODUCT_NOT_FOUND",
        )
    if put.expected_etag and (row is None or row[1] != put.expected_etag):
        raise AbortedError(
            f"product {product.id!r} has changed since its etag was read; read it again and retry"
        )
    payload = encode(product)
    if row is None:
        connection.execute(
            "INSERT INTO products (id, etag, payload) VALUES (?, ?, ?)",
            (product.id, product.etag, payload),
        )
        key = connection.last_insert_rowid()
        check_keys([key])
    else:
        key = row[0]
        connection.execute(
            "UPDATE products SET etag = ?, payload = ? WHERE key = ?", (product.etag, payload, key)
        )
    if put.text_vector is not None:
        connection.execute(
            "INSERT OR REPLACE INTO vectors (key, encoder_id, text_hash, packed_f16)"
            " VALUES (?, ?, ?, ?)",
            (key, put.encoder_id, put.text_hash, put.text_vector),
        )
    elif row is not None:
        connection.execute("DELETE FROM vectors WHERE key = ?", (key,))
    return key


def _number_user(connection: apsw.Connection, user: str) -> int:
    number: int | None = connection.execute("SELECT number FROM users WHERE hash = ?", (user,)).get
    if number is None:
        connection.execute("INSERT INTO users (hash) VALUES (?)", (user,))
        number = connection.last_insert_rowid()
    return number


def _log(connection: apsw.Connection, kind: str, payload: object) -> int:
    last = SqliteLog(connection).head()
    revision, packed = last.revision + 1, encode(payload)
    connection.execute(
        "INSERT INTO change_log (revision, kind, payload, link) VALUES (?, ?, ?, ?)",
        (revision, kind, packed, chain.link(last.link, revision, kind, packed)),
    )
    return revision
