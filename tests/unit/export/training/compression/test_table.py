"""Which form becomes the default, and what a loss is."""

from typing import Any

import numpy as np
import pytest

from relatum_export.artifact.latency import throughputs
from relatum_export.console import Reporter
from relatum_export.corpus.text import TITLE
from relatum_export.training.compression.ranking import (
    Ranking,
    RankingSuite,
    kept_neighbours,
    relative_loss,
)
from relatum_export.training.compression.settings import CompressSettings
from relatum_export.training.compression.table import Form, choose_default
from relatum_export.training.products import Catalogue
from tests.unit.export.evaluation.corpora import GivenVectors, write_corpus

SETTINGS = CompressSettings(max_loss=0.015, max_batch_change=0.002)


def form(model, precision, titles_per_s, loss, batch=0.0, neighbours=0.9):
    return Form(
        model=model,
        layers=3,
        precision=precision,
        megabytes=20.0,
        ms_a_title=1.0,
        titles_per_s=titles_per_s,
        speed=1.0,
        ranking=0.8,
        loss=loss,
        loss_low=None,
        loss_high=None,
        neighbours=neighbours,
        batch_short=batch,
        batch_long=0.0,
    )


TEACHER = form("teacher", "int8-static", 100, 0.001)
HALF = form("half", "int8-static", 190, 0.012)
THIRD = form("third", "int8-static", 280, 0.04)
UNSTEADY = form("half", "int8", 195, 0.010, batch=0.01)


def test_the_fastest_form_within_both_limits_is_the_default():
    assert choose_default([TEACHER, HALF, THIRD, UNSTEADY], SETTINGS).form is HALF


def test_a_higher_limit_of_loss_lets_a_faster_student_through():
    settings = CompressSettings(max_loss=0.05, max_batch_change=0.002)

    assert choose_default([TEACHER, HALF, THIRD], settings).form is THIRD


def test_where_none_is_within_the_limits_the_best_is_taken_and_it_is_said():
    default = choose_default([THIRD, form("half", "fp16", 10, 0.03)], SETTINGS)

    assert default.form.loss == 0.03
    assert "no form is within the limits" in default.reason


def test_without_a_ranking_neighbours_decide():
    near = form("half", "int8-static", 150, None, neighbours=0.99)
    far = form("third", "int8-static", 250, None, neighbours=0.7)

    assert choose_default([near, far], SETTINGS).form is near


def test_a_loss_is_relative_and_pooled_over_all_units():
    def ranking(*units):
        return Ranking({}, np.array(units), np.ones(len(units)))

    loss = relative_loss(ranking(1.0, 0.5, 0.5), ranking(0.9, 0.5, 0.4))

    assert loss is not None
    assert loss.value == pytest.approx(0.1)
    assert loss.low <= loss.value <= loss.high
    assert relative_loss(ranking(), ranking()) is None


def test_neighbours_kept_are_counted_without_the_text_itself():
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(60, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    assert kept_neighbours(vectors, vectors) == 1.0
    assert 0.05 < kept_neighbours(vectors, vectors[::-1].copy()) < 0.6


def test_figures_are_those_of_the_protocols_on_valid(tmp_path):
    queries = [{"query_id": "q", "query": "tea", "split": "valid"}]
    judgments = [
        {"query_id": "q", "item_id": item, "label": label, "split": "valid"}
        for item, label in (("green tea", 3), ("nail", 0))
    ]
    bundles = [{"bundle_id": "b", "items": ["green tea", "nail"], "split": "valid"}]
    tables: dict[str, list[dict[str, Any]]] = {
        "queries": queries,
        "judgments": judgments,
        "bundles": bundles,
    }
    corpus = write_corpus(tmp_path / "corpus", ["green tea", "nail"], (), tables)
    suite = RankingSuite([(corpus, Catalogue.read(corpus))], TITLE, Reporter(as_json=True))
    right = {"tea": [1.0, 0.0], "green tea": [1.0, 0.1], "nail": [0.0, 1.0]}
    wrong = {**right, "tea": [0.0, 1.0]}

    good, bad = (suite.measure(str(at), GivenVectors(v)) for at, v in enumerate((right, wrong)))

    assert good.figures == {"shop/valid/NDCG@10": 1.0, "shop/valid/R@10": 1.0}
    assert bad.figures["shop/valid/NDCG@10"] < 1.0
    assert len(good.units) == 2


def test_speed_is_measured_on_distinct_titles_of_each_encoder():
    class Counting:
        dimension = 1
        text_form = None

        def __init__(self):
            self.seen = []

        def encode(self, texts, *, kind, progress=None):
            self.seen.append(tuple(texts))
            return np.ones((len(texts), 1), np.float32)

    encoders = {"one": Counting(), "two": Counting()}

    speeds = throughputs(encoders, ["mug", "", "mug", "pen"])

    assert set(speeds) == {"one", "two"}
    assert all(speed > 0 for speed in speeds.values())
    assert set(encoders["one"].seen) == {("mug", "pen")}
