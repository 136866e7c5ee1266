"""Behaviour vectors, directed co-purchase and popularity from small histories."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from relatum_export.artifact import behaviour
from relatum_export.artifact.copurchase import baskets, pair_table, purchases
from relatum_export.corpus.folder import SCHEMA_VERSION, Corpus, file_sha256


def corpus(folder: Path, items: list[str], events: list[dict[str, object]]) -> Corpus:
    schema = pa.schema(
        [
            ("user_id", pa.string()),
            ("item_id", pa.string()),
            ("event_type", pa.string()),
            ("timestamp", pa.int64()),
            ("session_id", pa.string()),
            ("position", pa.int32()),
            ("split", pa.string()),
        ]
    )
    filled = [{"event_type": "PURCHASE", "split": "train", **e} for e in events]
    pq.write_table(pa.table({"item_id": items}), folder / "items.parquet")
    pq.write_table(pa.Table.from_pylist(filled, schema), folder / "events.parquet")
    names = ("items.parquet", "events.parquet")
    info = {
        "schema_version": SCHEMA_VERSION,
        "name": "shop",
        "languages": {"en": 1.0},
        "counts": {},
        "sha256": {name: file_sha256(folder / name) for name in names},
    }
    (folder / "corpus.json").write_text(json.dumps(info), encoding="utf-8")
    return Corpus.open(folder)


def basket(session: str, user: str | None, time: int, *items: str) -> list[dict[str, object]]:
    return [
        {"session_id": session, "user_id": user, "timestamp": time, "item_id": item}
        for item in items
    ]


def pairs(of: Corpus) -> list[tuple[str, str, int]]:
    table = pair_table(baskets(purchases(of, ("train",))))
    return [(r["item_id_a"], r["item_id_b"], r["count"]) for r in table.to_pylist()]


def test_a_shared_basket_counts_once_in_both_directions(tmp_path: Path) -> None:
    events = basket("1", "u", 1, "a", "b", "b") + basket("2", None, 2, "b", "a")
    assert pairs(corpus(tmp_path, ["a", "b"], events)) == [("a", "b", 2), ("b", "a", 2)]


def test_without_baskets_only_the_order_of_the_history_counts(tmp_path: Path) -> None:
    events: list[dict[str, object]] = [
        {"user_id": "u", "item_id": item, "position": at} for at, item in enumerate("abcde")
    ]
    found = pairs(corpus(tmp_path, list("abcde"), events))
    assert ("a", "b", 1) in found
    assert ("a", "d", 1) in found
    assert ("a", "e", 1) not in found  # four events apart
    assert ("b", "a", 1) not in found


def test_histories_of_two_shoppers_are_never_joined(tmp_path: Path) -> None:
    events: list[dict[str, object]] = [
        {"user_id": "u", "item_id": "a", "position": 0},
        {"user_id": "v", "item_id": "b", "position": 1},
    ]
    assert pairs(corpus(tmp_path, ["a", "b"], events)) == []


def test_returns_later_splits_and_unknown_products_are_left_out(tmp_path: Path) -> None:
    events = basket("1", "u", 5, "a", "b")
    events += [{**e, "event_type": "RETURN"} for e in basket("2", "u", 6, "a", "b")]
    events += [{**e, "split": "valid"} for e in basket("3", "u", 7, "a", "b")]
    events += basket("4", "u", 8, "a", "unknown")
    shop = corpus(tmp_path, ["a", "b"], events)

    parts = behaviour.fit(shop)

    assert parts is not None
    assert parts.popularity.to_pylist() == [
        {"item_id": "a", "count": 2, "last_time": 8},
        {"item_id": "b", "count": 1, "last_time": 5},
    ]
    assert parts.copurchase.num_rows == 2


def test_items_of_the_same_baskets_lie_closer_than_items_that_never_meet(tmp_path: Path) -> None:
    events = []
    for i in range(20):
        group = ("tea", "milk", "cup") if i % 2 else ("nail", "hammer", "saw")
        events += basket(str(i), f"u{i}", i, *group[: 2 + i % 3 % 2])
        events += basket(f"x{i}", f"w{i}", i, group[i % 3], group[(i + 1) % 3])
    names = ["tea", "milk", "cup", "nail", "hammer", "saw"]

    parts = behaviour.fit(
        corpus(tmp_path, names, events), settings=behaviour.BehaviourSettings(dimension=3)
    )

    assert parts is not None
    vector = dict(zip(parts.item_ids, parts.vectors, strict=True))
    assert vector["tea"] @ vector["milk"] > 0.5
    assert abs(vector["tea"] @ vector["hammer"]) < 0.1


def test_two_fits_give_the_same_bytes_and_rows_of_length_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    events = []
    for i in range(60):
        drawn = [f"p{j}" for j in rng.choice(30, 4, replace=False)]
        events += basket(str(i), f"u{i % 9}", i, *drawn)
    shop = corpus(tmp_path, [f"p{j}" for j in range(30)], events)
    names: list[list[str]] = []
    for folder in ("one", "two"):
        parts = behaviour.fit(shop)
        assert parts is not None
        (tmp_path / folder).mkdir()
        names.append(behaviour.write(parts, tmp_path / folder))

    assert names[0] == names[1]
    assert all(
        (tmp_path / "one" / n).read_bytes() == (tmp_path / "two" / n).read_bytes() for n in names[0]
    )
    vectors = np.load(tmp_path / "one" / behaviour.VECTORS, allow_pickle=False)
    ids = json.loads((tmp_path / "one" / behaviour.IDS).read_text(encoding="utf-8"))
    assert vectors.dtype == np.float16
    assert len(ids) == len(vectors)
    assert np.allclose(np.linalg.norm(vectors.astype(np.float32), axis=1), 1, atol=2e-3)


def test_a_corpus_without_a_purchase_gives_nothing(tmp_path: Path) -> None:
    events: list[dict[str, object]] = [
        {"user_id": "u", "item_id": "a", "event_type": "VIEW", "position": 0}
    ]
    assert behaviour.fit(corpus(tmp_path, ["a"], events)) is None
