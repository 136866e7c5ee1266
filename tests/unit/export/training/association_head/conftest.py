"""One shop and one encoder for all tests of the head."""

import pytest

from relatum_export.training.bases import resolve
from tests.unit.export.training.association_head.pair_shops import COLOURS, NOUNS, office
from tests.unit.export.training.tiny_encoder import write_tiny_encoder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny") / "tiny"
    return resolve(str(write_tiny_encoder(folder, (*COLOURS, *NOUNS))))


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    return office(tmp_path_factory.mktemp("office") / "office")
