from pathlib import Path

import pytest
import tokenizers
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from relatum_server.artifact import EncoderSpec, TextField, TextForm, Variant

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "q", "d", "milk", "coffee", "tea"]


@pytest.fixture
def spec(tmp_path) -> EncoderSpec:
    """An encoder of two numbers over a tokenizer of nine words; its graph files do not exist."""
    tokenizer = tokenizers.Tokenizer(
        WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token=WORDS[1])
    )
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    # Exported tokenizers often carry padding and truncation of their own.
    tokenizer.enable_padding(length=32)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    cpu, cuda = "CPUExecutionProvider", "CUDAExecutionProvider"
    return EncoderSpec(
        encoder_id="0123456789abcdef",
        base_model="test",
        dimension=2,
        query_prefix="q ",
        document_prefix="d ",
        max_tokens=6,
        pad_token_id=0,
        tokenizer_path=tmp_path / "tokenizer.json",
        text_form=TextForm((TextField("title", 0),), " | "),
        variants=(
            Variant("fp32", Path("encoder.fp32.onnx"), (cpu, cuda)),
            Variant("int8", Path("encoder.int8.onnx"), (cpu,)),
            Variant("fp16", Path("encoder.fp16.onnx"), (cuda,)),
        ),
        matryoshka_dimensions=(2,),
    )
