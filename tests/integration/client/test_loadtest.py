"""The load tester against a server of canned answers."""

import json

import numpy as np
import pytest

from relatum.loadtest.__main__ import main
from relatum.loadtest.load import arrivals
from relatum.loadtest.method import find


def test_an_open_loop_sends_at_the_asked_rate_and_stops(server, tmp_path, capsys) -> None:
    out = tmp_path / "r.json"

    status = main(
        ["GetServerInfo", "--target", server.target, "--rate", "200", "--arrivals", "fixed",
         "--warmup", "0.1", "--duration", "0.5", "--json", str(out), "--html", str(tmp_path / "h")]
    )  # fmt: skip

    found = json.loads(out.read_text())
    assert status == 0
    assert found["sent"] == found["ok"] == 100
    assert {"p50", "p90", "p99", "p99.9"} <= set(found["latency_ms"])
    assert len(server.requests["GetServerInfo"]) == 120
    assert "goodput" in capsys.readouterr().out


def test_a_closed_loop_counts_errors_by_code_and_reason(server, tmp_path, invalid) -> None:
    server.answers["Search"] = invalid
    bodies, out = tmp_path / "b.jsonl", tmp_path / "r.json"
    bodies.write_text('{"query": "milk"}\n{"query": "tea"}\n')

    status = main(
        ["SearchService/Search", "--target", server.target, "--clients", "2", "--warmup", "0",
         "--duration", "0.2", "--bodies", str(bodies), "--json", str(out)]
    )  # fmt: skip

    found = json.loads(out.read_text())
    assert status == 0
    assert found["ok"] == 0
    assert found["errors"] == {"INVALID_ARGUMENT BAD_PAGE_SIZE": found["sent"]}
    assert {request.query for request in server.requests["Search"]} == {"milk", "tea"}


def test_a_streaming_rpc_gets_one_message_a_call(server, tmp_path) -> None:
    bodies = tmp_path / "b.jsonl"
    bodies.write_text('{"events": [{"id": "a"}]}\n')

    status = main(
        ["ImportEvents", "--target", server.target, "--clients", "1", "--warmup", "0",
         "--duration", "0.1", "--bodies", str(bodies)]
    )  # fmt: skip

    assert status == 0
    assert server.requests["ImportEvents"][0][0].events[0].id == "a"


@pytest.mark.parametrize(
    ("rpc", "body", "cause"),
    [
        ("Serch", "{}", "no RPC"),
        ("Search", "{bad", "line 1"),
        ("Search", "", "is empty"),
        ("Search", None, "needs --bodies"),
    ],
)
def test_bad_input_is_one_line_and_status_2(server, tmp_path, capsys, rpc, body, cause) -> None:
    argv = [rpc, "--target", server.target, "--clients", "1"]
    if body is not None:
        (tmp_path / "b").write_text(body)
        argv += ["--bodies", str(tmp_path / "b")]

    assert main(argv) == 2
    assert cause in capsys.readouterr().err


def test_poisson_arrivals_ascend_within_the_time_at_about_the_rate() -> None:
    times = arrivals(1000.0, 10.0, poisson=True, seed=1)

    assert np.all(np.diff(times) >= 0)
    assert 0 <= times[0] <= times[-1] < 10
    assert abs(len(times) - 10_000) < 500


def test_an_rpc_is_found_by_its_full_path() -> None:
    assert find("/relatum.v1.SearchService/Search") == find("Search")
