"""Virtual tokens before each text: what is trained, what becomes of them, and what has no place."""

import json

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from relatum_export.errors import InputError
from relatum_export.training.averaging import Score
from relatum_export.training.bases import Base
from relatum_export.training.compression.vocabulary import prune
from relatum_export.training.encoder import TorchEncoder, bare_tokenizer, load_sentence_transformer
from relatum_export.training.encoder_recipe.prefix import attach_prefix, keep_or_remove
from relatum_export.training.settings import TrainSettings
from tests.unit.export.training.tiny_encoder import write_tiny_encoder

TEXTS = ["red lamp", "a much longer text of a blue chair", ""]
SETTINGS = TrainSettings(adapter="prefix", prefix_tokens=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_encoder(tmp_path_factory.mktemp("base") / "tiny", ["red", "lamp"], layers=2)


def loaded(folder):
    base = Base("tiny", str(folder))
    model = load_sentence_transformer(base)
    return base, model


def vectors(base, model):
    return TorchEncoder.wrap(base, model).encode(TEXTS, kind="query")


def trained(folder, settings=SETTINGS):
    """An encoder with a prefix that learning has moved."""
    base, model = loaded(folder)
    prefix = attach_prefix(model, settings)
    with torch.no_grad():
        prefix.embedding.prefix.embedding.weight.normal_(0, 0.5)
    return base, model, prefix


def test_a_merged_prefix_gives_the_vectors_that_it_gave_before_also_from_the_disk(folder, tmp_path):
    base, model, prefix = trained(folder)
    plain = vectors(*loaded(folder))
    before = vectors(base, model)

    prefix.merge()
    model.save_pretrained(str(tmp_path / "merged"), create_model_card=False)

    again = TorchEncoder.load(tmp_path / "merged")
    np.testing.assert_allclose(vectors(base, model), before, atol=1e-4)
    np.testing.assert_allclose(again.encode(TEXTS, kind="query"), before, atol=1e-4)
    assert np.abs(before - plain).max() > 1e-2
    assert type(again.module.transformer.get_input_embeddings()) is torch.nn.Embedding


def test_every_text_begins_with_the_virtual_tokens_and_is_cut_with_them(folder):
    base, model, _ = trained(folder)
    text = TorchEncoder.wrap(base, model).text_input

    tokens = bare_tokenizer(text.tokenizer).encode("red lamp").tokens
    assert [tokens[0], tokens[6:]] == ["[CLS]", ["red", "lamp", "[SEP]"]]
    assert all(token.startswith("<virtual") for token in tokens[1:6])
    assert len(text.token_ids(["red " * 100], "query")[0]) == 64


def test_only_the_virtual_tokens_learn(folder):
    _, model, _ = trained(folder)

    learning = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert len(learning) == 1
    assert "prefix" in next(iter(learning))


def test_a_second_prefix_stands_beside_the_first(folder, tmp_path):
    _, model, prefix = trained(folder)
    prefix.merge()
    model.save_pretrained(str(tmp_path / "merged"), create_model_card=False)
    base, again, second = trained(tmp_path / "merged")
    before = vectors(base, again)
    second.merge()

    tokens = again.tokenizer.backend_tokenizer.encode("red").tokens
    assert len({token for token in tokens if token.startswith("<virtual")}) == 10
    np.testing.assert_allclose(vectors(base, again), before, atol=1e-4)


def test_a_vocabulary_cut_to_a_shop_keeps_them(folder):
    base, model, prefix = trained(folder)
    prefix.merge()
    before = vectors(base, model)

    found = prune(model, ["red lamp"], min_share=2.0)

    assert found.after <= found.before
    np.testing.assert_allclose(vectors(base, model), before, atol=1e-4)


@pytest.mark.parametrize(
    ("score", "fixed", "ratio"),
    [
        (Score(0.1), None, 1.0),
        (Score(0.0), None, 0.0),
        (Score(0.1, harmless=False), None, 0.0),
        (Score(-0.1), 1.0, 1.0),
        (None, None, 1.0),
    ],
)
def test_a_prefix_stays_only_where_valid_gains_by_it(score, fixed, ratio, folder):
    base, model, prefix = trained(folder)
    plain = vectors(*loaded(folder))
    measure = None if score is None else lambda: score

    averaged = keep_or_remove(prefix, measure, known={}, fixed=fixed)

    assert averaged.ratio == ratio
    assert np.allclose(vectors(base, model), plain, atol=1e-6) == (ratio == 0.0)


def test_an_encoder_too_short_for_them_is_refused(folder):
    _, model = loaded(folder)
    model.max_seq_length = 8

    with pytest.raises(InputError, match="reads 8 tokens, 5 virtual ones leave no room"):
        attach_prefix(model, SETTINGS)


def test_a_tokenizer_of_another_encoder_is_refused(folder):
    _, model = loaded(folder)
    model[0].model.set_input_embeddings(torch.nn.Embedding(10, 32))

    with pytest.raises(InputError, match="do not belong together"):
        attach_prefix(model, SETTINGS)


def test_a_unigram_vocabulary_takes_them_and_one_with_tokens_beyond_it_does_not(folder):
    _, model = loaded(folder)
    pieces = [("<pad>", 0.0), ("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), ("red", -1.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=1))
    names = {"pad_token": "<pad>", "unk_token": "<unk>"}
    model[0].processor = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    model.max_seq_length = 64
    attach_prefix(model, SETTINGS)

    taken = json.loads(model.tokenizer.backend_tokenizer.to_str())["model"]["vocab"]
    assert len(taken) == 10
    assert model.tokenizer.backend_tokenizer.encode("red").ids == [5, 6, 7, 8, 9, 4]

    tokenizer.add_tokens(["blue"])
    _, other = loaded(folder)
    other[0].processor = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    with pytest.raises(InputError, match="tokens beyond its vocabulary"):
        attach_prefix(other, SETTINGS)
