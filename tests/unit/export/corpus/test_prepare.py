"""`relatum-export prepare` on small shops: what stands in the corpus folder."""

import json
from pathlib import Path
from typing import Any

import pytest

from relatum_export.corpus.folder import Corpus
from tests.unit.export.corpus.sources import prepare, write_set

DAY = 86_400

ITEMS: dict[str, list[Any]] = {
    "item_id": ["a", "b", "c", "d"],
    "title": ["Red  Mug", "red mug", "Kettle", "Tea"],
    "category": ["Kitchen > Mugs", "Kitchen > Mugs", "Kitchen", "Food"],
    "description": ["A mug", None, "Boils water", None],
    "price": [4.5, 4.5, 20.0, 0.99],
    "attributes": ['{"color": "red", "size": 3, "currency": "EUR"}', None, None, None],
}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_folder_in_the_common_schema_becomes_a_corpus_that_opens(tmp_path: Path) -> None:
    source = write_set(tmp_path / "shop", items=ITEMS)

    status = prepare("--data", source, "--out", tmp_path / "corpus")

    corpus = Corpus.open(tmp_path / "corpus")
    assert status == 0
    assert corpus.name == "shop"
    assert corpus.counts["items"] == 4
    assert dict(corpus.languages) == {"en": 1.0}
    assert "<!doctype html>" in (tmp_path / "corpus" / "report.html").read_text()
    assert not list(tmp_path.glob(".corpus*"))


def test_products_of_equal_normalised_title_and_category_share_a_group(tmp_path: Path) -> None:
    source = write_set(tmp_path / "shop", items=ITEMS)

    prepare("--data", source, "--out", tmp_path / "corpus")

    groups = Corpus.open(tmp_path / "corpus").table("items")["group_id"].to_pylist()
    assert groups[0] == groups[1]
    assert len(set(groups)) == 3


@pytest.mark.parametrize(("group_by", "groups"), [("none", 4), ("category", 3), ("title", 3)])
def test_group_by_chooses_what_makes_a_group(tmp_path: Path, group_by: str, groups: int) -> None:
    source = write_set(tmp_path / "shop", items=ITEMS)

    prepare("--data", source, "--out", tmp_path / "corpus", "--group-by", group_by)

    made = Corpus.open(tmp_path / "corpus").table("items")["group_id"].to_pylist()
    assert len(set(made)) == groups


def test_products_without_a_title_share_no_group(tmp_path: Path) -> None:
    items: dict[str, list[Any]] = {"item_id": ["x1", "X1"], "category": ["Misc", "Misc"]}
    source = write_set(tmp_path / "shop", items=items)

    prepare("--data", source, "--out", tmp_path / "corpus")

    groups = Corpus.open(tmp_path / "corpus").table("items")["group_id"].to_pylist()
    assert len(set(groups)) == 2


def test_groups_of_the_source_are_kept(tmp_path: Path) -> None:
    source = write_set(tmp_path / "shop", items={**ITEMS, "group_id": ["g", "h", None, "g"]})

    prepare("--data", source, "--out", tmp_path / "corpus")

    groups = Corpus.open(tmp_path / "corpus").table("items")["group_id"].to_pylist()
    assert groups[:2] == ["g", "h"]
    assert groups[3] == "g"
    assert groups[2] not in ("g", "h", None)


def test_products_are_written_as_the_api_takes_them(tmp_path: Path) -> None:
    source = write_set(tmp_path / "shop", items=ITEMS)

    prepare("--data", source, "--out", tmp_path / "corpus")

    first, second, *_ = lines(tmp_path / "corpus" / "products.jsonl")
    group = first.pop("groupId")
    assert first == {
        "id": "a",
        "title": "Red  Mug",
        "description": "A mug",
        "categories": ["Kitchen > Mugs"],
        "attributes": {"color": {"text": ["red"]}, "size": {"numbers": [3.0]}},
        "price": {"currencyCode": "EUR", "units": "4", "nanos": 500000000},
    }
    assert second["groupId"] == group
    assert second["price"]["currencyCode"] == "XXX"


EVENTS: dict[str, list[Any]] = {
    "user_id": ["u", "u", "u", "u", None, "v"],
    "item_id": ["a", "c", "a", "zz", "d", "d"],
    "event_type": ["purchase", "purchase", "cancel", "view", "adjust", "purchase_review"],
    "quantity": [2, 1, -2, None, 1, None],
    "rating": [None, None, None, None, None, 4.0],
    "timestamp": [DAY, DAY, 2 * DAY, 2 * DAY, 3 * DAY, 4 * DAY],
    "session_id": ["s1", "s1", "s2", None, "s3", "s4"],
    "split": ["train", "train", "train", "valid", "valid", "test"],
    "unit_price": [4.5, 20.0, 4.5, 1.0, 1.0, 1.0],
}


