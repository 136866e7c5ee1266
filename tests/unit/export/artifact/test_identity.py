"""What an encoder's id depends on, and what not."""

from dataclasses import replace

import pytest

from relatum_export.artifact.identity import encoder_id
from relatum_export.corpus.text import FULL, TITLE
from relatum_export.training.encoder import TorchEncoder
from tests.unit.export.training.tiny_encoder import write_tiny_encoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_encoder(tmp_path_factory.mktemp("tiny"), ["lamp"], layers=1)


def identity(encoder, form=FULL):
    return encoder_id(encoder.module, encoder.text_input, form)


def test_an_encoder_keeps_its_id_when_it_is_used(folder):
    encoder = TorchEncoder.load(folder)
    before = identity(encoder)

    encoder.encode(["a lamp"], kind="document")

    assert identity(encoder) == before
    assert len(before) == 16


def test_weights_text_form_and_prefixes_each_change_the_id(folder, tmp_path):
    encoder = TorchEncoder.load(folder)
    reweighed = TorchEncoder.load(write_tiny_encoder(tmp_path, ["lamp"], layers=1, seed=1))
    prefixed = TorchEncoder.load(folder)
    prefixed.text_input = replace(prefixed.text_input, query_prefix="query: ")

    found = {
        identity(encoder),
        identity(encoder, TITLE),
        identity(reweighed),
        identity(prefixed),
    }

    assert len(found) == 4
