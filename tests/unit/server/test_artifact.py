import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from relatum_server.artifact import (
    load_artifact,
    load_space,
    read_table,
)
from relatum_server.errors import ArtifactError

DIMENSION = 4


class Folder:
    """A small artifact folder whose parts a test may spoil before the manifest is written."""

    def __init__(self, path: Path):
        self.path = path
        self.manifest = {
            "formatVersion": 1,
            "name": "shop",
            "modelId": "00112233aabbccdd",
            "encoder": {
                "encoderId": "ffeeddcc00112233",
                "baseModel": "minilm",
                "dimension": DIMENSION,
                "pooling": "POOLING_MEAN",
                "queryPrefix": "query: ",
                "maxTokens": 256,
                "tokenizerFile": "tokenizer.json",
                "padTokenId": 1,
                "textForm": {
                    "name": "title",
                    "fields": [{"name": "title"}, {"name": "description", "maxChars": 300}],
                    "separator": " | ",
                },
                "variants": [
                    {
                        "precision": "int8",
                        "file": "encoder.int8.onnx",
                        "providers": ["CPUExecutionProvider"],
                    }
                ],
                "matryoshkaDimensions": [4, 2],
            },
            "spaces": [
                {
                    "name": "behaviour",
                    "vectorsFile": "spaces/behaviour.npy",
                    "idsFile": "spaces/behaviour.ids.json",
                    "dimension": 2,
                }
            ],
            "copurchaseFile": "copurchase.parquet",
            "goldenFile": "golden.jsonl",
            "thresholds": {"goldenMinCosine": 0.99},
            "languages": [{"code": "en", "share": 0.75}],
        }
        self.write("encoder.int8.onnx", b"graph")
        self.write("tokenizer.json", b"{}")
        self.write("copurchase.parquet", b"table")
        self.write("golden.jsonl", b'{"text": "milk"}')
        self.write("spaces/behaviour.ids.json", b'["a", "b", "c"]')
        self.write_vectors(np.ones((3, 2), dtype=np.float16))

    def write(self, name: str, content: bytes) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_bytes(content)

    def write_vectors(self, vectors) -> None:
        np.save(self.path / "spaces/behaviour.npy", vectors)

    def seal(self) -> Path:
        self.manifest["files"] = [
            {
                "name": file.relative_to(self.path).as_posix(),
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                "bytes": str(file.stat().st_size),
            }
            for file in sorted(self.path.rglob("*"))
            if file.is_file() and file.name != "manifest.json"
        ]
        self.write_manifest()
        return self.path

    def write_manifest(self) -> None:
        self.write("manifest.json", json.dumps(self.manifest).encode())


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path / "artifact")


def refusal(path: Path) -> str:
    with pytest.raises(ArtifactError) as error:
        load_artifact(path)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_a_sound_folder_is_described_in_plain_values(folder):
    artifact = load_artifact(folder.seal())

    assert (artifact.name, artifact.model_id) == ("shop", "00112233aabbccdd")
    assert artifact.encoder.query_prefix == "query: "
    assert artifact.encoder.document_prefix == ""
    assert [(f.name, f.max_chars) for f in artifact.encoder.text_form.fields] == [
        ("title", 0),
        ("description", 300),
    ]
    assert artifact.encoder.variants[0].path.read_bytes() == b"graph"
    assert artifact.copurchase_path is not None
    assert artifact.popularity_path is None
    assert artifact.golden_min_cosine == 0.99
    assert artifact.languages == {"en": 0.75}
    assert artifact.golden_path.name == "golden.jsonl"


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    assert "no such folder" in refusal(tmp_path / "nowhere")


def test_a_folder_without_a_manifest_is_no_finished_artifact(folder):
    assert "manifest.json: missing" in refusal(folder.path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[]", b'{"formatVersion": 1, "x": 1}']
)
def test_a_manifest_that_cannot_be_read_is_refused(folder, content):
    folder.seal()
    folder.write("manifest.json", content)

    assert "manifest.json: " in refusal(folder.path)


def test_a_format_of_the_future_is_refused_with_both_versions(folder):
    folder.manifest["formatVersion"] = 2
    folder.manifest["somethingNew"] = True

    assert "format version 2, and this server reads 1" in refusal(folder.seal())


