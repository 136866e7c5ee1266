"""A foreign schema: the column mapping, CSV and JSON Lines."""

import json
from pathlib import Path
from typing import Any

import pytest

from relatum_export.__main__ import main
from relatum_export.corpus.folder import Corpus

MAPPING = """
name = "myshop"
currency = "EUR"
category_separator = "/"

[items]
item_id = "sku"
title = "ProductName"
category = "path"
lang = { value = "de" }

[events]
item_id = "sku"
user_id = "customer"
session_id = "order_no"
event_type = "kind"
timestamp = { column = "date", format = "%d.%m.%Y %H:%M" }

[event_types]
order = "PURCHASE"
storno = "return"
korrektur = "drop"
"""
ITEMS = "sku,ProductName,path\n1,Tasse,Küche/Tassen\n2,Kessel,Küche\n"
EVENTS = (
    "sku,customer,order_no,kind,date\n"
    "1,u,o1,Order,01.02.2024 10:00\n"
    "2,u,o1,order,01.02.2024 10:00\n"
    "2,u,o2,storno,02.02.2024 10:00\n"
    "2,u,o3,korrektur,02.02.2024 10:00\n"
    "2,u,o4,order,2024-02-02\n"
)


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def prepare_files(tmp_path: Path, **files: Path) -> Corpus:
    arguments = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    assert main(["prepare", *arguments, "--out", str(tmp_path / "corpus")]) == 0
    return Corpus.open(tmp_path / "corpus")


def test_a_mapping_gives_foreign_columns_types_and_dates_their_names(tmp_path: Path) -> None:
    corpus = prepare_files(
        tmp_path,
        items=write(tmp_path / "products.csv", ITEMS),
        events=write(tmp_path / "orders.csv", EVENTS),
        mapping=write(tmp_path / "shop.toml", MAPPING),
    )

    events = corpus.table("events").to_pylist()
    reasons = {row["reason"] for row in corpus.info["rejected"]}
    assert corpus.name == "myshop"
    assert corpus.table("items")["lang"].to_pylist() == ["de", "de"]
    assert [e["event_type"] for e in events] == ["PURCHASE", "PURCHASE", "RETURN"]
    assert events[0]["timestamp"] == 1706781600
    assert reasons == {
        "event_type korrektur is dropped",
        "timestamp is not a date of the form %d.%m.%Y %H:%M",
    }
    product = json.loads((corpus.path / "products.jsonl").read_text("utf-8").splitlines()[0])
    assert product["categories"] == ["Küche > Tassen"]


def test_json_lines_keep_lists_numbers_and_objects(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {
            "item_id": 7,
            "title": "Tea",
            "attributes": {"leaf": ["black", "green"]},
            "also_bought": ["8"],
        },
        {"item_id": 8, "title": "Cup", "price": "3.5"},
    ]
    text = "\n".join(json.dumps(row) for row in rows) + "\nnot json\n"

    corpus = prepare_files(tmp_path, items=write(tmp_path / "items.jsonl", text))

    items = corpus.table("items").to_pylist()
    assert [item["item_id"] for item in items] == ["7", "8"]
    assert items[0]["also_bought"] == ["8"]
    assert json.loads(items[0]["attributes"]) == {"leaf": ["black", "green"]}
    assert items[1]["price"] == 3.5
    assert corpus.info["rejected"] == [{"table": "items", "reason": "is not JSON", "rows": 1}]


def test_a_row_that_is_not_utf8_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes("item_id,title\n1,茶\n2,".encode() + b"\xe9\xff" + b"\n3,cup\n4,pot\n")

    corpus = prepare_files(tmp_path, items=path)

    assert corpus.table("items")["item_id"].to_pylist() == ["1", "3", "4"]
    rejected = json.loads((corpus.path / "rejected.jsonl").read_text())
    assert (rejected["row"], rejected["reason"]) == (2, "is not UTF-8")


def test_a_named_encoding_is_read(tmp_path: Path) -> None:
    corpus = prepare_files(
        tmp_path,
        items=write(tmp_path / "items.csv", "item_id,title\n1,无线鼠标\n", "gb18030"),
        mapping=write(tmp_path / "shop.toml", 'encoding = "gb18030"\n'),
    )

    assert corpus.table("items")["title"].to_pylist() == ["无线鼠标"]
    assert dict(corpus.languages) == {"zh": 1.0}


def test_a_row_with_too_many_fields_is_rejected(tmp_path: Path) -> None:
    text = 'item_id,title\n1,"a, b"\n2,a,b\n3,"two\nlines"\n,lost\n'

    corpus = prepare_files(tmp_path, items=write(tmp_path / "items.csv", text))

    assert corpus.table("items")["title"].to_pylist() == ["a, b", "two\nlines"]
    rejected = (corpus.path / "rejected.jsonl").read_text().splitlines()
    assert [(row["row"], row["reason"]) for row in map(json.loads, rejected)] == [
        (2, "has 3 fields, not 2"),
        (4, "item_id is empty"),
    ]


@pytest.mark.parametrize(
    ("unit", "given"), [("s", "1706781600"), ("ms", "1706781600000"), ("us", "1706781600000000")]
)
def test_numeric_times_are_read_in_their_unit(tmp_path: Path, unit: str, given: str) -> None:
    mapping = f'[events]\ntimestamp = {{ column = "at", unit = "{unit}" }}\n'

    corpus = prepare_files(
        tmp_path,
        items=write(tmp_path / "items.csv", "item_id,title\n1,Tea\n"),
        events=write(tmp_path / "events.csv", f"item_id,event_type,at\n1,view,{given}\n"),
        mapping=write(tmp_path / "shop.toml", mapping),
    )

    assert corpus.table("events")["timestamp"].to_pylist() == [1706781600]


def test_milliseconds_taken_for_seconds_are_rejected_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = write(tmp_path / "items.csv", "item_id,title\n1,Tea\n")
    events = write(tmp_path / "events.csv", "item_id,event_type,timestamp\n1,view,1706781600000\n")

    status = main(
        ["prepare", "--items", str(items), "--events", str(events), "--out", str(tmp_path / "c")]
    )

    assert status == 2
    assert 'say unit = "ms"' in capsys.readouterr().err
