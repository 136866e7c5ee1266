"""Other wordings of queries: who makes them, where they go, and that a resumed run has the same."""

import json

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from relatum_export.console import Reporter
from relatum_export.errors import InputError
from relatum_export.training.bases import resolve
from relatum_export.training.encoder_recipe import back_translation
from relatum_export.training.encoder_recipe.back_translation import (
    FILE,
    BackTranslation,
    Rewording,
    Translator,
)
from relatum_export.training.encoder_recipe.draws import draw_tables
from relatum_export.training.encoder_recipe.noise import Noise
from relatum_export.training.encoder_training import train_encoder
from relatum_export.training.pairs import Pair
from relatum_export.training.settings import TrainSettings
from tests.unit.export.training.encoder_recipe.pair_sources import set_of
from tests.unit.export.training.encoder_recipe.shops import WORDS, write_shop
from tests.unit.export.training.tiny_encoder import write_tiny_encoder

ROLES = ("pad_token", "eos_token", "unk_token")
TEXTS = ["my red lamp", "where", "my chair in the home", "my red lamp"]


def write_translator(folder, seed):
    pieces = ["<pad>", "</s>", "<unk>", *WORDS]
    names = dict(zip(ROLES, pieces, strict=False))
    vocabulary = {piece: at for at, piece in enumerate(pieces)}
    words = models.WordLevel(vocabulary, unk_token=names["unk_token"])
    tokenizer = Tokenizer(words)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    torch.manual_seed(seed)
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    ids = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    T5ForConditionalGeneration(T5Config(vocab_size=len(pieces), **sizes, **ids)).save_pretrained(
        folder
    )
    fast.save_pretrained(folder)
    return str(folder)


def translating(names, resumed):
    there, back = names
    return BackTranslation(there, back, resumed)


@pytest.fixture(scope="module")
def there_and_back(tmp_path_factory):
    folder = tmp_path_factory.mktemp("translators")
    return write_translator(folder / "there", 1), write_translator(folder / "back", 2)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(back_translation, "MAX_TOKENS", 8)


def test_what_comes_back_is_the_way_there_and_back(there_and_back, tmp_path):
    there, back = (Translator(name) for name in there_and_back)
    expected = back.translate(there.translate(TEXTS[:3]))

    found = translating(there_and_back, None).wordings(TEXTS, folder=tmp_path)

    assert found == {text: other or text for text, other in zip(TEXTS, expected, strict=False)}
    assert any(text != other for text, other in found.items())
    assert json.loads((tmp_path / FILE).read_text(encoding="utf-8")) == found


def test_a_text_is_translated_alike_whatever_stands_beside_it(there_and_back):
    translator = Translator(there_and_back[0])

    together = translator.translate(TEXTS)

    assert together == [translator.translate([text])[0] for text in TEXTS]


def test_what_was_made_is_not_made_again_and_needs_no_model(there_and_back, tmp_path):
    first = translating(there_and_back, None).wordings(TEXTS, folder=tmp_path)

    gone = BackTranslation("no/model", "none/either", tmp_path)

    assert gone.wordings(TEXTS, folder=tmp_path) == first
    with pytest.raises(InputError, match="cannot load the model"):
        gone.wordings(["a new one"], folder=tmp_path)


def test_an_interrupted_translation_goes_on_where_it_was(there_and_back, tmp_path, monkeypatch):
    monkeypatch.setattr(back_translation, "KEPT_EVERY", 1)
    translate = Translator.translate
    whole = translating(there_and_back, None).wordings(TEXTS, folder=tmp_path / "whole")

    def interrupted(self, texts):
        if texts == [TEXTS[1]]:
            raise KeyboardInterrupt
        return translate(self, texts)

    monkeypatch.setattr(Translator, "translate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        translating(there_and_back, None).wordings(TEXTS, folder=tmp_path / "run")
    asked = []

    def watched(self, texts):
        asked.extend(texts)
        return translate(self, texts)

    monkeypatch.setattr(Translator, "translate", watched)
    run = translating(there_and_back, tmp_path / "run")

    assert run.wordings(TEXTS, folder=tmp_path / "run") == whole
    assert TEXTS[0] not in asked


def test_queries_stand_in_other_words_as_often_as_asked_and_their_clean_texts_stay():
    one = set_of(200)
    settings = TrainSettings(
        max_pairs=200,
        typo_probability=0.0,
        field_dropout=0.0,
        back_translation=("a/b", "b/a"),
        back_translation_probability=0.3,
    )
    pairs, noise = [one.pairs], Noise.of(settings)

    def reword(texts):
        return {text: f"other {text}" for text in texts}

    plain = draw_tables([one.source], pairs, settings, noise)
    drawn = draw_tables([one.source], pairs, settings, noise, reword)

    table, before = drawn.tables[0], plain.tables[0]
    other = [text for text in table.anchors if text.startswith("other ")]
    assert 40 <= len(other) <= 80
    assert [text.removeprefix("other ") for text in table.anchors] == list(before.anchors)
    assert table.positives == before.positives
    assert (table.anchor_texts == before.anchor_texts).all()
    again = draw_tables([one.source], pairs, settings, noise, reword)
    assert again.tables[0].anchors == table.anchors


def test_a_product_is_never_reworded():
    pairs = [Pair(3, "its shelf", 1.0, "title_category"), Pair("lamp", 3, 1.0, "query_product")]

    assert Rewording(1.0, 0).chosen("shop/any", pairs) == [None, "lamp"]
    assert Rewording(1.0, 0).typed("shop/any", pairs, {"lamp": "light"}) == [3, "light"]
    assert Rewording(0.0, 0).typed("shop/any", pairs, {}) == [3, "lamp"]


def test_a_run_keeps_its_wordings_and_trains_on_them(there_and_back, tmp_path):
    base = write_tiny_encoder(tmp_path / "tiny", WORDS, layers=2)
    settings = TrainSettings(
        batch_size=8,
        max_pairs=64,
        evaluations=0,
        back_translation=there_and_back,
        back_translation_probability=0.5,
    )

    train_encoder(
        [write_shop(tmp_path / "shop")],
        resolve(str(base)),
        tmp_path / "run",
        settings,
        Reporter(as_json=True),
        resume=True,
    )

    kept = json.loads((tmp_path / "run" / FILE).read_text(encoding="utf-8"))
    assert any(text.startswith("my ") for text in kept)
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize("case", ["empty", "encoder", "weights", "tokenizer", "padding"])
def test_a_model_that_does_not_translate_is_refused_before_the_run_begins(case, tmp_path):
    folder = tmp_path / case
    if case == "encoder":
        write_tiny_encoder(folder, WORDS, layers=1)
    elif case == "empty":
        folder.mkdir()
    else:
        write_translator(folder, 0)
    if case == "weights":
        (folder / "model.safetensors").write_bytes(b"none")
    if case == "tokenizer":
        for file in folder.glob("*token*"):
            file.unlink()
    if case == "padding":
        file = folder / "tokenizer_config.json"
        config = json.loads(file.read_text(encoding="utf-8"))
        del config["pad_token"]
        file.write_text(json.dumps(config), encoding="utf-8")
        (folder / "special_tokens_map.json").write_text("{}", encoding="utf-8")
    settings = TrainSettings(
        back_translation=(str(folder), str(folder)), back_translation_probability=0.5
    )

    with pytest.raises(InputError, match=f"{case}.*back_translation"):
        BackTranslation.of(settings, None)
