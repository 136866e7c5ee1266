"""The lines that `relatum import` streams into a server: ProtoJSON of Product and Event.

Contract: proto/relatum/v1/product.proto and event.proto. Only the events of train and valid are
written: what happened in test is held out.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from relatum_export.corpus.events import MAX_QUANTITY, in_order
from relatum_export.corpus.languages import MANY, detect
from relatum_export.corpus.product import Product

MAX_EVENT_ITEMS = 256
MAX_RATING = 5.0
NO_CURRENCY = "XXX"  # ISO 4217: no currency involved
MILLION = 1_000_000
TIME_FORM = "%Y-%m-%dT%H:%M:%SZ"
ABSENT = -1  # stands for "no time", "no value" where a number is needed


def product_line(product: Product, rating: tuple[float, int] | None) -> str:
    """One product as a line of ProtoJSON; ``rating`` is the mean of 0..5 and the count."""
    message: dict[str, Any] = {
        "id": product.item_id,
        "title": product.title,
        "description": product.description,
        "brand": product.brand,
        "categories": list(product.categories),
        "attributes": {key: _attribute(*value) for key, value in product.attributes.items()},
        "imageUris": list(product.image_uris),
        "languageCode": _language(product),
        "groupId": product.group_id,
    }
    message = {key: value for key, value in message.items() if value}
    if product.price is not None:
        message["price"] = money(product.price, product.currency)
    if rating:
        message["rating"] = {"average": rating[0], "count": str(rating[1])}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def money(price: float, currency: str) -> dict[str, Any]:
    """A price as google.type.Money; units and nanos share the sign."""
    # To a millionth: a price read from a 32-bit float carries noise far below a cent.
    units, millionths = divmod(round(abs(price) * MILLION), MILLION)
    sign = -1 if price < 0 else 1
    return {
        "currencyCode": currency or NO_CURRENCY,
        "units": str(sign * units),
        "nanos": sign * millionths * 1_000,
    }


def ratings(events: pa.Table) -> dict[str, tuple[float, int]]:
    """Mean and count of the ratings of 0..5 by item, of train and valid."""
    frame = events.select(["item_id", "value", "split"]).to_pandas()
    rated = frame[frame["value"].between(0, MAX_RATING) & (frame["split"] != "test")]
    means = rated.groupby("item_id")["value"].agg(["mean", "count"])
    return {
        str(item): (round(float(mean), 6), int(count))
        for item, mean, count in zip(means.index, means["mean"], means["count"], strict=True)
    }


def event_lines(events: pa.Table) -> Iterator[str]:
    """The events of train and valid as lines of ProtoJSON, in the order they happened.

    The lines of one basket (same shopper, session, type, time and value) make one event of up to
    256 products. An id is a hash of the content, so importing twice changes nothing. ``sequence``
    is the running number; an event whose source has no time carries none.
    """
    frame = in_order(events)
    frame = frame[frame["split"] != "test"].reset_index(drop=True)
    frame["time"] = frame["timestamp"].fillna(ABSENT).astype(np.int64)
    frame["worth"] = frame["value"].astype(np.float64).fillna(np.nan)
    for name in ("user_id", "session_id"):
        frame[name] = frame[name].fillna("")
    columns = [
        frame[name].to_numpy()
        for name in ("user_id", "session_id", "event_type", "time", "worth", "item_id", "quantity")
    ]
    users, sessions, types, times, values, items, quantities = columns
    seen: Counter[str] = Counter()
    sequence = 0
    for rows in _baskets(frame):
        first = rows[0]
        amounts: dict[str, int] = {}
        for row in rows:
            amounts[items[row]] = amounts.get(items[row], 0) + int(quantities[row])
        message: dict[str, Any] = {"type": f"EVENT_TYPE_{types[first]}"}
        if users[first]:
            message["userId"] = users[first]
        if sessions[first]:
            message["sessionId"] = sessions[first]
        if times[first] != ABSENT:
            message["time"] = datetime.fromtimestamp(int(times[first]), UTC).strftime(TIME_FORM)
        if not np.isnan(values[first]):
            message["value"] = float(values[first])
        wanted = [
            {"productId": item, "quantity": min(amount, MAX_QUANTITY)}
            if amount
            else {"productId": item}
            for item, amount in amounts.items()
        ]
        for start in range(0, len(wanted), MAX_EVENT_ITEMS):
            sequence += 1
            message["items"] = wanted[start : start + MAX_EVENT_ITEMS]
            yield _numbered(message, sequence, seen)


def _baskets(frame: pd.DataFrame) -> Sequence[NDArray[np.int64]]:
    """Row numbers of each event, events in the order of their first row."""
    keys = frame[["user_id", "session_id", "event_type", "time", "worth"]].copy()
    # Without a session nothing says that two lines belong together.
    keys["alone"] = np.where(frame["session_id"] == "", np.arange(len(frame)), ABSENT)
    codes = keys.groupby(list(keys.columns), sort=False, dropna=False).ngroup().to_numpy()
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1) if len(order) else []


def _numbered(message: dict[str, Any], sequence: int, seen: Counter[str]) -> str:
    """One event as a line; equal events of one shop differ by their count."""
    content = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    seen[content] += 1
    digest = hashlib.blake2b(f"{content}#{seen[content]}".encode(), digest_size=12).hexdigest()
    return json.dumps(
        {"id": digest, **message, "sequence": str(sequence)},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _attribute(words: Sequence[str], numbers: Sequence[float]) -> dict[str, Any]:
    both = {"text": list(words), "numbers": list(numbers)}
    return {key: value for key, value in both.items() if value}


def _language(product: Product) -> str:
    """The source's code; else Chinese, Japanese and so on by script, never English by guess."""
    if product.lang.lower() not in MANY:
        return product.lang
    found = detect(product.title)
    return "" if found in ("en", "und") else found
