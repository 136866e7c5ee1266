"""Which products of a large catalogue pairs are made of."""

from relatum_export.training.association_head import products
from relatum_export.training.association_head.products import relevant
from relatum_export.training.products import Catalogue
from tests.unit.export.evaluation.corpora import event, write_corpus

ITEMS = [f"p{number}" for number in range(8)]
BOUGHT = [("p3", "train"), ("p3", "train"), ("p6", "train"), ("p1", "train")]
BOUGHT += [("p7", "valid")] * 5


def test_a_catalogue_that_is_small_enough_stays_whole(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", ITEMS)
    catalogue = Catalogue.read(corpus)

    assert relevant(corpus, catalogue) is catalogue


def test_of_a_large_one_judged_products_and_those_named_most_in_train_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(products, "COMPANY_PRODUCTS", 2)
    events = [event(f"u{n}", item, split) for n, (item, split) in enumerate(BOUGHT)]
    judged = [{"item_id_a": "p5", "item_id_b": "p0", "relation": "substitute", "split": "test"}]
    corpus = write_corpus(tmp_path / "corpus", ITEMS, events, {"pairs": judged})

    kept = relevant(corpus, Catalogue.read(corpus))

    assert kept.ids == ("p0", "p1", "p3", "p5")
    assert [product.title for product in kept.products] == list(kept.ids)


def test_bundles_and_lists_name_products_too(tmp_path, monkeypatch):
    monkeypatch.setattr(products, "COMPANY_PRODUCTS", 2)
    bundles = [
        {"items": ["p2", "p4"], "split": "train"},
        {"items": ["p6", "p7"], "split": "test"},
    ]
    corpus = write_corpus(tmp_path / "corpus", ITEMS, (), {"bundles": bundles})

    assert relevant(corpus, Catalogue.read(corpus)).ids == ("p2", "p4")
