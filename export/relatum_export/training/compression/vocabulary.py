"""Dropping the pieces of a vocabulary that no text of a shop's scripts can use.

Texts of the corpora keep their tokens and so their vectors, exactly: every piece that one of them
uses stays, and neither greedy longest match (WordPiece) nor the best path (Unigram) of a text
changes when pieces that it does not use go.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from torch import nn
from transformers import PreTrainedTokenizerFast

from relatum_export.training.encoder import bare_tokenizer

_UNUSED = re.compile(r"\[unused\d+\]")
_MARKS = re.compile("^(##|\u2581)")
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning left.

    Attributes:
        before: pieces there were.
        after: pieces kept.
        scripts: those whose pieces stay whole, as in Unicode names: LATIN, CJK, HIRAGANA, ...
        reason: why nothing was pruned; "" where it was.
    """

    before: int
    after: int
    scripts: tuple[str, ...]
    reason: str = ""


def prune(model: SentenceTransformer, texts: Sequence[str], *, min_share: float) -> Pruned:
    """Prune the model in place.

    Args:
        model: its tokenizer and word embeddings are replaced.
        texts: everything that must keep its tokens, prefixes included.
        min_share: of the letters, from which a script's pieces stay whole.

    Returns:
        What was done; a tokenizer of another kind than WordPiece and Unigram is left alone.
    """
    tokenizer = model.tokenizer
    data = json.loads(bare_tokenizer(tokenizer.backend_tokenizer).to_str())
    kind = data["model"]["type"]
    if kind not in ("WordPiece", "Unigram"):
        size = int(tokenizer.vocab_size)
        return Pruned(size, size, (), f"its {kind} vocabulary is a chain of merges")
    pieces = _pieces(data["model"])
    scripts = _scripts(texts, min_share)
    used = _used(tokenizer.backend_tokenizer, texts)
    special = {token["id"] for token in data["added_tokens"]}
    keep = [
        at
        for at, piece in enumerate(pieces)
        if at in special or at in used or _readable(piece, scripts)
    ]
    place = {old: new for new, old in enumerate(keep)}
    pad = int(tokenizer.pad_token_id or 0)
    if place[pad] != pad:
        return Pruned(len(pieces), len(pieces), (), "its padding is not among the first pieces")
    _rewrite(data, keep, place)
    _replace(model, data, keep)
    return Pruned(len(pieces), len(keep), tuple(sorted(scripts)))


@lru_cache(maxsize=200_000)
def script(character: str) -> str:
    """The script of a letter as Unicode names it; "" for anything but letters."""
    if not character.isalpha():
        return ""
    return unicodedata.name(character, "UNKNOWN").partition(" ")[0]


def _scripts(texts: Iterable[str], min_share: float) -> set[str]:
    """Scripts with enough of the letters; Latin always, for units, brands and codes."""
    characters: Counter[str] = Counter()
    for text in texts:
        characters.update(text)
    found: Counter[str] = Counter()
    for character, count in characters.items():
        if of := script(character):
            found[of] += count
    letters = max(1, sum(found.values()))
    return {name for name, count in found.items() if count >= min_share * letters} | {"LATIN"}


def _used(tokenizer: Tokenizer, texts: Sequence[str]) -> set[int]:
    bare = bare_tokenizer(tokenizer)
    used: set[int] = set()
    for start in range(0, len(texts), _BATCH):
        for encoding in bare.encode_batch(list(texts[start : start + _BATCH])):
            used.update(encoding.ids)
    return used


def _readable(piece: str, scripts: set[str]) -> bool:
    bare = _MARKS.sub("", piece)
    if _UNUSED.fullmatch(bare):
        return False
    return all(script(character) in scripts | {""} for character in bare)


def _pieces(model: dict[str, Any]) -> list[str]:
    if model["type"] == "Unigram":
        return [piece for piece, _ in model["vocab"]]
    return sorted(model["vocab"], key=model["vocab"].__getitem__)


def _rewrite(data: dict[str, Any], keep: Sequence[int], place: dict[int, int]) -> None:
    """The tokenizer's JSON with pieces renumbered."""
    model = data["model"]
    if model["type"] == "Unigram":
        model["vocab"] = [model["vocab"][at] for at in keep]
        if model.get("unk_id") is not None:
            model["unk_id"] = place[model["unk_id"]]
    else:
        pieces = _pieces(model)
        model["vocab"] = {pieces[at]: new for new, at in enumerate(keep)}
    for token in data["added_tokens"]:
        token["id"] = place[token["id"]]
    _renumber(data.get("post_processor"), place)


def _renumber(processor: Any, place: dict[int, int]) -> None:
    """Ids of special tokens in the post-processor, whichever kind it is."""
    if not isinstance(processor, dict):
        return
    for inner in processor.get("processors", ()):
        _renumber(inner, place)
    for token in processor.get("special_tokens", {}).values():
        token["ids"] = [place[at] for at in token["ids"]]
    for role in ("sep", "cls"):
        if isinstance(processor.get(role), list):
            processor[role][1] = place[processor[role][1]]


def _replace(model: SentenceTransformer, data: dict[str, Any], keep: Sequence[int]) -> None:
    old = model.tokenizer
    first: Any = model[0]
    first.processor = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call,unused-ignore]
        tokenizer_object=Tokenizer.from_str(json.dumps(data, ensure_ascii=False)),
        model_max_length=old.model_max_length,
        model_input_names=old.model_input_names,
        **old.special_tokens_map,
    )
    transformer = first.model
    words = transformer.get_input_embeddings()
    kept = nn.Embedding(len(keep), words.embedding_dim, padding_idx=words.padding_idx)
    with torch.no_grad():
        kept.weight.copy_(words.weight[torch.tensor(keep)])
    kept.to(words.weight.device, words.weight.dtype)
    transformer.set_input_embeddings(kept)
    transformer.config.vocab_size = len(keep)
