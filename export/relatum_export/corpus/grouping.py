"""Variants of one product: products of equal normalised text share a group."""

import hashlib
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from relatum_export.corpus.normalise import normalise
from relatum_export.corpus.rejected import ROW, join_names
from relatum_export.errors import InputError

DEFAULT_GROUP_BY = "title,category"
NO_GROUPS = "none"


def with_groups(items: pa.Table, group_by: str) -> pa.Table:
    """Fill ``group_id``.

    Args:
        items: the products.
        group_by: columns with commas between, whose equal normalised values make a group;
            "none" leaves each product alone; "" keeps the source's groups, else uses
            ``title,category``. A product without a value in the first column stays alone.

    Raises:
        InputError: a column that the products do not have.
    """
    given = items["group_id"]
    if not group_by and given.null_count < len(given):
        alone = pa.array([_alone(item_id) for item_id in items["item_id"].to_pylist()])
        return _replace(items, pc.coalesce(given, alone))
    if group_by == NO_GROUPS:
        return _replace(items, items["item_id"])
    columns = [name.strip() for name in (group_by or DEFAULT_GROUP_BY).split(",")]
    for name in columns:
        if name not in items.column_names or name == ROW:
            have = [n for n in items.column_names if n != ROW]
            raise InputError(
                f"--group-by {group_by}: the items have no column {name!r}; they have "
                f"{join_names(have)}"
            )
    values = [items[name].cast(pa.string()).to_pylist() for name in columns]
    ids = items["item_id"].to_pylist()
    groups = [
        _group_id(parts) if parts[0] else _alone(item_id)
        for item_id, parts in zip(ids, zip(*values, strict=True), strict=True)
    ]
    return _replace(items, pa.array(groups, pa.string()))


def _group_id(parts: Sequence[str | None]) -> str:
    return _digest("\x1f".join(normalise(part or "") for part in parts))


def _alone(item_id: str) -> str:
    """The group of a product that has no variant; ids differ even by letter case."""
    return _digest(f"item\x1e{item_id}")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8"), digest_size=8).hexdigest()


def _replace(items: pa.Table, groups: pa.Array | pa.ChunkedArray) -> pa.Table:
    return items.set_column(items.column_names.index("group_id"), "group_id", groups)
