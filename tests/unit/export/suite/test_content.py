"""What of an input a later step depends on."""

import json

import pytest

from relatum_export.suite.content import content_key


def run_of(folder, form="full", config=None):
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "weights.bin").write_bytes(b"weights")
    body = {"format": "relatum-run", "base": "minilm", "text_form": form, **(config or {})}
    (folder / "config.json").write_text(json.dumps(body), encoding="utf-8")
    return folder


def test_an_encoder_counts_by_its_model_and_form_not_by_logs_or_where_it_lies(tmp_path):
    one = run_of(tmp_path / "a", config={"versions": {"torch": "1"}})
    two = run_of(tmp_path / "b" / "c")
    (two / "tensorboard").mkdir()
    (two / "tensorboard" / "events.1").write_bytes(b"later")
    (two / "metrics.json").write_text('{"seconds": 3}', encoding="utf-8")

    assert content_key(one) == content_key(two)


def test_other_weights_or_another_form_of_text_are_another_encoder(tmp_path):
    one, two, three = (run_of(tmp_path / name) for name in "abc")
    (two / "model" / "weights.bin").write_bytes(b"changed")
    (three / "config.json").write_text(
        json.dumps({"format": "relatum-run", "base": "minilm", "text_form": "title"}),
        encoding="utf-8",
    )

    assert len({content_key(folder) for folder in (one, two, three)}) == 3


@pytest.mark.parametrize(
    ("file", "content", "same"),
    [
        ("metrics.json", '{"ndcg": 0.5, "seconds": 9}', True),
        ("metrics.json", '{"ndcg": 0.6, "seconds": 1}', False),
        ("report.html", "<p>", True),
        ("part.bin", "x", False),
    ],
)
def test_a_run_counts_by_its_figures_and_files_not_by_times_and_pages(
    tmp_path, file, content, same
):
    one, two = tmp_path / "a", tmp_path / "b"
    for folder in (one, two):
        folder.mkdir()
        (folder / "config.json").write_text('{"format": "users"}', encoding="utf-8")
        (folder / "metrics.json").write_text('{"ndcg": 0.5, "seconds": 1}', encoding="utf-8")
    (two / file).write_text(content, encoding="utf-8")

    assert (content_key(one) == content_key(two)) is same
