"""Reads an artifact folder and vouches for it: manifest, sizes, hashes.

Nothing of the folder is used before its SHA-256 has been checked: a flipped bit in an ONNX or
NumPy file loads without a word.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from google.protobuf import json_format
from numpy.typing import NDArray
from pyarrow import parquet

from relatum.artifact.v1 import manifest_pb2
from relatum_server.errors import ArtifactError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
TEXT_FIELDS = ("title", "brand", "categories", "attributes", "description")
_AGAIN = "export the artifact again or copy it again"


@dataclass(frozen=True, slots=True)
class TextField:
    """One field of a product's text; `max_chars` 0 keeps the whole."""

    name: str
    max_chars: int


@dataclass(frozen=True, slots=True)
class TextForm:
    """Which fields enter a product's text, in order, and what stands between them."""

    fields: tuple[TextField, ...]
    separator: str


@dataclass(frozen=True, slots=True)
class Variant:
    """One exported graph: its precision, its file, the providers it is for, best first."""

    precision: str
    path: Path
    providers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """Everything that turns text into this artifact's vectors."""

    encoder_id: str
    base_model: str
    dimension: int
    query_prefix: str
    document_prefix: str
    max_tokens: int
    pad_token_id: int
    tokenizer_path: Path
    text_form: TextForm
    variants: tuple[Variant, ...]
    matryoshka_dimensions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SpaceSpec:
    """A space of precomputed item vectors; `load_space` reads it."""

    name: str
    vectors_path: Path
    ids_path: Path
    dimension: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """A verified artifact. Paths are absolute and their files have the hashes of the manifest."""

    path: Path
    name: str
    model_id: str
    encoder: EncoderSpec
    spaces: tuple[SpaceSpec, ...]
    copurchase_path: Path | None
    popularity_path: Path | None
    golden_path: Path
    golden_min_cosine: float
    languages: Mapping[str, float]


def load_artifact(path: Path) -> Artifact:
    """Verify an artifact folder and describe it.

    Raises:
        ArtifactError: Not an artifact, of an unknown format, or damaged; one line that names the
            file and the remedy.
    """
    folder = path.resolve()
    manifest = _read_manifest(folder)
    files = _Files(folder, manifest)
    encoder = _encoder(manifest, files)
    min_cosine = manifest.thresholds.golden_min_cosine
    if not 0 < min_cosine <= 1:
        raise ArtifactError(
            f"{folder / MANIFEST}: thresholds.golden_min_cosine is {min_cosine}, not in (0, 1]; "
            "export the artifact again"
        )
    return Artifact(
        path=folder,
        name=manifest.name,
        model_id=_required(manifest.model_id, "model_id", folder),
        encoder=encoder,
        spaces=tuple(
            SpaceSpec(
                name=_required(space.name, "spaces.name", folder),
                vectors_path=files.named(space.vectors_file, "spaces.vectors_file"),
                ids_path=files.named(space.ids_file, "spaces.ids_file"),
                dimension=space.dimension,
            )
            for space in manifest.spaces
        ),
        copurchase_path=files.optional(manifest.copurchase_file, "copurchase_file"),
        popularity_path=files.optional(manifest.popularity_file, "popularity_file"),
        golden_path=files.named(manifest.golden_file, "golden_file"),
        golden_min_cosine=min_cosine,
        languages={language.code: language.share for language in manifest.languages},
    )


def load_space(spec: SpaceSpec) -> tuple[list[str], NDArray[np.float16]]:
    """The item ids and their vectors, float16 [items, dimension], memory-mapped, same order.

    Raises:
        ArtifactError: Shape, type or ids disagree with each other or with the manifest.
    """
    try:
        ids = json.loads(spec.ids_path.read_bytes())
        vectors = np.load(spec.vectors_path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{spec.vectors_path}: unreadable ({error}); {_AGAIN}") from error
    if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids):
        raise ArtifactError(f"{spec.ids_path}: not a JSON list of item ids; {_AGAIN}")
    if vectors.dtype != np.float16 or vectors.shape != (len(ids), spec.dimension):
        raise ArtifactError(
            f"{spec.vectors_path}: {vectors.dtype} {list(vectors.shape)} where float16 "
            f"[{len(ids)}, {spec.dimension}] was expected; {_AGAIN}"
        )
    if len(set(ids)) != len(ids):
        raise ArtifactError(f"{spec.ids_path}: an item id occurs twice; {_AGAIN}")
    return ids, vectors


def read_table(path: Path, columns: list[str]) -> pa.Table:
    """These columns, in this order, of a Parquet file of a verified artifact.

    Raises:
        ArtifactError: Not a Parquet file, or other columns.
    """
    try:
        return parquet.read_table(path, columns=columns).select(columns)
    except (OSError, KeyError, pa.ArrowException) as error:
        cause = str(error).splitlines()[0]
        raise ArtifactError(f"{path}: needs the columns {columns} ({cause}); {_AGAIN}") from error


