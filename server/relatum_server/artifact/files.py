"""The files of an artifact folder and its manifest, each vouched for before it is used.

A flipped bit in an ONNX or NumPy file loads without a word: sizes and SHA-256 are checked first.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from google.protobuf import json_format

from relatum.artifact.v1 import manifest_pb2
from relatum_server.errors import ArtifactError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
_AGAIN = "export the artifact again or copy it again"


class VerifiedFiles:
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

    def refuse(self, wrong: Mapping[str, bool]) -> None:
        """Refuse the manifest for every message whose condition holds."""
        if found := [message for message, is_wrong in wrong.items() if is_wrong]:
            raise ArtifactError(
                f"{self._folder / MANIFEST}: {'; '.join(found)}; export the artifact again"
            )

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


def read_manifest(folder: Path) -> manifest_pb2.Manifest:
    """The manifest of a finished artifact of this format.

    Raises:
        ArtifactError: It is missing, unreadable, or of another format.
    """
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
