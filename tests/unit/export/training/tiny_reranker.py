"""A sequence classifier of random weights with one label, in a folder that loads offline."""

from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification

from tests.unit.export.training.tiny_encoder import write_tiny_encoder


def write_tiny_reranker(folder: Path, words: list[str], *, labels: int = 1) -> Path:
    """The tokenizer of the tiny encoder under a classifier whose scores are some units apart."""
    write_tiny_encoder(folder, words)
    config = BertConfig.from_pretrained(folder)
    config.num_labels = labels
    torch.manual_seed(0)
    model = BertForSequenceClassification(config)
    model.classifier.weight.data *= 30.0
    model.save_pretrained(folder)
    return folder
