"""What an observed offer does to a stored product."""

import secrets
from dataclasses import replace
from typing import Any

from relatum_server.domain import OfferUpdate, Product


def observed(product: Product, update: OfferUpdate, now_us: int) -> Product | None:
    """The product with the fields of an update that nothing newer was observed of.

    None where it has no such field: the update is stale.
    """
    changes: dict[str, Any] = {}
    times: dict[str, int] = {}
    for name in ("price", "availability", "rating"):
        value, time = getattr(update, name), f"{name}_us"
        if value is not None and update.observe_time_us >= getattr(product.offer_times, time):
            changes[name], times[time] = value, update.observe_time_us
    if not changes:
        return None
    return replace(
        product,
        **changes,
        offer_times=replace(product.offer_times, **times),
        update_time_us=now_us,
        etag=secrets.token_hex(8),
    )
