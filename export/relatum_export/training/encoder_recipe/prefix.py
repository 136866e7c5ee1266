"""Virtual tokens before each text: only their vectors are trained, the encoder stays as it is.

This is prompt tuning, the prefix of the input layer alone. Prefix tuning proper (Li and Liang 2021)
learns keys and values of every layer, which are weights of no layer: an exported encoder has no
place for them, and they cannot be merged. Virtual tokens become rows of the word embeddings, and
the tokenizer puts their ids before each text, so that any runtime computes what was trained,
positions included.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from peft import PromptEmbedding, PromptTuningConfig, PromptTuningInit
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer, processors
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from relatum_export.errors import InputError
from relatum_export.training.averaging import Averaged, Score
from relatum_export.training.settings import LEAST_TEXT, TrainSettings

LONE_TEXT = "a"  # what stands around it are the special tokens


class PrefixedEmbedding(nn.Module):
    """The word embeddings, frozen, and beyond their vocabulary the virtual tokens, trained."""

    def __init__(self, words: nn.Embedding, prefix: PromptEmbedding, first: int) -> None:
        super().__init__()
        self.words = words
        self.prefix = prefix
        self.first = first

    def forward(self, ids: Tensor) -> Tensor:
        """int64 [batch, tokens] to float32 [batch, tokens, d]."""
        virtual = ids >= self.first
        words = self.words(ids.masked_fill(virtual, 0))
        learned = self.prefix((ids - self.first).clamp(min=0))
        return torch.where(virtual.unsqueeze(-1), learned, words)


@dataclass(frozen=True, slots=True)
class Prefix:
    """What was put before the texts of an encoder.

    Attributes:
        module: the sentence-transformers module that holds transformer and tokenizer.
        embedding: the transformer's word embeddings until ``merge`` or ``remove``.
        tokenizer: as it was.
    """

    module: Any
    embedding: PrefixedEmbedding
    tokenizer: Any

    def merge(self) -> None:
        """Make the virtual tokens rows of the word embeddings."""
        words, learned = self.embedding.words, self.embedding.prefix.embedding.weight
        rows = torch.cat([words.weight[: self.embedding.first], learned.to(words.weight.dtype)])
        merged = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call,unused-ignore]
            rows.detach().clone(), freeze=False, padding_idx=words.padding_idx
        )
        transformer = self.module.model
        transformer.set_input_embeddings(merged)
        transformer.config.vocab_size = len(rows)

    def remove(self) -> None:
        """Leave the encoder as it was without them."""
        self.module.processor = self.tokenizer
        self.module.model.set_input_embeddings(self.embedding.words)


def attach_prefix(model: SentenceTransformer, settings: TrainSettings) -> Prefix:
    """Put virtual tokens before each text, after the leading special tokens; freeze all else.

    They begin as vectors of random words, by the seed of the settings. They count among the tokens
    that a text is cut to.

    **Source**: Lester et al. 2021, "The Power of Scale for Parameter-Efficient Prompt Tuning",
    section 2.

    Args:
        model: changed in place: tokenizer and word embeddings.
        settings: how many tokens, and the seed.

    Raises:
        InputError: the tokenizer does not fit the word embeddings, or has no place for them.
    """
    module: Any = model[0]
    transformer, old = module.model, model.tokenizer
    words = transformer.get_input_embeddings()
    least = settings.prefix_tokens + LEAST_TEXT
    if (model.max_seq_length or least) < least:
        raise InputError(
            f"the encoder reads {model.max_seq_length} tokens, {settings.prefix_tokens} virtual "
            "ones leave no room for text: give fewer prefix_tokens"
        )
    tokenizer, start = _with_virtual_tokens(old, settings.prefix_tokens)
    if start > words.num_embeddings:
        raise InputError(
            f"the tokenizer has {start:,} tokens and the encoder {words.num_embeddings:,} word "
            "embeddings: they do not belong together; give another --base"
        )
    module.processor = tokenizer
    for parameter in transformer.parameters():
        parameter.requires_grad = False
    config = PromptTuningConfig(
        task_type="FEATURE_EXTRACTION",
        num_virtual_tokens=settings.prefix_tokens,
        num_transformer_submodules=1,
        token_dim=words.embedding_dim,
        prompt_tuning_init=PromptTuningInit.SAMPLE_VOCAB,
    )
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        prefix = PromptEmbedding(config, words)  # type: ignore[no-untyped-call,unused-ignore]
    embedding = PrefixedEmbedding(words, prefix.to(words.weight.device), start)
    transformer.set_input_embeddings(embedding)
    return Prefix(module, embedding, old)


def keep_or_remove(
    prefix: Prefix,
    measure: Callable[[], Score] | None,
    *,
    known: Mapping[float, Score],
    fixed: float | None,
) -> Averaged:
    """Merge the trained prefix, or remove it where it does not beat the encoder without.

    Between the two is nothing to average: the base has no such tokens.

    Args:
        prefix: attached.
        measure: of the encoder as it stands, on valid; without it the prefix is kept.
        known: scores measured before, by share of the fine-tuned weights.
        fixed: 1.0 to keep it whatever it is worth; None to choose.
    """
    scores = {0.0: Score(0.0)}
    if measure is not None:
        scores[1.0] = known.get(1.0) or measure()
    worth = 1.0 not in scores or (scores[1.0].harmless and scores[1.0].gain > 0.0)
    if worth or fixed is not None:
        prefix.merge()
        return Averaged(1.0, scores if measure is not None else {})
    prefix.remove()
    return Averaged(0.0, scores)


def _with_virtual_tokens(old: Any, count: int) -> tuple[PreTrainedTokenizerFast, int]:
    """A tokenizer that begins each text with ``count`` new tokens, and the id of their first."""
    tokenizer = Tokenizer.from_str(old.backend_tokenizer.to_str())
    data = json.loads(tokenizer.to_str())
    start = tokenizer.get_vocab_size(with_added_tokens=True)
    names = [f"<virtual{start + at}>" for at in range(count)]  # a base may have some of its own
    _add_pieces(data, names, start)
    data["post_processor"] = _template(tokenizer, names, start)
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call,unused-ignore]
        tokenizer_object=Tokenizer.from_str(json.dumps(data, ensure_ascii=False)),
        model_max_length=old.model_max_length,
        model_input_names=old.model_input_names,
        **old.special_tokens_map,
    )
    return fast, start


def _add_pieces(data: dict[str, Any], names: list[str], start: int) -> None:
    """Into the vocabulary itself, so that whoever prunes or renumbers it finds them there."""
    model = data["model"]
    if model["type"] == "Unigram":
        if len(model["vocab"]) != start:
            raise InputError(
                "the tokenizer has tokens beyond its vocabulary; adapter prefix has no place for "
                "more: give lora or adalora"
            )
        least = min(score for _, score in model["vocab"])
        model["vocab"] += [[name, least] for name in names]
    else:
        model["vocab"] |= {name: start + at for at, name in enumerate(names)}
    marks = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    data["added_tokens"] += [
        {"id": start + at, "content": name, **marks, "special": True}
        for at, name in enumerate(names)
    ]


def _template(tokenizer: Tokenizer, names: list[str], start: int) -> dict[str, Any]:
    """What puts the virtual tokens between the leading special tokens and the text."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encoding = tokenizer.encode(LONE_TEXT)
    special = encoding.special_tokens_mask
    before = special.index(0)
    after = special[::-1].index(0)
    lead = encoding.tokens[:before]
    tail = encoding.tokens[len(special) - after :]
    ids = dict(zip(encoding.tokens, encoding.ids, strict=True))
    ids = {name: ids[name] for name in (*lead, *tail)}
    ids |= {name: start + at for at, name in enumerate(names)}
    single = [*lead, *names, "$A", *tail]
    template = processors.TemplateProcessing(
        single=single,
        pair=[*single, "$B:1", *(f"{name}:1" for name in tail)],
        special_tokens=list(ids.items()),
    )
    bare = Tokenizer.from_str(tokenizer.to_str())
    bare.post_processor = template
    processor: dict[str, Any] = json.loads(bare.to_str())["post_processor"]
    return processor
