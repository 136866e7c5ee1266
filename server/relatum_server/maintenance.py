"""Commands over a data directory beside or without its server: backup, restore, doctor."""

from collections.abc import Iterator
from pathlib import Path

from relatum_server.errors import StoreError
from relatum_server.index.generations import Generation, inspect
from relatum_server.index.recall import UnreadableGraphError, recall
from relatum_server.store.backup import back_up
from relatum_server.store.examination import Finding, examine_store, text_vectors
from relatum_server.store.restore import restore

LEAST_RECALL = 0.95
PROJECTIONS = ("text", "behaviour", "counters")
REBUILT = "nothing: the next start builds it again from the store"


def run_backup(data_dir: Path, out: Path, *, with_key: bool) -> Iterator[str]:
    """Copy the store while its server writes; what to tell the caller.

    Raises:
        StoreError: see `back_up`.
    """
    manifest = back_up(data_dir, out, with_key=with_key)
    yield (
        f"{out}: revision {manifest.revision}, {manifest.products} products, "
        f"{manifest.events} events"
    )
    if "user.key" not in manifest.sha256:
        yield "the shopper key is not in it: keep a copy, profiles are lost without it"


def run_restore(data_dir: Path, backup: Path) -> Iterator[str]:
    """Put a backup in a data directory's place; what to tell the caller.

    Raises:
        StoreError: see `restore`.
    """
    done = restore(data_dir, backup)
    manifest = done.manifest
    yield (
        f"{data_dir}: revision {manifest.revision}, {manifest.products} products, "
        f"{manifest.events} events; indexes are built at the next start"
    )
    if done.replaced is not None:
        yield f"what was there before: {done.replaced}"


def run_doctor(data_dir: Path, key_file: Path | None) -> Iterator[Finding]:
    """What is sound and what is not, part by part, each with its remedy; changes nothing.

    Raises:
        StoreError: no data directory.
    """
    if not (data_dir / "relatum.db").exists() and not (data_dir / "relatum.acknowledged").exists():
        raise StoreError(f"{data_dir} holds no store; give the --data-dir of a server")
    sound = True
    for finding in examine_store(data_dir, key_file):
        sound = sound and finding.sound
        yield finding
    for name in PROJECTIONS:
        yield from _examine_projection(data_dir, name, with_store=sound)


def _examine_projection(data_dir: Path, name: str, *, with_store: bool) -> Iterator[Finding]:
    newest = True
    for one in inspect(data_dir / name):
        part = f"{name}/{one.manifest.stem.lstrip('0') or '0'}"
        if one.generation is None:
            yield Finding(part, False, "is not as it was written", REBUILT)
            continue
        if name == "text" and newest and with_store:
            yield _examine_graph(data_dir / "relatum.db", part, one.generation)
        else:
            yield Finding(part, True, "as it was written")
        newest = False
    for aside in sorted((data_dir / name).glob("*.json.*")):
        if not aside.name.endswith(".tmp"):
            text = f"was set aside ({aside.suffix.lstrip('.')})"
            yield Finding(f"{name}/{aside.name}", True, text, "delete it when it was looked at")


def _examine_graph(database: Path, part: str, generation: Generation) -> Finding:
    encoder_id = str(generation.facts.get("encoder_id", ""))
    keys, vectors = text_vectors(database, encoder_id, generation.revision)
    delete = f"stop the server and delete {generation.path.parent}: the next start builds it again"
    try:
        found = recall(generation.path, keys, vectors)
    except UnreadableGraphError:
        return Finding(part, False, "cannot be read", delete)
    text = f"as it was written; finds {found:.1%} of the ten nearest of {len(keys)} products"
    if found < LEAST_RECALL:
        return Finding(part, False, text, delete)
    return Finding(part, True, text)
