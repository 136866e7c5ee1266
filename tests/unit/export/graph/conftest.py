"""A drinks shop: two shelves, three brands, baskets that lead from machines to their pods."""

import json

import pytest

from relatum_export.training.products import Catalogue
from tests.unit.export.evaluation.corpora import event, write_corpus

PRODUCTS = (
    {
        "id": "machine",
        "title": "coffee machine",
        "brand": "Acme",
        "categories": ["Kitchen > Coffee"],
    },
    {"id": "pods", "title": "pods", "brand": "Acme", "categories": ["Kitchen > Coffee"]},
    {"id": "mug", "title": "mug", "brand": "Bell", "categories": ["Kitchen > Cups"]},
    {"id": "glass", "title": "glass", "brand": "Bell", "categories": ["Kitchen > Cups"]},
    {"id": "soap", "title": "soap", "brand": "Clean", "categories": ["Bath"]},
    {"id": "towel", "title": "towel", "attributes": {"colour": {"text": ["white"]}}},
    {"id": "bathrobe", "title": "bathrobe", "attributes": {"colour": {"text": ["white"]}}},
)


@pytest.fixture
def shop(tmp_path):
    """Histories without baskets: a machine, then pods, then a mug."""
    events = []
    for i in range(6):
        for at, item in enumerate(("machine", "pods", "mug")):
            events.append(event(f"u{i}", item, position=at))
        events.append(event(f"u{i}", "soap" if i % 2 else "towel", "valid", position=3))
    ids = [str(product["id"]) for product in PRODUCTS]
    corpus = write_corpus(tmp_path / "corpus", ids, events)
    lines = "".join(json.dumps(product) + "\n" for product in PRODUCTS)
    (corpus.path / "products.jsonl").write_text(lines, encoding="utf-8")
    return corpus


@pytest.fixture
def catalogue(shop):
    return Catalogue.read(shop)
