"""The `relatum` command through main(argv)."""

import json
from typing import Any

import pytest

from relatum.__main__ import main
from relatum.v1 import (
    association_service_pb2,
    catalog_service_pb2,
    result_pb2,
    search_service_pb2,
)


def canned(_request: Any, _context: Any) -> search_service_pb2.SearchResponse:
    line = result_pb2.Result(product_id="p1", score=0.5)
    line.product.title = "牛奶"
    return search_service_pb2.SearchResponse(results=[line])


def counted(messages: Any, _context: Any) -> catalog_service_pb2.ImportProductsResponse:
    count = sum(len(message.products) for message in messages)
    reply = catalog_service_pb2.ImportProductsResponse(received=count, written=count - 1, failed=1)
    reply.errors.add(index=1, id="b").status.message = "no text"
    return reply


@pytest.mark.parametrize(
    "line",
    [
        "search milk", "complete mi", "related a", "related a b --negative c", "related --text x",
        "related a b --batch --relation complement", "related a --relation substitute",
        "score a b c", "score --text x y",
        "recommend", "recommend u --kind trending", "recommend u --kind buy_again",
        "profile u", "products get a", "products list", "products delete a b", "embed x",
        "info",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_each_command_ends_well_as_table_and_as_json(server, capsys, line, form) -> None:
    if line == "embed x":
        from relatum.v1 import embedding_service_pb2  # noqa: PLC0415

        one = embedding_service_pb2.Embedding(values=[1.0, 0.0], token_count=3)
        server.answers["EmbedTexts"] = lambda *_: embedding_service_pb2.EmbedTextsResponse(
            embeddings=[one]
        )

    status = main([*line.split(), "--target", server.target, *form])

    out = capsys.readouterr().out
    assert status == 0
    assert out
    if form:
        json.loads(out)


def test_a_search_is_shown_as_a_table(server, capsys) -> None:
    server.answers["Search"] = canned

    main(["search", "milk", "--target", server.target])

    out = capsys.readouterr().out
    assert "牛奶" in out
    assert "brand" not in out


def test_a_bad_request_is_one_line_and_status_2(server, capsys, invalid) -> None:
    server.answers["Search"] = invalid

    status = main(["search", "milk", "--page-size", "-1", "--target", server.target])

    err = capsys.readouterr().err
    assert status == 2
    assert len(err.splitlines()) == 1
    assert "page_size" in err


def test_nobody_listening_is_one_line_and_status_1(server, capsys) -> None:
    server.stop()

    status = main(["info", "--target", server.target])

    err = capsys.readouterr().err
    assert status == 1
    assert "connection refused" in err
    assert "--target" in err


def test_an_import_reports_each_bad_line_by_its_number(server, capsys, tmp_path) -> None:
    server.answers["ImportProducts"] = counted
    file = tmp_path / "p.jsonl"
    file.write_text('{"id": "a", "title": "x"}\n\nnot json\n{"id": "b"}\n{"id": "c"}\n')

    status = main(["import", "products", str(file), "--target", server.target])

    captured = capsys.readouterr()
    assert status == 0
    assert "line 3: " in captured.err
    assert "line 4: b" in captured.err
    assert "2 written, 2 refused" in captured.out


def test_a_full_import_with_a_bad_line_is_refused_whole(server, capsys, tmp_path) -> None:
    file = tmp_path / "p.jsonl"
    file.write_text('{"id": "a"}\nnot json\n')

    status = main(["import", "products", str(file), "--full", "--target", server.target])

    assert status == 2
    assert "line 2" in capsys.readouterr().err


@pytest.mark.parametrize("text", [b"", b"not json\n", b"\xff\xfe\n"])
def test_an_import_of_nothing_readable_is_status_2(server, capsys, tmp_path, text) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(text)

    status = main(["import", "events", str(file), "--target", server.target])

    assert status == 2
    assert "nothing could be imported" in capsys.readouterr().err


def test_a_missing_file_is_status_2(server, capsys, tmp_path) -> None:
    status = main(["import", "events", str(tmp_path / "no"), "--target", server.target])

    assert status == 2
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ['{"type": "EVENT_TYPE_VIEW"}', '[{"userId": "u"}]', '{"id": "a"}\n{"id": "b"}\n']
)
def test_events_are_written_from_an_object_a_list_or_lines(server, tmp_path, text) -> None:
    file = tmp_path / "e.json"
    file.write_text(text)

    assert main(["events", str(file), "--target", server.target]) == 0
    assert len(server.requests["WriteEvents"][0].events) == max(1, text.count("\n"))


def test_what_products_are_to_another_is_shown_as_a_table(server, capsys) -> None:
    reply = association_service_pb2.ScoreAssociationsResponse(missing_product_ids=["c"])
    first = reply.scores.add()
    first.probabilities.add(association="ASSOCIATION_CLASS_SUBSTITUTE", probability=0.875)
    first.evidence.add(kind="EVIDENCE_KIND_CATEGORY", contribution=1.0)
    reply.scores.add()
    server.answers["ScoreAssociations"] = lambda *_: reply

    status = main(["score", "a", "b", "c", "--target", server.target])

    out = capsys.readouterr().out
    assert status == 0
    assert "substitute" in out
    assert "category +1.00" in out
    assert "unknown: c" in out
