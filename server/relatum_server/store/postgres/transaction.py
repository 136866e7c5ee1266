"""What a write does to the PostgreSQL tables, inside a transaction that holds the lock."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from relatum_server.domain import Event, OfferOutcome, OfferUpdate, Product
from relatum_server.errors import AbortedError, InvalidArgumentError, NotFoundError
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
from relatum_server.store.postgres.connection import Connection
from relatum_server.store.postgres.log import PostgresLog
from relatum_server.store.records import REPLY_KEPT_US, check_distinct, check_id, check_keys

_INSERT: Final = (
    "INSERT INTO products (id, etag, payload)"
    " SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[]) RETURNING id, key"
)
_UPDATE: Final = (
    "UPDATE products SET etag = new.etag, payload = new.payload"
    " FROM unnest(%s::text[], %s::text[], %s::bytea[]) AS new (id, etag, payload)"
    " WHERE products.id = new.id RETURNING products.id, key"
)

_Outcome = TypeVar("_Outcome", ProductsWritten, EventsWritten, OffersWritten)


def write_products(
    connection: Connection, puts: Sequence[ProductPut], delete_ids: Sequence[str]
) -> ProductsWritten:
    """Put, then delete; see `Store.write_products`."""
    ids = [put.product.id for put in puts]
    check_distinct(ids + list(delete_ids))
    etags = _etags(connection, ids)
    for put in puts:
        _check_put(put, etags.get(put.product.id))
    keys = _put(connection, puts, etags.keys())
    found = dict(
        connection.execute("SELECT id, key FROM products WHERE id = ANY(%s)", (list(delete_ids),))
    )
    missing_ids = tuple(i for i in delete_ids if i not in found)
    deleted_keys = tuple(found[i] for i in delete_ids if i in found)
    if deleted_keys:
        connection.execute("DELETE FROM products WHERE key = ANY(%s)", (list(deleted_keys),))
    if keys or deleted_keys:
        revision = _log(connection, "products", (keys, deleted_keys))
    else:
        revision = PostgresLog(connection).head().revision
    return ProductsWritten(revision, tuple(keys), deleted_keys, missing_ids)


def write_events(connection: Connection, events: Sequence[Event]) -> EventsWritten:
    """Insert what is new; see `Store.write_events`."""
    for event in events:
        check_id(event.id)
    numbers = _number_users(connection, {event.user for event in events if event.user})
    first_of = {event.id: i for i, event in reversed(list(enumerate(events)))}
    chosen = [event for i, event in enumerate(events) if first_of[event.id] == i]
    rows = connection.execute(
        'INSERT INTO events (id, "user", session, time_us, sequence, type, payload)'
        " SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[],"
        " %s::int[], %s::bytea[]) ON CONFLICT (id) DO NOTHING RETURNING row, id",
        (
            [event.id for event in chosen],
            [numbers.get(event.user) for event in chosen],
            [event.session for event in chosen],
            [event.time_us for event in chosen],
            [event.sequence for event in chosen],
            [int(event.type) for event in chosen],
            [encode_event_body(event) for event in chosen],
        ),
    ).fetchall()
    new = {event_id for _, event_id in rows}
    fresh = tuple(event.id in new and first_of[event.id] == i for i, event in enumerate(events))
    if not rows:
        return EventsWritten(PostgresLog(connection).head().revision, fresh)
    given = [row for row, _ in rows]
    return EventsWritten(_log(connection, "events", (min(given), max(given))), fresh)


def update_offers(
    connection: Connection, updates: Sequence[OfferUpdate], now_us: int
) -> OffersWritten:
    """Write what was observed; see `Store.update_offers`."""
    found: dict[str, tuple[int, Product]] = {
        product_id: (key, decode_product(payload))
        for product_id, key, payload in connection.execute(
            "SELECT id, key, payload FROM products WHERE id = ANY(%s)",
            (list({update.product_id for update in updates}),),
        )
    }
    changed: dict[int, Product] = {}
    outcomes = []
    for update in updates:
        if update.product_id not in found:
            outcomes.append(OfferOutcome.NOT_FOUND)
            continue
        key, product = found[update.product_id]
        after = observed(product, update, now_us)
        outcomes.append(OfferOutcome.STALE if after is None else OfferOutcome.OK)
        if after is not None:
            found[update.product_id] = key, after
            changed[key] = after
    if not changed:
        revision = PostgresLog(connection).head().revision
        return OffersWritten(revision, (), tuple(outcomes))
    connection.execute(
        "UPDATE products SET etag = new.etag, payload = new.payload"
        " FROM unnest(%s::bigint[], %s::text[], %s::bytea[]) AS new (key, etag, payload)"
        " WHERE products.key = new.key",
        (
            list(changed),
            [product.etag for product in changed.values()],
            [encode(product) for product in changed.values()],
        ),
    )
    revision = _log(connection, "offers", list(changed))
    return OffersWritten(revision, tuple(changed), tuple(outcomes))


def find_request(
    connection: Connection, request: Request, now_us: int
) -> tuple[bytes | None, bytes | None] | None:
    """Outcome and reply kept for a request id, or None if it is new or older than 24 h.

    Raises:
        InvalidArgumentError: REQUEST_ID_REUSED, it came with another body.
    """
    row = connection.execute(
        "SELECT body_hash, outcome, reply FROM requests"
        " WHERE rpc = %s AND request_id = %s AND time_us > %s",
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
    connection: Connection, request: Request, kind: type[_Outcome], now_us: int
) -> _Outcome | None:
    """What the first write with this request id did, marked as a repeat; None if it is new."""
    found = find_request(connection, request, now_us)
    if found is None:
        return None
    outcome, reply = found
    if outcome is None:  # a reply was kept for a call that wrote nothing through this store
        blank = kind(PostgresLog(connection).head().revision, ())
        return replace(blank, replayed=reply, repeated=True)
    return replace(decode(outcome, kind), replayed=reply, repeated=True)


def keep_request(
    connection: Connection,
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
        " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (rpc, request_id) DO UPDATE SET"
        " body_hash = excluded.body_hash, outcome = coalesce(excluded.outcome, requests.outcome),"
        " reply = excluded.reply, time_us = excluded.time_us",
        (request.rpc, request.request_id, request.body_hash, packed, reply or None, now_us),
    )


def prune_requests(connection: Connection, now_us: int) -> None:
    """Forget request ids older than 24 h."""
    connection.execute("DELETE FROM requests WHERE time_us <= %s", (now_us - REPLY_KEPT_US,))


def _etags(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    return dict(
        connection.execute("SELECT id, etag FROM products WHERE id = ANY(%s)", (list(ids),))
    )


def _check_put(put: ProductPut, etag: str | None) -> None:
    product_id = put.product.id
    if etag is None and put.must_exist:
        raise NotFoundError(
            f"product {product_id!r} does not exist; write it whole, without update_mask, first",
            reason="PRODUCT_NOT_FOUND",
        )
    if put.expected_etag and etag != put.expected_etag:
        raise AbortedError(
            f"product {product_id!r} has changed since its etag was read; read it again and retry"
        )


def _put(connection: Connection, puts: Sequence[ProductPut], stored: Collection[str]) -> list[int]:
    """Keys of the written products, in order.

    Products that are there are updated, never inserted over: that would use up a key each time.
    """
    if not puts:
        return []
    key_of: dict[str, int] = {}
    for there, statement in ((True, _UPDATE), (False, _INSERT)):
        some = [put for put in puts if (put.product.id in stored) is there]
        if some:
            rows = connection.execute(
                statement,
                (
                    [put.product.id for put in some],
                    [put.product.etag for put in some],
                    [encode(put.product) for put in some],
                ),
            )
            key_of.update(rows)
    keys = [key_of[put.product.id] for put in puts]
    check_keys(keys)
    without = [key for key, put in zip(keys, puts, strict=True) if put.text_vector is None]
    if without:
        connection.execute("DELETE FROM vectors WHERE key = ANY(%s)", (without,))
    made = [(key, put) for key, put in zip(keys, puts, strict=True) if put.text_vector is not None]
    if made:
        connection.execute(
            "INSERT INTO vectors (key, encoder_id, text_hash, packed_f16)"
            " SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bytea[], %s::bytea[])"
            " ON CONFLICT (key) DO UPDATE SET encoder_id = excluded.encoder_id,"
            " text_hash = excluded.text_hash, packed_f16 = excluded.packed_f16",
            (
                [key for key, _ in made],
                [put.encoder_id for _, put in made],
                [put.text_hash for _, put in made],
                [put.text_vector for _, put in made],
            ),
        )
    return keys


def _number_users(connection: Connection, hashes: set[str]) -> dict[str, int]:
    wanted = sorted(hashes)
    if wanted:
        connection.execute(
            "INSERT INTO users (hash) SELECT hash FROM unnest(%s::text[]) AS new (hash)"
            " WHERE NOT EXISTS (SELECT FROM users WHERE users.hash = new.hash)",
            (wanted,),
        )
    return dict(
        connection.execute("SELECT hash, number FROM users WHERE hash = ANY(%s)", (wanted,))
    )


def _log(connection: Connection, kind: str, payload: object) -> int:
    last = PostgresLog(connection).head()
    revision, packed = last.revision + 1, encode(payload)
    connection.execute(
        "INSERT INTO change_log VALUES (%s, %s, %s, %s)",
        (revision, kind, packed, chain.link(last.link, revision, kind, packed)),
    )
    connection.execute("SELECT pg_notify('relatum_' || current_schema(), '')")
    return revision
