"""Manifest, sizes and hashes of an artifact folder."""

import pytest

from relatum_server.artifact import load_artifact


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


def test_a_folder_that_is_not_there_is_refused(tmp_path, refusal):
    assert "no such folder" in refusal(tmp_path / "nowhere")


def test_a_folder_without_a_manifest_is_no_finished_artifact(folder, refusal):
    assert "manifest.json: missing" in refusal(folder.path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[]", b'{"formatVersion": 1, "x": 1}']
)
def test_a_manifest_that_cannot_be_read_is_refused(folder, content, refusal):
    folder.seal()
    folder.write("manifest.json", content)

    assert "manifest.json: " in refusal(folder.path)


def test_a_format_of_the_future_is_refused_with_both_versions(folder, refusal):
    folder.manifest["formatVersion"] = 2
    folder.manifest["somethingNew"] = True

    assert "format version 2, and this server reads 1" in refusal(folder.seal())


@pytest.mark.parametrize(
    "name", ["encoder.int8.onnx", "tokenizer.json", "golden.jsonl", "spaces/behaviour.npy"]
)
@pytest.mark.parametrize("damage", ["flip", "truncate", "extend", "remove"])
def test_a_damaged_file_is_refused_by_name(folder, name, damage, refusal):
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
def test_a_file_outside_the_folder_is_refused(folder, name, refusal):
    folder.seal()
    (folder.path.parent / "secret").write_bytes(b"")
    folder.manifest["files"].append({"name": name, "sha256": "0" * 64, "bytes": "0"})
    folder.write_manifest()

    assert "lies outside the folder" in refusal(folder.path)


def test_a_link_that_leads_out_of_the_folder_is_refused(folder, refusal):
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
def test_a_manifest_that_lacks_or_contradicts_something_is_refused(
    folder, part, change, expected, refusal
):
    folder.manifest[part] |= change

    assert expected in refusal(folder.seal())
