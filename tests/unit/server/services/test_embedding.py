"""EmbedTexts over a fake encoder."""

import numpy as np
import pytest

from relatum_server.errors import InvalidArgumentError
from relatum_server.services.embedding import EmbeddingService
from relatum_server.services.limits import Limits
from tests.fakes.encoder import FakeEncoder


@pytest.fixture
def service():
    return EmbeddingService(FakeEncoder(), (32, 64), Limits())


def test_vectors_come_in_the_order_of_the_texts(service):
    both = service.embed(["milk", "bread"]).vectors
    bread = service.embed(["bread"]).vectors

    assert np.array_equal(both[1], bread[0])


def test_a_shorter_vector_is_the_beginning_at_length_one(service):
    whole = service.embed(["whole milk and wheat bread"]).vectors[0]
    short = service.embed(["whole milk and wheat bread"], dimension=32).vectors[0]

    assert short == pytest.approx(whole[:32] / np.linalg.norm(whole[:32]))


@pytest.mark.parametrize(
    ("texts", "field"),
    [([], "texts"), (["a", ""], "texts[1]"), (["\x00"], "texts[0]"), (["a" * 65_537], "texts[0]")],
)
def test_texts_beyond_the_limits_are_refused_by_place(service, texts, field):
    with pytest.raises(InvalidArgumentError) as error:
        service.embed(texts)
    assert error.value.violations[0].field == field


def test_a_dimension_that_the_artifact_lacks_is_refused(service):
    with pytest.raises(InvalidArgumentError, match="dimension: 33 is not one of 32, 64"):
        service.embed(["milk"], dimension=33)
