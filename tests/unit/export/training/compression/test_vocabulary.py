"""Pruning drops the pieces of foreign scripts and changes no vector of the shop."""

import json

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from relatum_export.training.bases import resolve
from relatum_export.training.compression.layers import same_vectors
from relatum_export.training.compression.vocabulary import prune, script
from relatum_export.training.encoder import TorchEncoder, load_sentence_transformer
from tests.unit.export.training.compression.conftest import FOREIGN
from tests.unit.export.training.tiny_encoder import write_tiny_encoder

TEXTS = ("red shoe 42", "a black lamp", "pen | mug")


def wrapped(tiny, model):
    return TorchEncoder.wrap(resolve(str(tiny)), model)


def pieces_of(model):
    return set(model.tokenizer.get_vocab())


def test_foreign_pieces_go_and_the_shops_own_stay(tiny, model):
    before = wrapped(tiny, load_sentence_transformer(resolve(str(tiny))))

    pruned = prune(model, TEXTS, min_share=0.01)

    after = wrapped(tiny, model)
    assert pruned.after == pruned.before - 3
    assert pruned.scripts == ("LATIN",)
    assert not pieces_of(model) & {"чай", "茶", "お茶"}
    assert {"red", "shoe", "[MASK]", "##z"} <= pieces_of(model)
    assert same_vectors(before, after, [*TEXTS, "an unseen word: zebra"]) < 1e-6


def test_a_script_that_the_shop_writes_in_stays(model):
    pruned = prune(model, [*TEXTS, "пить"], min_share=0.01)

    assert pruned.scripts == ("CYRILLIC", "LATIN")
    assert "чай" in pieces_of(model)
    assert "茶" not in pieces_of(model)


def test_of_a_rare_script_the_pieces_that_are_used_stay(model):
    pruned = prune(model, [*TEXTS * 50, "茶"], min_share=0.01)

    assert pruned.scripts == ("LATIN",)
    assert "茶" in pieces_of(model)
    assert "чай" not in pieces_of(model)


def test_a_pruned_model_survives_its_folder(tiny, model, tmp_path):
    prune(model, TEXTS, min_share=0.01)
    model.save_pretrained(str(tmp_path / "pruned"))

    again = load_sentence_transformer(resolve(str(tmp_path / "pruned")))

    size = wrapped(tiny, again).module.transformer.config.vocab_size
    assert size == len(pieces_of(model))
    assert same_vectors(wrapped(tiny, model), wrapped(tiny, again), TEXTS) < 1e-6


@pytest.fixture
def unigram(tmp_path):
    """The kind of e5: pieces with scores, the beginning of a word marked."""
    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    words = [("\u2581red", -2.0), ("\u2581sh", -3.0), ("oe", -3.0), ("\u2581shoe", -9.0)]
    foreign = [("\u2581" + FOREIGN[0], -2.0), ("茶", -2.0)]
    letters = [(letter, -6.0) for letter in "abcdefghijklmnopqrstuvwxyz\u2581"]
    tokenizer = Tokenizer(models.Unigram([*special, *foreign, *words, *letters], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    roles = ("bos_token", "pad_token", "eos_token", "unk_token")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **dict(zip(roles, (name for name, _ in special), strict=True))
    )
    torch.manual_seed(0)
    size = len(special) + len(foreign) + len(words) + len(letters)
    config = BertConfig(
        vocab_size=size,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        pad_token_id=1,
        initializer_range=0.5,
    )
    BertModel(config).save_pretrained(tmp_path / "unigram")
    fast.save_pretrained(tmp_path / "unigram")
    return tmp_path / "unigram"


def test_the_best_path_of_a_unigram_vocabulary_stays_the_same(unigram):
    model = load_sentence_transformer(resolve(str(unigram)))
    before = wrapped(unigram, load_sentence_transformer(resolve(str(unigram))))

    pruned = prune(model, ["red shoe", "a hat"], min_share=0.01)

    after = wrapped(unigram, model)
    assert pruned.after == pruned.before - 2
    assert model.tokenizer.tokenize("red shoe") == ["\u2581red", "\u2581sh", "oe"]
    assert after.text_input.pad_token_id == 1
    assert same_vectors(before, after, ["red shoe", "zebra", "a hat"]) < 1e-6


def test_a_vocabulary_of_merges_is_left_alone_and_it_is_said(tmp_path):
    folder = write_tiny_encoder(tmp_path / "bpe", ["red"], layers=1)
    data = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = data["model"]["vocab"]
    data["model"] = json.loads(Tokenizer(models.BPE(vocabulary, [], unk_token="[UNK]")).to_str())[  # noqa: S106
        "model"
    ]
    (folder / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    model: SentenceTransformer = load_sentence_transformer(resolve(str(folder)))

    pruned = prune(model, ["red"], min_share=0.01)

    assert pruned.before == pruned.after
    assert "merges" in pruned.reason


def test_letters_have_scripts_and_nothing_else_has():
    characters = ("a", "é", "ß", "7", "|", "я", "茶", "お", "가")

    found = [script(character) for character in characters]

    latin, others = ["LATIN"] * 3, ["CYRILLIC", "CJK", "HIRAGANA", "HANGUL"]
    assert found == [*latin, "", "", *others]


def test_vectors_of_the_pruned_model_have_length_one(tiny, model):
    prune(model, TEXTS, min_share=0.01)

    vectors = wrapped(tiny, model).encode(TEXTS, kind="query")

    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
