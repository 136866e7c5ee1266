"""The artifact's report: one self-contained page."""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "th,td{padding:.25rem .75rem;border-bottom:1px solid #ccc;text-align:left}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
)


def render_report(metrics: Mapping[str, Any]) -> str:
    """The page for the contents of `metrics.json`."""
    name = html.escape(metrics["name"])
    forms = metrics["text_form_figures"]
    variants = metrics["variants"]
    latency, int8 = metrics["int8_latency"], metrics["int8"]
    agreements = [
        (
            variant["precision"],
            found["measure"],
            f"{found['value']:.4f}",
            f"{found['reference']:.4f}",
            found["changed_queries"],
            "yes" if found["agrees"] else "no",
        )
        for variant in variants
        for found in variant["agreements"]
    ]
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title>",
        f"<style>{_STYLE}</style><h1>Artifact of {name}</h1>",
        f"<p>Encoder {html.escape(metrics['base_model'])}, id {metrics['encoder_id']}</p>",
        f"<p>Product text: {html.escape(metrics['text_form'])}</p>",
        f"<p>int8, one text at a time: median {latency['p50_ms']:.2f} ms</p>",
        "<h2>int8: ranges fixed by calibration, or by the batch</h2>",
        f"<p>{html.escape(int8['ranges'].replace('_', ' '))}: {html.escape(int8['reason'])}</p>",
        _table(
            ("ranges", "titles/s", "mean cosine", "change with the batch"),
            (
                (name.replace("_", " "), of["titles_per_s"], of["mean_cosine"], of["batch_change"])
                for name, of in ((name, int8[name]) for name in ("fixed", "by_batch"))
            ),
        ),
        "<h2>Cosine to PyTorch</h2>",
        _table(
            ("variant", "lowest", "mean"),
            (
                (v["precision"], f"{v['min_cosine']:.5f}", f"{v['mean_cosine']:.5f}")
                for v in variants
            ),
        ),
    ]
    if agreements:
        heads = ("variant", "measure", "variant's", "PyTorch's", "queries changed", "agrees")
        parts += ["<h2>Ranking against PyTorch</h2>", _table(heads, agreements)]
    parts += [
        "<h2>Words beside vectors</h2>",
        _table(
            ("use", "weight", "chosen by", "of", "figures by weight"),
            (
                (
                    found["use"],
                    found["weight"],
                    found["measure"] or "nothing is judged: the default",
                    found["units"],
                    "; ".join(f"{w}: {value:.4f}" for w, value in (found["figures"] or {}).items()),
                )
                for found in metrics["words"]
            ),
        ),
    ]
    for part, figures in metrics["parts"].items():
        parts += [
            f"<h2>{html.escape(part.replace('_', ' ').capitalize())}</h2>",
            _table(("", "value"), _flat(figures)),
        ]
    if forms:
        rows = ((form, f"{score:.4f}") for form, score in forms.items())
        parts += [
            "<h2>Forms of text</h2>",
            _table(("form", f"{metrics['text_form_measure']} on valid"), rows),
        ]
    sizes = ((file, f"{size:,}") for file, size in metrics["file_bytes"].items())
    parts += ["<h2>Files</h2>", _table(("file", "bytes"), sizes)]
    return "\n".join(parts) + "\n</html>\n"


def _flat(figures: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Numbers and names of nested metrics, one row each; lists are left to `metrics.json`."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name} ")
        elif isinstance(value, float):
            yield f"{before}{name}", f"{value:.5g}"
        elif isinstance(value, int | str):
            yield f"{before}{name}", str(value)


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in heads)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=n' if column else ''}>{html.escape(str(cell))}</td>"
            for column, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
