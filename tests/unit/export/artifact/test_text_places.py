"""The map from text into a counted behaviour space."""

import numpy as np
import pytest

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact import behaviour
from relatum_export.artifact.text_places import (
    FILE,
    HISTORY,
    add_text_places,
    fit_text_places,
    history_vectors,
    level,
)
from relatum_export.training.users.ridge import apply_map
from tests.unit.export.evaluation.corpora import event, write_corpus

PRODUCTS, TEXT, SPACE = 400, 12, 5


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def shop():
    """Text that tells half of where a product stands, and histories of ten products."""
    draw = np.random.default_rng(1)
    text = unit(draw.normal(size=(PRODUCTS, TEXT)))
    noise = draw.normal(size=(PRODUCTS, SPACE)) * 0.3
    vectors = unit(text @ draw.normal(size=(TEXT, SPACE)) + noise)
    histories = unit(np.stack([vectors[draw.choice(PRODUCTS, 10)].mean(axis=0) for _ in range(60)]))
    return text, vectors, histories


class Encoder:
    dimension = TEXT
    text_form = None

    def __init__(self, vectors):
        self._vectors = vectors

    def encode(self, texts, *, kind, progress=None):
        assert kind == "document"
        return np.stack([self._vectors[text] for text in texts])


def test_a_product_placed_by_its_text_is_near_where_it_stands(shop):
    text, vectors, histories = shop

    found = fit_text_places(text[50:], vectors[50:], histories)

    placed = unit(apply_map(found.weights, text[:50]))
    own = (placed * vectors[:50]).sum(axis=1).mean()
    others = (placed * np.roll(vectors[:50], 1, axis=0)).sum(axis=1).mean()
    assert own > 0.7
    assert others < 0.3


def test_at_the_level_as_many_predictions_as_vectors_reach_the_first_places(shop):
    _, vectors, histories = shop
    shrunk = 0.3 * np.roll(vectors, 7, axis=0)

    scale = level(vectors, shrunk, histories)

    least = -np.sort(-(histories @ vectors.T), axis=1)[:, 39]
    reached = (scale * histories @ shrunk.T >= least[:, None] - 1e-6).sum()
    assert reached == pytest.approx(40 * len(histories), abs=1)
    assert scale == pytest.approx(1 / 0.3, rel=1e-3)


def test_where_no_prediction_points_the_histories_way_the_scale_is_one(shop):
    _, vectors, histories = shop

    assert level(vectors, np.zeros_like(vectors), histories) == 1.0


def parts(ids, vectors):
    return behaviour.BehaviourParts(tuple(ids), vectors, None, None)


def test_a_history_is_the_mean_of_its_newest_distinct_products_in_train(tmp_path):
    ids = [f"p{i:03d}" for i in range(HISTORY + 2)]
    lines = [event("u", item, position=n) for n, item in enumerate([*ids, ids[-1]])]
    lines += [event("u", ids[0], "valid", position=500)]
    vectors = np.eye(len(ids), dtype=np.float32)

    found = history_vectors(write_corpus(tmp_path, ids, lines), parts(ids, vectors))

    expected = np.full(len(ids), HISTORY**-0.5)
    expected[:2] = 0.0  # the oldest two are beyond what is read
    assert found == pytest.approx(expected[None], abs=1e-6)


def test_without_shoppers_a_history_is_a_basket(tmp_path):
    lines = [event(None, item, session_id=basket) for item, basket in ("ax", "bx", "ay")]

    found = history_vectors(
        write_corpus(tmp_path, ["a", "b"], lines), parts("ab", np.eye(2, dtype=np.float32))
    )

    assert sorted(found.tolist()) == pytest.approx(np.array([[0.7071, 0.7071], [1, 0]]), abs=1e-3)


def test_the_map_is_written_and_named_in_the_manifest(tmp_path, shop):
    text, vectors, _ = shop
    ids = [f"p{i:03d}" for i in range(PRODUCTS)]
    lines = [event(f"u{n // 5}", item, position=n) for n, item in enumerate(ids)]
    corpus = write_corpus(tmp_path / "corpus", ids, lines)
    manifest = manifest_pb2.Manifest()

    found = add_text_places(
        corpus,
        parts(ids, vectors),
        Encoder(dict(zip(ids, text, strict=True))),
        texts={item: item for item in ids},
        folder=tmp_path,
        manifest=manifest,
    )

    assert found is not None
    assert np.load(tmp_path / FILE).shape == (TEXT + 1, SPACE)
    named = manifest.ridge
    assert (named.file, named.space) == (FILE, "behaviour")
    assert (named.input_dimension, named.dimension) == (TEXT, SPACE)


def test_a_shop_of_few_products_with_a_text_gets_no_map(tmp_path, shop):
    _, vectors, _ = shop
    ids = [f"p{i:03d}" for i in range(PRODUCTS)]
    manifest = manifest_pb2.Manifest()

    found = add_text_places(
        write_corpus(tmp_path, ids, [event("u", ids[0])]),
        parts(ids, vectors),
        Encoder({}),
        texts=dict.fromkeys(ids, ""),
        folder=tmp_path,
        manifest=manifest,
    )

    assert found is None
    assert not manifest.HasField("ridge")
