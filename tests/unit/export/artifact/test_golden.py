"""Golden inputs: alone in their batch, texts of products as rendered."""

import json

import numpy as np
import pytest

from relatum_export.artifact.golden import DOCUMENTS, PRODUCTS, QUERIES, golden_lines
from relatum_export.artifact.report import render_report
from relatum_export.corpus.text import FULL, TITLE, ProductText, render


class Alone:
    """Fails on a batch: a golden vector must not depend on batch-mates."""

    dimension = 2
    text_form = None

    def encode(self, texts, *, kind, progress=None):
        assert len(texts) == 1
        return np.array([[len(texts[0]) / 3, kind == "query"]], dtype=np.float32)


@pytest.fixture
def rows():
    return [json.loads(line) for line in golden_lines({"int8": Alone(), "fp32": Alone()}, FULL)]


def test_every_line_has_a_vector_for_each_variant(rows):
    assert len(rows) == len(QUERIES) + len(DOCUMENTS) + len(PRODUCTS)
    assert all(set(row["vectors"]) == {"int8", "fp32"} for row in rows)
    assert {row["kind"] for row in rows} == {"QUERY", "DOCUMENT"}


def test_products_stand_with_the_text_that_they_render_to(rows):
    products = [row for row in rows if "product" in row]

    for row in products:
        assert row["text"] == render(FULL, ProductText(**row["product"]))
    assert "Desk lamp LED & dimmer | Lumen Works | Home > Lighting; Office" in products[1]["text"]


def test_a_product_that_the_form_makes_nothing_of_is_left_out():
    lines = golden_lines({"int8": Alone()}, TITLE)

    assert all(json.loads(line)["text"] for line in lines)


def test_the_report_escapes_what_it_is_given():
    metrics = {
        "name": "<shop>",
        "base_model": "e5",
        "encoder_id": "0" * 16,
        "text_form": "title",
        "text_form_measure": "macro-F1",
        "text_form_figures": {"title": 0.5},
        "variants": [
            {
                "precision": "int8",
                "min_cosine": 0.9,
                "mean_cosine": 0.99,
                "agreements": [
                    {
                        "measure": "s/valid/NDCG@10",
                        "value": 0.8,
                        "reference": 0.81,
                        "changed_queries": 3,
                        "agrees": False,
                    }
                ],
            }
        ],
        "int8": {
            "ranges": "fixed",
            "reason": "as <well>, as fast",
            "fixed": {"titles_per_s": 120.0, "mean_cosine": 0.99, "batch_change": 0.0},
            "by_batch": {"titles_per_s": 119.0, "mean_cosine": 0.99, "batch_change": 0.015},
        },
        "words": [
            {"use": "similar", "weight": 0.4, "measure": "R@10 on valid", "units": 31}
            | {"figures": {"0": 0.25, "0.4": 0.27}},
            {"use": "search", "weight": 0.2, "measure": "", "units": 0, "figures": None},
        ],
        "int8_latency": {"p50_ms": 1.5, "p99_ms": 2.0, "threads": 1, "texts": 9},
        "file_bytes": {"encoder.int8.onnx": 1234567},
        "parts": {"pair_head": {"valid": {"<F1>": 0.81234567}, "classes": ["same"]}},
    }

    page = render_report(metrics)

    assert "&lt;shop&gt;" in page
    assert "<shop>" not in page
    assert "1,234,567" in page
    assert "fixed: as &lt;well&gt;, as fast" in page
    assert "by batch</td><td class=n>119.0" in page
    assert "valid &lt;F1&gt;</td><td class=n>0.81235" in page
    assert "s/valid/NDCG@10" in page
    assert "0: 0.2500; 0.4: 0.2700" in page
    assert "nothing is judged: the default" in page
    assert "<th>macro-F1 on valid</th>" in page
