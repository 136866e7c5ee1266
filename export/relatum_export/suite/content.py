"""What identifies an input of a step: what is read of it, not when or where it was made."""

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from relatum_export.corpus.folder import file_sha256
from relatum_export.training.bases import RUN_FORMAT

ASIDE = frozenset({"tensorboard", "checkpoints", "logs", "wandb"})  # folders that no step reads
PAGES = frozenset({".html", ".log", ".md"})  # for people
# Of JSON files: times, and hashes of files that are counted themselves.
PASSING = frozenset({"createTime", "files", "seconds", "versions"})
# What of an encoder's configuration its vectors depend on beside the weights.
READ_OF_ENCODER = ("base", "query_prefix", "document_prefix", "text_form", "text_forms")


def content_key(path: Path) -> str:
    """SHA-256, lower-case hex, over what a file or folder holds.

    A corpus counts by its own manifest, a run of `train encoder` by its model and the form of text
    it reads, any other folder by all files but logs and pages for people; times do not count.

    Args:
        path: an existing file or folder.
    """
    if path.is_file():
        return _file_key(path)
    corpus, config = path / "corpus.json", path / "config.json"
    if corpus.is_file():
        return _file_key(corpus)
    found = _read(config)
    if isinstance(found, dict) and found.get("format") == RUN_FORMAT:
        read = {name: found.get(name) for name in READ_OF_ENCODER}
        return _sha256(json.dumps(read, sort_keys=True), *_files(path / "model"))
    return _sha256(*_files(path))


def _files(folder: Path) -> list[str]:
    lines = []
    for file in sorted(folder.rglob("*")):
        inner = file.relative_to(folder)
        if file.is_file() and not ASIDE & set(inner.parts) and file.suffix not in PAGES:
            lines.append(f"{inner.as_posix()} {_file_key(file)}")
    return lines


def _file_key(file: Path) -> str:
    stat = file.stat()
    return _kept(file.resolve(), stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=8192)
def _kept(file: Path, changed: int, size: int) -> str:
    """Weights are read once in a run of the suite, as long as they are the same file."""
    content = _read(file)
    if content is None:
        return file_sha256(file)
    return _sha256(json.dumps(_lasting(content), sort_keys=True))


def _read(file: Path) -> Any:
    """A JSON file's content; None of anything else."""
    if file.suffix != ".json" or not file.is_file():
        return None
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return None


def _lasting(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _lasting(value) for key, value in content.items() if key not in PASSING}
    return [_lasting(one) for one in content] if isinstance(content, list) else content


def _sha256(*lines: str) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
