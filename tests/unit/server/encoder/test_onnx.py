import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from relatum_server.artifact import Artifact
from relatum_server.encoder.batcher import Batcher, BatchSettings
from relatum_server.encoder.cache import VectorCache
from relatum_server.encoder.onnx import OnnxEncoder
from relatum_server.encoder.session import CPU
from relatum_server.encoder.tokenizer import TextTokenizer
from relatum_server.errors import ArtifactError, DeadlineExceededError, UnavailableError


class FakeSession:
    """A vector whose direction depends on the ids alone."""

    def __init__(self):
        self.shapes = []

    def run(self, input_ids, attention_mask):
        self.shapes.append(input_ids.shape)
        angles = (input_ids * attention_mask).sum(axis=1) / 100
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


@pytest.fixture
def encoder(spec, session) -> Iterator[OnnxEncoder]:
    settings = BatchSettings(workers=1, max_batch_tokens=64, max_queue_tokens=1000)
    encoder = OnnxEncoder(
        spec,
        provider=CPU,
        precision="int8",
        tokenizer=TextTokenizer(spec),
        batcher=Batcher(session, dimension=2, pad_token_id=0, settings=settings),
        cache=VectorCache(spec.encoder_id, 10**6),
    )
    yield encoder
    encoder.close()


def artifact(spec, *, vector, product_text="Desk lamp", precision="int8") -> Artifact:
    """An artifact with one golden text and one golden product beside the tokenizer."""
    fields = {"brand": "", "categories": [], "attributes": {}, "description": ""}
    lines = [
        {"kind": "QUERY", "text": "milk", "vectors": {precision: [float(x) for x in vector]}},
        {"product": fields | {"title": "Desk <b>lamp</b>"}, "text": product_text},
    ]
    golden_path = spec.tokenizer_path.with_name("golden.jsonl")
    golden_path.write_text("\n".join(map(json.dumps, lines)))
    return Artifact(
        path=Path("/artifact"),
        name="shop",
        model_id="m",
        encoder=spec,
        spaces=(),
        copurchase_path=None,
        popularity_path=None,
        golden_path=golden_path,
        golden_min_cosine=0.99,
        languages={},
    )


def test_each_text_gets_its_vector_token_count_and_truncation(encoder):
    encoded = encoder.encode(["milk", "tea tea tea tea", "milk"], "QUERY")

    assert encoded.vectors.dtype == np.float32
    assert encoded.vectors.shape == (3, 2)
    assert encoded.token_counts == [4, 6, 4]
    assert encoded.truncated == [False, True, False]
    assert (encoded.vectors[0] == encoded.vectors[2]).all()


def test_no_texts_give_no_vectors(encoder):
    encoded = encoder.encode([], "QUERY")

    assert encoded.vectors.shape == (0, 2)


def test_texts_that_differ_in_white_space_alone_are_encoded_once(encoder, session):
    encoder.encode(["milk tea", " milk \n tea"], "QUERY")
    encoder.encode(["milk\ttea"], "QUERY")

    assert session.shapes == [(1, 5)]


def test_a_caller_may_write_into_its_vectors_without_harm_to_the_cache(encoder):
    first = encoder.encode(["milk"], "QUERY").vectors
    before = first.copy()
    first[:] = 0

    assert (encoder.encode(["milk"], "QUERY").vectors == before).all()


def test_a_passed_deadline_is_refused(encoder):
    with pytest.raises(DeadlineExceededError):
        encoder.encode(["milk"], "QUERY", deadline=time.monotonic() - 1)


def test_a_closed_encoder_refuses_and_closes_twice(encoder):
    encoder.close()
    encoder.close()

    with pytest.raises(UnavailableError):
        encoder.encode(["milk"], "QUERY")


def test_warm_up_runs_an_input_of_the_greatest_length(encoder, session, spec):
    encoder.warm_up()

    assert max(tokens for _, tokens in session.shapes) == spec.max_tokens


def test_golden_inputs_that_agree_give_their_smallest_cosine(encoder, spec):
    expected = encoder.encode(["milk"], "QUERY").vectors[0]

    assert encoder.check_golden(artifact(spec, vector=expected)) == pytest.approx(1.0)


@pytest.mark.parametrize("vector", [[0.0, 1.0], [0.0, 0.0], [np.nan, 1.0]])
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_a_golden_vector_that_is_missed_is_refused(encoder, spec, vector):
    with pytest.raises(ArtifactError, match=r"int8 on CPUExecutionProvider .* below 0\.99"):
        encoder.check_golden(artifact(spec, vector=vector))


def test_a_golden_product_that_renders_otherwise_is_refused(encoder, spec):
    vector = encoder.encode(["milk"], "QUERY").vectors[0]

    with pytest.raises(ArtifactError, match="renders to 'Desk lamp', at export it was 'Desk'"):
        encoder.check_golden(artifact(spec, vector=vector, product_text="Desk"))


def test_golden_vectors_of_another_precision_do_not_count(encoder, spec):
    with pytest.raises(ArtifactError, match="no golden vectors for int8"):
        encoder.check_golden(artifact(spec, vector=[1, 0], precision="fp32"))
