"""Each step of training, run as a person runs it on a small real slice, beats its untrained value.

The slice is the Abt-Buy part of product_matching: offers of electronics with descriptions, and
pairs that people judged; `train answers` learns from a slice of zh_customer_service. The steps that
need a history (`train users`, `train ranker`, `build graph`) have their own real slices in
tests/unit/export, in the modules named test_real_*.
"""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from relatum_export.__main__ import main
from tests.unit.export.training.tiny_encoder import write_tiny_encoder

pytestmark = pytest.mark.long

PAIRS = {"train": (250, 300), "valid": (100, 150)}  # the same product, and not
WORDS = 1_500
QUESTIONS = {"train": 1_500, "valid": 250}
UNTRAINED = 1e-12  # a learning rate that moves nothing


def step(out: Path, settings: str, *arguments: object) -> dict[str, Any]:
    """Run one command with a configuration and return the metrics of its run."""
    config = out.with_suffix(".toml")
    config.write_text(settings, encoding="utf-8")
    line = [*map(str, arguments), "--config", str(config), "--out", str(out), "--any-language"]
    assert main(line) == 0
    metrics: dict[str, Any] = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    return metrics


@pytest.fixture(scope="module")
def corpus(data, tmp_path_factory):
    """The corpus of a few hundred judged pairs and their offers."""
    folder = tmp_path_factory.mktemp("abt-buy")
    pairs = pd.read_parquet(data("product_matching") / "pairs.parquet")
    pairs = pairs[pairs["source"] == "Abt-Buy"]
    drawn = pd.concat(
        pairs[(pairs["split"] == split) & (pairs["same_product"] == same)].head(count)
        for split, counts in PAIRS.items()
        for same, count in zip((1, 0), counts, strict=True)
    )
    items = pd.read_parquet(data("product_matching") / "items.parquet")
    named = set(drawn["item_id_a"]) | set(drawn["item_id_b"])
    (folder / "set").mkdir()
    drawn.to_parquet(folder / "set" / "pairs.parquet")
    items[items["item_id"].isin(named)].to_parquet(folder / "set" / "items.parquet")
    out = folder / "corpus"
    assert main(["prepare", "--data", str(folder / "set"), "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def untrained(corpus, tmp_path_factory):
    """An encoder of random weights whose vocabulary is the slice's most frequent words."""
    lines = (corpus / "products.jsonl").read_text(encoding="utf-8").splitlines()
    products = map(json.loads, lines)
    texts = (f"{product['title']} {product.get('description', '')}" for product in products)
    counts = Counter(word for text in texts for word in re.findall(r"[a-z]{2,}", text.lower()))
    words = [word for word, _ in counts.most_common(WORDS)]
    return write_tiny_encoder(tmp_path_factory.mktemp("untrained") / "base", words, hidden=64)


@pytest.fixture(scope="module")
def trained(corpus, untrained, tmp_path_factory):
    """The run of `train encoder` from random weights, and its metrics."""
    out = tmp_path_factory.mktemp("trained") / "encoder"
    settings = "epochs = 4\nlearning_rate = 1e-3\nfrozen_layers = 0\n"
    on = ("--corpus", corpus, "--base", untrained)
    return out, step(out, settings, "train", "encoder", *on)


@pytest.mark.parametrize("objective", ["mlm", "tsdae"])
def test_pretraining_lowers_the_loss_on_texts_held_out(corpus, untrained, tmp_path, objective):
    settings = f'objective = "{objective}"\nepochs = 2\nlearning_rate = 2e-3\n'
    settings += "frozen_embeddings = false\nmax_texts = 500\n"

    metrics = step(tmp_path / "run", settings, "pretrain", "--corpus", corpus, "--base", untrained)

    assert metrics["held_out_loss"] < metrics["held_out_loss_untrained"] - 0.3


def test_the_encoder_ranks_partners_that_it_has_not_seen_better_than_before(trained):
    _, metrics = trained
    before, after = metrics["base_figures"], metrics["final_figures"]

    assert before
    assert sum(after.values()) > sum(before.values())
    assert metrics["fine_tuned_share"] > 0


def test_the_head_finds_the_same_product_better_than_an_untrained_one(corpus, trained, tmp_path):
    on = ("--corpus", corpus, "--encoder", trained[0])
    small = "members = 1\nword_members = 1\nhidden = 32\nepochs = 8\n"
    still = small + f"trees = 0\nlearning_rate = {UNTRAINED}\n"

    before = step(tmp_path / "before", still, "train", "pairs", *on)
    after = step(tmp_path / "after", small + "trees = 50\n", "train", "pairs", *on)

    (first,), (last,) = before["valid"].values(), after["valid"].values()
    assert last["same_product"]["F1"] > first["same_product"]["F1"] + 0.1
    assert last["same_product"]["NLL"] < first["same_product"]["NLL"] - 0.1
    assert set(after["label_sources"]["same"]) == {"people"}


def test_a_distilled_student_ranks_more_like_its_teacher_than_a_truncated_one(
    corpus, trained, tmp_path
):
    on = ("--corpus", corpus, "--encoder", trained[0])
    small = 'students = {half = 0.5}\nprecisions = ["fp32", "int8-static"]\nmax_loss = 0.99\n'
    small += "batch_size = 16\nprune_vocabulary = false\ncalibration_texts = 20\nmax_texts = 800\n"

    before = step(
        tmp_path / "before", small + f"epochs = 1\nlearning_rate = {UNTRAINED}\n", "compress", *on
    )
    after = step(tmp_path / "after", small + "epochs = 4\nlearning_rate = 2e-3\n", "compress", *on)

    truncated, distilled = (student_row(metrics) for metrics in (before, after))
    assert distilled["neighbours"] > truncated["neighbours"]
    assert after["students"]["half"]["cosine"] > after["students"]["half"]["cosine_untrained"]


def student_row(metrics: dict[str, Any]) -> dict[str, Any]:
    """The row of the half-depth student in the table, as it was trained."""
    rows = {(row["model"], row["precision"]): row for row in metrics["table"]}
    row: dict[str, Any] = rows["half", "fp32"]
    return row


@pytest.fixture(scope="module")
def service(data, tmp_path_factory):
    """The corpus of a slice of real dialogues; a head needs vectors that mean something."""
    folder = tmp_path_factory.mktemp("service")
    faq = pd.read_parquet(data("zh_customer_service") / "faq.parquet")
    parts = [faq[faq["split"] == split].head(count) for split, count in QUESTIONS.items()]
    drawn = pd.concat(parts)
    (folder / "set").mkdir()
    drawn.to_parquet(folder / "set" / "faq.parquet")
    out = folder / "corpus"
    assert main(["prepare", "--data", str(folder / "set"), "--out", str(out)]) == 0
    return out


def test_the_answer_head_finds_more_replies_than_an_untrained_one(service, tmp_path):
    on = ("--corpus", service, "--encoder", "e5", "--cache", tmp_path / "cache")
    small = "members = 1\nhidden = 256\nepochs = 25\n"
    still = small + f"learning_rate = {UNTRAINED}\n"

    before = step(tmp_path / "before", still, "train", "answers", *on)
    after = step(tmp_path / "after", small, "train", "answers", *on)

    assert after["valid"]["R@10"] > before["valid"]["R@10"]
    assert after["curve"][-1]["valid_loss"] < before["curve"][-1]["valid_loss"] - 0.3
