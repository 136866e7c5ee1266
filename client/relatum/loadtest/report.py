"""A run as a table, as JSON and as a page."""

import dataclasses
import html
import json
from typing import Any

from relatum.loadtest.recorder import Report
from relatum.tables import table


def text(report: Report) -> str:
    """For a terminal."""
    figures: list[tuple[str, str]] = [
        ("calls", f"{report.sent:,} in {report.duration_s:.1f} s"),
        ("rate", f"{report.rate:,.1f}/s"),
        ("goodput", f"{report.goodput:,.1f}/s"),
        *((name, f"{value:,.2f} ms") for name, value in report.latency_ms.items()),
        ("sent late by at most", f"{report.send_lag_ms:,.2f} ms"),
        ("tester's CPU", f"{report.cpu_s:,.2f} s"),
    ]
    blocks = [f"{report.rpc}, {report.load}", table(["what", "value"], figures)]
    if report.errors:
        blocks.append(table(["error", "calls"], list(report.errors.items())))
    return "\n\n".join(blocks)


def as_json(report: Report) -> str:
    """For programs: the fields of `Report`."""
    return json.dumps(dataclasses.asdict(report), indent=2) + "\n"


def page(report: Report) -> str:
    """A page that needs nothing else."""

    def rows(values: dict[str, Any]) -> str:
        return "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>"
            for name, value in values.items()
        )

    figures = dataclasses.asdict(report)
    latency = {f"{name} ms": value for name, value in figures.pop("latency_ms").items()}
    failed = figures.pop("errors")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>relatum load test</title>'
        "<style>body{font-family:sans-serif;margin:2em}th{text-align:left;padding-right:2em}"
        "</style>"
        f"<h1>{html.escape(report.rpc)}</h1><table>{rows(figures)}</table>"
        f"<h2>Latency</h2><table>{rows(latency)}</table>"
        f"<h2>Errors</h2><table>{rows(failed) or '<tr><td>none</td></tr>'}</table></html>\n"
    )
