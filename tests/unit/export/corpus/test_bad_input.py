"""Bad input of `prepare`: each gets exit status 2 and one line with the cause and the remedy."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relatum_export.__main__ import main


def _file(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def _items(content: str | bytes, name: str = "items.csv") -> Callable[[Path], list[str]]:
    return lambda folder: ["--items", _file(folder, name, content)]


def _events(content: str) -> Callable[[Path], list[str]]:
    return lambda folder: [
        *_items("item_id,title\n1,Tea\n")(folder),
        "--events",
        _file(folder, "events.csv", content),
    ]


def _mapped(mapping: str, items: str = "item_id,title\n1,Tea\n") -> Callable[[Path], list[str]]:
    return lambda folder: [
        *_items(items)(folder),
        "--mapping",
        _file(folder, "shop.toml", mapping),
    ]


def _folder(**tables: dict[str, list[object]]) -> Callable[[Path], list[str]]:
    def arguments(folder: Path) -> list[str]:
        for name, columns in tables.items():
            pq.write_table(pa.table(columns), folder / f"{name}.parquet")
        return ["--data", str(folder)]

    return arguments


CASES: dict[str, tuple[Callable[[Path], list[str]], str]] = {
    "no source": (lambda _: [], "give one source"),
    "two sources": (lambda f: ["--demo", "--data", str(f)], "give one source"),
    "no such folder": (lambda f: ["--data", str(f / "none")], "no such folder"),
    "no such file": (lambda f: ["--items", str(f / "none.csv")], "no such file"),
    "a folder without a known table": (_folder(photos={"x": [1]}), "no table of the common schema"),
    "an unknown suffix": (_items("x", "items.xlsx"), ".xlsx is not a known kind of file"),
    "not parquet": (_items(b"PAR?", "items.parquet"), "not a readable Parquet file"),
    "an empty file": (_items(""), "the file is empty; it needs a header"),
    "a table without rows": (_items("item_id,title\n"), "the table has no rows"),
    "an empty json file": (_items("\n", "items.jsonl"), "the table has no rows"),
    "a missing column": (_items("sku,title\n1,Tea\n"), '[items] item_id = "COLUMN"'),
    "two columns of one name": (_items("item_id,item_id\n1,2\n"), "two columns are named"),
    "mostly another encoding": (
        _items("item_id,title\n1,无线鼠标\n".encode("gb18030")),
        "convert the file to UTF-8 or name its encoding",
    ),
    "a header of another encoding": (
        _items("编号,标题\n1,x\n".encode("gb18030")),
        "its header is not utf-8",
    ),
    "no line of json": (_items("a\nb\n", "items.jsonl"), "is not JSON"),
    "no item with text": (_items("item_id,title\n1,\n"), "no item has a title"),
    "no item with an id": (_items("item_id,title\n,Tea\n"), "item_id is empty"),
    "no price that is a number": (
        _items("item_id,title,price\n1,Tea,cheap\n"),
        "price is not a finite number",
    ),
    "an unknown event type": (
        _events("item_id,event_type\n1,teleport\n"),
        "map it in [event_types]",
    ),
    "events without a type": (
        _events("item_id\n1\n"),
        "the events lack the column event_type",
    ),
    "dates that are none": (
        _events("item_id,event_type,timestamp\n1,view,yesterday\n"),
        "timestamp is not a date",
    ),
    "a split that is none": (
        _items("item_id,title,split\n1,Tea,holdout\n"),
        "split is not train, valid or test",
    ),
    "no mapping file": (
        lambda f: [*_items("item_id\n1\n")(f), "--mapping", str(f / "none.toml")],
        "no such mapping file",
    ),
    "a mapping that is no toml": (_mapped("[items"), "not a TOML file"),
    "an unknown mapping key": (_mapped('currencyy = "EUR"'), "did you mean 'currency'?"),
    "an unknown mapping column": (
        _mapped('[items]\ntitel = "title"'),
        "did you mean 'title'?",
    ),
    "a mapped column that is not there": (
        _mapped('[items]\ntitle = "Title"'),
        "names the column 'Title'",
    ),
    "an unknown mapped type": (_mapped('[event_types]\na = "BUY"'), "is no event type"),
    "an unknown time unit": (
        _mapped('[events]\ntimestamp = { column = "t", unit = "h" }'),
        "known are s, ms, us",
    ),
    "a mapping of a table that is not given": (
        _mapped('[faq]\nquestion = "q"'),
        "no --faq F was given",
    ),
    "an unknown encoding": (_mapped('encoding = "klingon"'), "'klingon' is not a known encoding"),
    "an unknown group column": (
        lambda f: [*_items("item_id,title\n1,Tea\n")(f), "--group-by", "colour"],
        "the items have no column 'colour'",
    ),
    "an unknown currency": (
        lambda f: [*_items("item_id,title\n1,Tea\n")(f), "--currency", "euro"],
        "not an ISO 4217 code",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_gets_status_2_and_one_line_and_leaves_nothing(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, expected = CASES[case]
    source = tmp_path / "source"
    source.mkdir()

    status = main(["prepare", *arguments(source), "--out", str(tmp_path / "corpus")])

    messages = [
        line for line in capsys.readouterr().err.splitlines() if line.startswith("relatum-export:")
    ]
    assert status == 2
    assert len(messages) == 1
    assert expected in messages[0]
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
