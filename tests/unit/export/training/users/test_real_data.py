"""On shoppers of a real shop: the valid figure rises well above its untrained value."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.feature_extraction.text import HashingVectorizer

from relatum_export.training.users.item_text import ItemText
from relatum_export.training.users.model import UserModel
from relatum_export.training.users.ranking import valid_ranking
from relatum_export.training.users.settings import UserSettings
from relatum_export.training.users.training import train_users
from tests.unit.export.evaluation.corpora import event, write_corpus
from tests.unit.export.training.users.shops import QUIET

PRODUCTS = 120
SETTINGS = UserSettings(
    dimension=32, epochs=3, batch_events=512, max_history=20, learning_rate=3e-3, warm_up=10
)


@pytest.fixture(scope="module")
def slice_of_beauty(data, tmp_path_factory):
    """The 120 most reviewed products and their titles, and who reviewed four or more of them."""
    folder = data("amazon_beauty")
    events = pd.read_parquet(folder / "interactions.parquet")
    titles = pd.read_parquet(folder / "items.parquet").set_index("item_id")["title"]
    kept = events["item_id"].value_counts().sort_index().nlargest(PRODUCTS).index
    events = events[events["item_id"].isin(kept)].sort_values(["user_id", "position"])
    sizes = events.groupby("user_id")["item_id"].transform("size")
    events = events[sizes > 3].assign(turn=lambda e: e.groupby("user_id").cumcount(ascending=False))
    split = events["turn"].map({0: "test", 1: "valid"}).fillna("train")
    rows = zip(events["user_id"], events["item_id"], split, events["position"], strict=True)
    corpus = write_corpus(
        tmp_path_factory.mktemp("beauty") / "corpus",
        sorted(kept),
        [event(user, item, part, position=place) for user, item, part, place in rows],
    )
    words = HashingVectorizer(n_features=256, alternate_sign=False)
    vectors = words.transform(titles.loc[sorted(kept)].fillna("")).toarray().astype(np.float32)
    return corpus, ItemText("words", "words", {}, dict(zip(sorted(kept), vectors, strict=True)))


def test_training_lifts_the_valid_ranking_of_real_shoppers(slice_of_beauty, tmp_path):
    corpus, text = slice_of_beauty
    ranking = valid_ranking(corpus)
    torch.manual_seed(0)
    untrained = UserModel(text.of(tuple(sorted(text.vectors))), SETTINGS).eval()
    before = ranking.measure(untrained.encoder, untrained.item_vectors())["NDCG@10"]

    metrics = train_users(corpus, text, tmp_path / "run", SETTINGS, QUIET, resume=True)

    assert metrics["valid"]["NDCG@10"] > 2 * before
    assert metrics["valid"]["NDCG@10"] > 0.03
