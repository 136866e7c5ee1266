"""Writes of some fields of products that exist."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from relatum_server.domain import OfferTimes, Product, ProductWrite, StoredProduct
from relatum_server.errors import InvalidArgumentError, NotFoundError
from relatum_server.services.validation import missing

OFFER_FIELDS = ("price", "availability", "rating")


def product_not_found(product_id: str) -> NotFoundError:
    """The error of a product that the catalogue does not have."""
    return NotFoundError(
        f"no product {product_id[:128]!r} in the catalogue; write it with UpsertProducts",
        reason="PRODUCT_NOT_FOUND",
    )


def merged(
    writes: Sequence[ProductWrite], stored: Mapping[str, StoredProduct], mask: Sequence[str]
) -> list[ProductWrite]:
    """The stored products with the masked fields of the given ones.

    The etag read here guards the write: a change in between must not be undone.
    """
    if not mask:
        raise InvalidArgumentError("update_mask", "names no field; name some or leave it out")
    absent = missing([write.product.id for write in writes], stored)
    if absent:
        raise product_not_found(absent[0])
    result = []
    for write in writes:
        old = stored[write.product.id].product
        changes = {name: getattr(write.product, name) for name in mask if name != "vectors"}
        result.append(
            ProductWrite(
                replace(old, **changes),
                write.vectors if "vectors" in mask else (),
                write.expected_etag or old.etag,
            )
        )
    return result


def observed_now(product: Product, mask: Sequence[str] | None, now_us: int) -> OfferTimes:
    """When the offer was observed of a product that is written: a mask leaves the rest's times."""
    if mask is None:
        return OfferTimes(now_us, now_us, now_us)
    named = {f"{name}_us": now_us for name in OFFER_FIELDS if name in mask}
    return replace(product.offer_times, **named)