class _Files:
    """The files of the folder, each with the size and SHA-256 that the manifest gives."""

    def __init__(self, folder: Path, manifest: manifest_pb2.Manifest) -> None:
        self._folder = folder
        self._paths: dict[str, Path] = {}
        for file in manifest.files:
            path = self._inside(file.name)
            _verify(path, file.bytes, file.sha256)
            self._paths[file.name] = path

    def named(self, name: str, manifest_field: str) -> Path:
        """The verified path of a file that the manifest must name."""
        if name not in self._paths:
            raise ArtifactError(
                f"{self._folder / MANIFEST}: {manifest_field} names {name!r}, which `files` does "
                "not list; export the artifact again"
            )
        return self._paths[name]

    def optional(self, name: str, manifest_field: str) -> Path | None:
        """The verified path of a file that the manifest may name."""
        return self.named(name, manifest_field) if name else None

    def _inside(self, name: str) -> Path:
        path = (self._folder / name).resolve()
        if not name or name == MANIFEST or not path.is_relative_to(self._folder):
            raise ArtifactError(
                f"{self._folder / MANIFEST}: lists the file {name!r}, which lies outside the "
                "folder; do not serve this artifact, export it again"
            )
        return path


def _verify(path: Path, size: int, sha256: str) -> None:
    try:
        with path.open("rb") as file:
            actual_size = path.stat().st_size
            if actual_size != size:
                raise ArtifactError(
                    f"{path}: {actual_size} bytes where the manifest says {size}; {_AGAIN}"
                )
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise ArtifactError(f"{path}: SHA-256 differs from the manifest's; {_AGAIN}")
    except OSError as error:
        raise ArtifactError(f"{path}: {error.strerror or error}; {_AGAIN}") from error


def _read_manifest(folder: Path) -> manifest_pb2.Manifest:
    path = folder / MANIFEST
    if not folder.is_dir():
        raise ArtifactError(f"{folder}: no such folder; give one that `relatum-export` wrote")
    if not path.is_file():
        raise ArtifactError(
            f"{path}: missing, so the folder is no (finished) artifact; give one that "
            "`relatum-export export` wrote to the end"
        )
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: not readable as JSON ({error}); {_AGAIN}") from error
    version = content.get("formatVersion") if isinstance(content, dict) else None
    if version != FORMAT_VERSION:  # before the strict parse, which a newer format would not pass
        raise ArtifactError(
            f"{path}: format version {version}, and this server reads {FORMAT_VERSION}; export "
            "again with the server's version of relatum"
        )
    try:
        return json_format.ParseDict(content, manifest_pb2.Manifest())
    except json_format.ParseError as error:
        cause = str(error).splitlines()[0]  # the others list every field there is
        raise ArtifactError(f"{path}: not a manifest ({cause}); {_AGAIN}") from error


def _required(value: str, manifest_field: str, folder: Path) -> str:
    if not value:
        raise ArtifactError(
            f"{folder / MANIFEST}: {manifest_field} is missing; export the artifact again"
        )
    return value


def _encoder(manifest: manifest_pb2.Manifest, files: _Files) -> EncoderSpec:
    encoder = manifest.encoder
    unknown = [f.name for f in encoder.text_form.fields if f.name not in TEXT_FIELDS]
    wrong = {
        "encoder.encoder_id is missing": not encoder.encoder_id,
        "encoder.dimension is 0": not encoder.dimension,
        "encoder.max_tokens is 0": not encoder.max_tokens,
        "encoder.variants is empty": not encoder.variants,
        "encoder.text_form has no fields": not encoder.text_form.fields,
        f"encoder.text_form names unknown fields {unknown}": bool(unknown),
    }
    if found := [message for message, is_wrong in wrong.items() if is_wrong]:
        raise ArtifactError(f"{MANIFEST}: {'; '.join(found)}; export the artifact again")
    return EncoderSpec(
        encoder_id=encoder.encoder_id,
        base_model=encoder.base_model,
        dimension=encoder.dimension,
        query_prefix=encoder.query_prefix,
        document_prefix=encoder.document_prefix,
        max_tokens=encoder.max_tokens,
        pad_token_id=encoder.pad_token_id,
        tokenizer_path=files.named(encoder.tokenizer_file, "encoder.tokenizer_file"),
        text_form=TextForm(
            fields=tuple(TextField(f.name, f.max_chars) for f in encoder.text_form.fields),
            separator=encoder.text_form.separator,
        ),
        variants=tuple(
            Variant(v.precision, files.named(v.file, "encoder.variants.file"), tuple(v.providers))
            for v in encoder.variants
        ),
        matryoshka_dimensions=tuple(encoder.matryoshka_dimensions),
    )
