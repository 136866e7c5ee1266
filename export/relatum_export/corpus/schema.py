"""The common schema: which columns each table of a corpus has, and what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

EVENT_TYPES = (
    "VIEW",
    "CART",
    "REMOVE",
    "PURCHASE",
    "RETURN",
    "SEARCH",
    "IMPRESSION",
    "CLICK",
    "DISMISS",
    "RATING",
)
SPLITS = ("train", "valid", "test")


class Kind(Enum):
    """What a column holds once it has been checked."""

    ID = "id"  # text of 1..128 bytes without control characters
    TEXT = "text"
    NUMBER = "number"  # finite, float64
    INTEGER = "integer"  # int64
    TIME = "time"  # seconds since 1970-01-01 UTC, int64
    IDS = "ids"  # list of ids
    JSON = "json"  # a JSON object as text
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class TableSchema:
    """Columns of one table in order; ``required`` must be there and filled in each row."""

    columns: Mapping[str, Kind]
    required: tuple[str, ...]
    key: tuple[str, ...] = ()  # rows of an equal key after the first are duplicates


SCHEMAS: Mapping[str, TableSchema] = {
    "items": TableSchema(
        {
            "item_id": Kind.ID,
            "title": Kind.TEXT,
            "description": Kind.TEXT,
            "category": Kind.TEXT,
            "brand": Kind.TEXT,
            "price": Kind.NUMBER,
            "attributes": Kind.JSON,
            "also_bought": Kind.IDS,
            "also_viewed": Kind.IDS,
            "image_url": Kind.TEXT,
            "lang": Kind.TEXT,
            "group_id": Kind.ID,
            "split": Kind.SPLIT,
        },
        ("item_id",),
        ("item_id",),
    ),
    "events": TableSchema(
        {
            "user_id": Kind.TEXT,
            "item_id": Kind.ID,
            "event_type": Kind.TEXT,
            "value": Kind.NUMBER,
            "rating": Kind.NUMBER,
            "quantity": Kind.NUMBER,
            "timestamp": Kind.TIME,
            "session_id": Kind.TEXT,
            "position": Kind.INTEGER,
            "split": Kind.SPLIT,
            "review_text": Kind.TEXT,
        },
        ("item_id", "event_type"),
    ),
    "queries": TableSchema(
        {"query_id": Kind.ID, "query": Kind.TEXT, "lang": Kind.TEXT, "split": Kind.SPLIT},
        ("query_id", "query"),
        ("query_id",),
    ),
    "judgments": TableSchema(
        {"query_id": Kind.ID, "item_id": Kind.ID, "label": Kind.NUMBER, "split": Kind.SPLIT},
        ("query_id", "item_id", "label"),
    ),
    "candidates": TableSchema(
        {
            "candidate_id": Kind.ID,
            "query_id": Kind.ID,
            "candidate": Kind.TEXT,
            "source": Kind.TEXT,
            "label": Kind.NUMBER,
            "answer": Kind.TEXT,
            "split": Kind.SPLIT,
        },
        ("query_id", "candidate", "label"),
    ),
    "pairs": TableSchema(
        {
            "pair_id": Kind.TEXT,
            "item_id_a": Kind.ID,
            "item_id_b": Kind.ID,
            "relation": Kind.TEXT,
            "same_product": Kind.INTEGER,
            "split": Kind.SPLIT,
        },
        ("item_id_a", "item_id_b"),
    ),
    "bundles": TableSchema(
        {
            "bundle_id": Kind.TEXT,
            "items": Kind.IDS,
            "intent": Kind.TEXT,
            "session_id": Kind.TEXT,
            "timestamp": Kind.TIME,
            "split": Kind.SPLIT,
        },
        ("items",),
    ),
    "cases": TableSchema(
        {"user_id": Kind.TEXT, "items": Kind.IDS, "target": Kind.ID, "split": Kind.SPLIT},
        ("items", "target"),
    ),
    "faq": TableSchema(
        {
            "question_id": Kind.TEXT,
            "question": Kind.TEXT,
            "answer": Kind.TEXT,
            "intent": Kind.TEXT,
            "lang": Kind.TEXT,
            "split": Kind.SPLIT,
        },
        ("question", "answer"),
    ),
    "reviews": TableSchema(
        {
            "review_id": Kind.TEXT,
            "item_id": Kind.ID,
            "category": Kind.TEXT,
            "positive": Kind.INTEGER,
            "review_text": Kind.TEXT,
            "lang": Kind.TEXT,
            "split": Kind.SPLIT,
        },
        ("review_text",),
    ),
}

# Pairs that train and that nothing is judged by; they come from files of any name.
FURTHER_ANSWERS = "further_answers"
FURTHER_SCHEMA = TableSchema(
    {"question": Kind.TEXT, "answer": Kind.TEXT, "split": Kind.SPLIT}, ("question", "answer")
)
