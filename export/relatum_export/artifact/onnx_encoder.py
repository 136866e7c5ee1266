"""An exported encoder, run by ONNX Runtime on the CPU: what the server will compute."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from google.protobuf import json_format
from numpy.typing import NDArray
from tokenizers import Tokenizer

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.cpu_session import cpu_session
from relatum_export.corpus.text import TextField, TextForm
from relatum_export.errors import InputError
from relatum_export.training.batching import Kind, Progress, TextInput, encode_texts


class OnnxEncoder:
    """One variant of an artifact's encoder; has the interface of ``TextEncoder``.

    Args:
        graph: the ONNX file.
        text_input: how text becomes tokens.
        text_form: how products become text.
        threads: threads of the session.
    """

    def __init__(
        self, graph: Path, text_input: TextInput, text_form: TextForm | None, *, threads: int = 1
    ) -> None:
        self._session = cpu_session(graph, threads)
        self.text_input = text_input
        self._text_form = text_form
        self.threads = threads
        self._dimension = int(self._session.get_outputs()[0].shape[-1])

    @classmethod
    def open(cls, artifact: Path, precision: str, *, threads: int = 1) -> Self:
        """Open one variant (`fp32`, `int8` or `fp16`) of an artifact folder.

        Raises:
            InputError: no artifact, or it has no such variant.
        """
        encoder = read_manifest(artifact).encoder
        files = {variant.precision: variant.file for variant in encoder.variants}
        if precision not in files:
            raise InputError(
                f"artifact {artifact} has no {precision} variant, only {', '.join(sorted(files))}"
            )
        text_input = TextInput(
            Tokenizer.from_file(str(artifact / encoder.tokenizer_file)),
            encoder.query_prefix,
            encoder.document_prefix,
            encoder.max_tokens,
            encoder.pad_token_id,
        )
        form = TextForm(
            encoder.text_form.name,
            tuple(TextField(field.name, field.max_chars) for field in encoder.text_form.fields),
            encoder.text_form.separator,
        )
        return cls(artifact / files[precision], text_input, form, threads=threads)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    @property
    def text_form(self) -> TextForm | None:
        """How products become text, as the manifest states."""
        return self._text_form

    def encode(
        self, texts: Sequence[str], *, kind: Kind, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Encode texts; float32 [len(texts), dimension], rows of length 1, in their order."""
        return encode_texts(
            self.text_input,
            self.forward,
            texts,
            kind,
            dimension=self.dimension,
            progress=progress,
        )

    def forward(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """One batch through the graph: int64 [b, t] twice to float32 [b, dimension]."""
        inputs = {"input_ids": ids, "attention_mask": mask}
        (vectors,) = self._session.run(["embedding"], inputs)
        return np.asarray(vectors, dtype=np.float32)


def read_manifest(artifact: Path) -> manifest_pb2.Manifest:
    """Read `manifest.json`.

    Raises:
        InputError: the folder is not an artifact, or its manifest is damaged.
    """
    file = artifact / "manifest.json"
    if not file.is_file():
        raise InputError(
            f"{artifact} is not an artifact: it has no manifest.json; make one with "
            f"`relatum-export export --corpus CORPUS --encoder minilm --out {artifact}`"
        )
    try:
        manifest = json_format.Parse(file.read_text(encoding="utf-8"), manifest_pb2.Manifest())
    except (json.JSONDecodeError, json_format.ParseError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is damaged ({error}); export again") from error
    return manifest