def test_events_take_the_names_and_signs_of_the_api(tmp_path: Path) -> None:
    source = write_set(tmp_path / "shop", items=ITEMS, interactions=EVENTS)

    prepare("--data", source, "--out", tmp_path / "corpus")

    corpus = Corpus.open(tmp_path / "corpus")
    events = corpus.table("events").to_pylist()
    assert [e["event_type"] for e in events] == [
        "PURCHASE",
        "PURCHASE",
        "RETURN",
        "VIEW",
        "PURCHASE",
    ]
    assert [e["quantity"] for e in events] == [2, 1, 2, 1, 1]
    assert events[-1]["value"] == 4.0
    assert events[0]["unit_price"] == 4.5
    assert corpus.info["unknown_items"] == {"events": 1}
    rejected = lines(tmp_path / "corpus" / "rejected.jsonl")
    assert [(r["table"], r["row"], r["reason"]) for r in rejected] == [
        ("events", 5, "event_type adjust is dropped")
    ]


def test_a_basket_is_one_event_and_the_test_period_is_held_out(tmp_path: Path) -> None:
    source = write_set(tmp_path / "shop", items=ITEMS, interactions=EVENTS)

    prepare("--data", source, "--out", tmp_path / "corpus")

    basket, back, view = lines(tmp_path / "corpus" / "events.jsonl")
    assert len(basket.pop("id")) == 24
    assert basket == {
        "type": "EVENT_TYPE_PURCHASE",
        "userId": "u",
        "sessionId": "s1",
        "time": "1970-01-02T00:00:00Z",
        "items": [{"productId": "a", "quantity": 2}, {"productId": "c", "quantity": 1}],
        "sequence": "1",
    }
    assert back["type"] == "EVENT_TYPE_RETURN"
    assert "sessionId" not in view


def test_the_same_source_gives_the_same_files_twice(tmp_path: Path) -> None:
    source = write_set(tmp_path / "shop", items=ITEMS, interactions=EVENTS)

    prepare("--data", source, "--out", tmp_path / "one")
    prepare("--data", source, "--out", tmp_path / "two")

    assert Corpus.open(tmp_path / "one").sha256 == Corpus.open(tmp_path / "two").sha256


def test_a_source_without_items_makes_a_corpus_of_what_it_has(tmp_path: Path) -> None:
    faq: dict[str, list[Any]] = {
        "question": ["退货怎么办", "多久到货"],
        "answer": ["七天内可退", "明天"],
        "intent": [None, None],
    }
    source = write_set(tmp_path / "service", faq=faq)

    status = prepare("--data", source, "--out", tmp_path / "corpus")

    corpus = Corpus.open(tmp_path / "corpus")
    assert status == 0
    assert dict(corpus.languages) == {"zh": 1.0}
    assert not corpus.has("items")
    assert None not in corpus.table("faq")["split"].to_pylist()


def test_files_without_a_protocol_are_listed_and_no_error(tmp_path: Path) -> None:
    source = write_set(tmp_path / "shop", items=ITEMS, images={"item_id": ["a"]})

    prepare("--data", source, "--out", tmp_path / "corpus")

    assert Corpus.open(tmp_path / "corpus").info["unused"] == {
        "images.parquet": "no protocol uses this table"
    }


def test_rejected_rows_are_kept_with_their_reason(tmp_path: Path) -> None:
    items: dict[str, list[Any]] = {
        "item_id": ["a", "a", None, "b", "c", "d\n"],
        "title": ["One", "Again", "No id", None, "Endless", "Control"],
        "price": [1.0, 1.0, 1.0, 1.0, float("inf"), 1.0],
    }
    source = write_set(tmp_path / "shop", items=items)

    prepare("--data", source, "--out", tmp_path / "corpus")

    rejected = lines(tmp_path / "corpus" / "rejected.jsonl")
    reasons = {r["row"]: r["reason"] for r in rejected}
    assert reasons == {
        2: "repeats item_id of an earlier row",
        3: "item_id is empty",
        4: "has no text: it needs a title, a category or an attribute",
        5: "price is not a finite number",
    }
    assert Corpus.open(tmp_path / "corpus").table("items")["item_id"].to_pylist() == ["a", "d"]


def test_nul_in_a_text_becomes_a_blank(tmp_path: Path) -> None:
    source = write_set(tmp_path / "shop", items={"item_id": ["a"], "title": ["Red\x00Mug"]})

    prepare("--data", source, "--out", tmp_path / "corpus")

    assert lines(tmp_path / "corpus" / "products.jsonl")[0]["title"] == "Red Mug"


def test_an_existing_corpus_is_replaced_only_with_force(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_set(tmp_path / "shop", items=ITEMS)
    out = tmp_path / "corpus"
    prepare("--data", source, "--out", out)
    capsys.readouterr()

    refused = prepare("--data", source, "--out", out)
    message = capsys.readouterr().err
    forced = prepare("--data", source, "--out", out, "--force", "--name", "other")

    assert (refused, forced) == (2, 0)
    assert "give --force" in message
    assert Corpus.open(out).name == "other"


def test_a_folder_that_is_no_corpus_is_never_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_set(tmp_path / "shop", items=ITEMS)
    out = tmp_path / "photos"
    out.mkdir()
    (out / "holiday.jpg").write_bytes(b"x")

    status = prepare("--data", source, "--out", out, "--force")

    assert status == 2
    assert "not a corpus" in capsys.readouterr().err
    assert (out / "holiday.jpg").is_file()


def test_json_is_the_only_thing_on_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_set(tmp_path / "shop", items=ITEMS)

    prepare("--data", source, "--out", tmp_path / "corpus", "--json")

    assert json.loads(capsys.readouterr().out)["counts"]["items"] == 4
