"""Which form becomes the default, and what a loss is."""

import json

import numpy as np
import pytest

from relatum_export.artifact.latency import throughputs
from relatum_export.training.compression.ranking import (
    Ranking,
    kept_neighbours,
    relative_loss,
)
from relatum_export.training.compression.settings import CompressSettings
from relatum_export.training.compression.table import Form, choose_default, write_table

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
        units=40,
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


def test_each_set_weighs_alike_in_a_relative_loss():
    def ranking(few, many):
        return Ranking({"a/valid/NDCG@10": np.array(few), "b/valid/NDCG@10": np.array(many)})

    loss = relative_loss(ranking([1.0], [0.5] * 100), ranking([0.7], [0.5] * 100))

    assert loss is not None
    assert loss.value == pytest.approx(0.3 / 1.5)
    assert loss.low <= loss.value <= loss.high
    assert relative_loss(Ranking({}), Ranking({})) is None


def test_the_interval_of_a_loss_is_paired_by_unit():
    draw = np.random.default_rng(0).uniform(0.2, 1.0, 50)

    loss = relative_loss(Ranking({"a": draw}), Ranking({"a": 0.9 * draw}))

    assert loss is not None
    assert (loss.low, loss.value, loss.high) == pytest.approx((0.1, 0.1, 0.1))


def test_neighbours_kept_are_counted_without_the_text_itself():
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(60, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    assert kept_neighbours(vectors, vectors) == 1.0
    assert 0.05 < kept_neighbours(vectors, vectors[::-1].copy()) < 0.6


def test_the_table_is_written_for_programs_and_for_people(tmp_path):
    forms = [TEACHER, HALF, UNSTEADY, form("third", "fp16", 250, None)]

    write_table(tmp_path, forms, choose_default(forms, SETTINGS), ["a", "b"])

    table = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in table["rows"]}
    assert (table["format"], table["corpora"]) == ("relatum-compression", ["a", "b"])
    assert table["default"]["form"] == "half/int8-static"
    assert [each["model"] for each in table["forms"]] == ["teacher", "half", "half", "third"]
    assert rows["pooled/valid/loss/student-half"]["value"] == 0.012
    assert rows["pooled/valid/loss/student-half"]["better"] == "lower"
    assert rows["pooled/valid/titles/s/student-half"]["value"] == 190
    assert rows["pooled/valid/titles/s/vs-teacher/student-half"]["value"] == 1.0
    assert "pooled/valid/loss/teacher" in rows
    assert "pooled/valid/loss/student-half-int8-dynamic" in rows
    assert "pooled/valid/loss/student-third-fp16" not in rows
    shown = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert "| **half/int8-static** | 3 | 20.0 | 1.00 | 190 | 1.00x | +1.20% |" in shown
    assert "Default: half/int8-static, the fastest of" in shown


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