@pytest.mark.parametrize(
    "name", ["encoder.int8.onnx", "tokenizer.json", "golden.jsonl", "spaces/behaviour.npy"]
)
@pytest.mark.parametrize("damage", ["flip", "truncate", "extend", "remove"])
def test_a_damaged_file_is_refused_by_name(folder, name, damage):
    file = folder.seal() / name
    content = bytearray(file.read_bytes())
    match damage:
        case "flip":
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        case "truncate":
            file.write_bytes(content[:-1])
        case "extend":
            file.write_bytes(content + b"\0")
        case "remove":
            file.unlink()

    message = refusal(folder.path)

    assert str(file) in message
    assert "export the artifact again" in message


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "spaces/../../secret", ""])
def test_a_file_outside_the_folder_is_refused(folder, name):
    folder.seal()
    (folder.path.parent / "secret").write_bytes(b"")
    folder.manifest["files"].append({"name": name, "sha256": "0" * 64, "bytes": "0"})
    folder.write_manifest()

    assert "lies outside the folder" in refusal(folder.path)


def test_a_link_that_leads_out_of_the_folder_is_refused(folder):
    outside = folder.path.parent / "secret"
    outside.write_bytes(b"x")
    (folder.path / "link").symlink_to(outside)

    assert "lies outside the folder" in refusal(folder.seal())


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("encoder", {"dimension": 0}, "encoder.dimension is 0"),
        ("encoder", {"encoderId": ""}, "encoder.encoder_id is missing"),
        ("encoder", {"maxTokens": 0}, "encoder.max_tokens is 0"),
        ("encoder", {"variants": []}, "encoder.variants is empty"),
        ("encoder", {"textForm": {}}, "text_form has no fields"),
        ("encoder", {"textForm": {"fields": [{"name": "colour"}]}}, "unknown fields ['colour']"),
        ("encoder", {"tokenizerFile": "other.json"}, "encoder.tokenizer_file names 'other.json'"),
        ("thresholds", {"goldenMinCosine": 0}, "golden_min_cosine"),
    ],
)
def test_a_manifest_that_lacks_or_contradicts_something_is_refused(folder, part, change, expected):
    folder.manifest[part] |= change

    assert expected in refusal(folder.seal())


def test_a_space_gives_its_ids_and_half_precision_vectors_in_order(folder):
    (space,) = load_artifact(folder.seal()).spaces

    ids, vectors = load_space(space)

    assert ids == ["a", "b", "c"]
    assert vectors.dtype == np.dtype("float16")
    assert vectors.shape == (3, 2)


@pytest.mark.parametrize(
    "vectors",
    [
        np.ones((3, 3), dtype=np.float16),
        np.ones((2, 2), dtype=np.float16),
        np.ones((3, 2), dtype=np.float32),
        np.array([[None]]),
    ],
    ids=["dimension", "rows", "type", "objects"],
)
def test_a_space_of_another_shape_or_type_is_refused(folder, vectors):
    folder.write_vectors(vectors)
    (space,) = load_artifact(folder.seal()).spaces

    with pytest.raises(ArtifactError, match=r"behaviour\.npy"):
        load_space(space)


@pytest.mark.parametrize("ids", [b'["a", "a", "b"]', b"{}", b"[1, 2, 3]", b"?"])
def test_a_space_with_unusable_ids_is_refused(folder, ids):
    folder.write("spaces/behaviour.ids.json", ids)
    (space,) = load_artifact(folder.seal()).spaces

    with pytest.raises(ArtifactError):
        load_space(space)


def test_a_table_is_read_in_the_order_of_the_columns_asked_for(tmp_path):
    file = tmp_path / "popularity.parquet"
    parquet.write_table(pa.table({"count": [3, 1], "more": [0, 0], "item_id": ["a", "b"]}), file)

    table = read_table(file, ["item_id", "count"])

    assert table.to_pydict() == {"item_id": ["a", "b"], "count": [3, 1]}


def test_a_table_without_its_columns_is_refused(tmp_path):
    file = tmp_path / "popularity.parquet"
    parquet.write_table(pa.table({"item_id": ["a"]}), file)

    with pytest.raises(ArtifactError, match=r"popularity\.parquet: needs the columns"):
        read_table(file, ["item_id", "count"])


def test_a_file_that_is_no_table_is_refused(tmp_path):
    file = tmp_path / "copurchase.parquet"
    file.write_bytes(b"PAR1 no")

    with pytest.raises(ArtifactError, match=r"copurchase\.parquet: needs the columns"):
        read_table(file, ["item_id_a"])
