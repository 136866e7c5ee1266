"""Complement vectors of real purchases rank what comes next well above popularity."""

import pandas as pd

from relatum_export.console import Reporter
from relatum_export.graph.complement_choice import choose_complement
from relatum_export.graph.measures import purchase_measure
from relatum_export.graph.settings import GraphSettings
from tests.unit.export.evaluation.corpora import event, write_corpus

SHOPPERS = 1200
SETTINGS = GraphSettings.model_validate(
    {
        "max_cases": 300,
        "complement": {"dimension": 64, "weightings": ["scaled"], "target_powers": [0.25]},
    }
)


def test_what_leads_to_what_beats_popularity_on_histories_held_out(data, tmp_path):
    lines = pd.read_parquet(data("amazon_office") / "interactions.parquet")
    lines = lines.sort_values(["user_id", "timestamp"], kind="stable")
    shoppers = lines["user_id"].drop_duplicates().iloc[:SHOPPERS]
    lines = lines[lines["user_id"].isin(set(shoppers))]
    lines = lines.assign(place=lines.groupby("user_id").cumcount())
    last = lines.groupby("user_id")["place"].transform("max")
    events = [
        event(user, item, "valid" if place == end else "train", position=place)
        for user, item, place, end in zip(
            lines["user_id"], lines["item_id"], lines["place"], last, strict=True
        )
    ]
    corpus = write_corpus(tmp_path / "corpus", sorted(set(lines["item_id"])), events)
    measure = purchase_measure(corpus, max_cases=SETTINGS.max_cases, seed=0)

    found = choose_complement(corpus, measure, SETTINGS, Reporter(as_json=True)).metrics

    assert found["measure"] == "NDCG@10"
    assert found["value"] > 2 * found["compared"]["popularity"]
    assert found["value"] > 0.02
