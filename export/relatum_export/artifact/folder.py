"""An artifact's folder: it appears whole or not at all, its manifest written last."""

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from google.protobuf import json_format

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact import identity
from relatum_export.corpus.folder import file_sha256
from relatum_export.errors import InputError

MANIFEST = "manifest.json"
METRICS = "metrics.json"
REPORT = "report.html"
_NO_ANSWER = (METRICS, REPORT, "golden")  # beginnings of files that no answer depends on


def check_target(out: Path, *, force: bool) -> None:
    """Refuse a target that would be lost by writing to it.

    An artifact may be replaced by a new one; anything else only with ``force``.

    Raises:
        InputError: ``out`` is a file, or a folder with something other than an artifact in it.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(f"{out} is a file; give --out a folder that does not exist yet")
    if any(out.iterdir()) and not (out / MANIFEST).is_file() and not force:
        raise InputError(
            f"{out} is not empty and is not an artifact; give another --out, or --force to replace"
        )


@contextmanager
def appearing(out: Path, *, force: bool) -> Iterator[Path]:
    """Yield a hidden sibling folder; on success make it durable and rename it to ``out``.

    On an error the sibling is removed and ``out`` stays as it was.

    Raises:
        InputError: see ``check_target``.
    """
    check_target(out, force=force)
    out.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield building
        building.chmod(0o755)
        for path in sorted(building.rglob("*")):
            _fsync(path)
        _fsync(building)
        if out.exists():
            replaced = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
            out.rename(replaced / out.name)  # two renames: a full folder cannot be renamed over
            building.rename(out)
            shutil.rmtree(replaced)
        else:
            building.rename(out)
        _fsync(out.parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_manifest(manifest: manifest_pb2.Manifest, folder: Path) -> None:
    """Name every file with its hash, the model by what answers depend on, and write it, last."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        manifest.files.append(
            manifest_pb2.File(
                name=path.relative_to(folder).as_posix(),
                sha256=file_sha256(path),
                bytes=path.stat().st_size,
            )
        )
    answering = {
        file.name: file.sha256 for file in manifest.files if not file.name.startswith(_NO_ANSWER)
    }
    answering["manifest.json words"] = json_format.MessageToJson(manifest.words)
    answering["manifest.json reranker"] = json_format.MessageToJson(manifest.reranker)
    manifest.model_id = identity.model_id(manifest.encoder.encoder_id, answering)
    manifest.create_time.FromDatetime(dt.datetime.now(tz=dt.UTC))
    (folder / MANIFEST).write_text(
        json_format.MessageToJson(manifest, ensure_ascii=False, indent=2) + "\n",
        encoding="utf-8",
    )
