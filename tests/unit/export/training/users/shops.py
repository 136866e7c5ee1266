"""Small shops whose next purchase can be learned, and text vectors of their products."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.training.users.item_text import ItemText
from relatum_export.training.users.settings import UserSettings
from tests.unit.export.evaluation.corpora import event, write_corpus

PRODUCTS = 24
DAY_S = 86_400
QUIET = Reporter(as_json=True)
SMALL = UserSettings(
    dimension=16,
    layers=1,
    heads=2,
    dropout=0.1,
    max_history=8,
    epochs=4,
    batch_events=64,
    learning_rate=0.01,
    warm_up=0,
)


def product(number: int) -> str:
    return f"p{number % PRODUCTS:02d}"


def round_shop(folder: Path, *, shoppers: int = 40, name: str = "round") -> Corpus:
    """Each shopper goes once round the shelves from another start; the last product is unsold."""
    events = []
    for shopper in range(shoppers):
        steps = [(shopper * 5 + step) % (PRODUCTS - 1) for step in range(9)]
        for position, step in enumerate(steps):
            split = "train" if position < 7 else ("valid", "test")[position - 7]
            events.append(event(f"u{shopper:02d}", product(step), split, position=position))
    return write_corpus(folder, [product(i) for i in range(PRODUCTS)], events, name=name)


def basket_shop(folder: Path, *, shoppers: int = 20) -> Corpus:
    """Each shopper has a basket of two products a week, then the two that follow."""
    events = [
        event(
            f"u{shopper:02d}",
            product(shopper + 2 * week + step),
            "train" if week < 4 else ("valid", "test")[week - 4],
            session_id=f"u{shopper:02d}-{week}",
            timestamp=(week * 7 + 1) * DAY_S,
        )
        for shopper in range(shoppers)
        for week in range(6)
        for step in (0, 1)
    ]
    return write_corpus(folder, [product(i) for i in range(PRODUCTS)], events, name="baskets")


def text_of(items: Sequence[str], *, encoder_id: str = "given", dimension: int = 12) -> ItemText:
    """Random unit vectors, the same for the same number of items."""
    vectors = np.random.default_rng(1).normal(size=(len(items), dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    form = {"name": "title", "fields": [], "separator": " | "}
    return ItemText("given", encoder_id, form, dict(zip(items, vectors, strict=True)))


ROUND_TEXT = text_of([product(i) for i in range(PRODUCTS)])
