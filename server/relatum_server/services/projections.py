"""Opens the projections of a data directory, brings them up to the store, and saves them."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from relatum_server.artifact import Artifact, load_space, read_words
from relatum_server.index.attributes import AttributeTable
from relatum_server.index.lexical import Fts5Index
from relatum_server.index.snapshot import CountersFolder, SnapshotFolder
from relatum_server.index.usearch import UsearchIndex
from relatum_server.services.behaviour import BehaviourPart
from relatum_server.services.copurchase import PairPart, read_copurchase, read_transitions
from relatum_server.services.filtering import Filtering
from relatum_server.services.history import PurchaseHistory, read_popularity
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.ranker import optional_counts
from relatum_server.services.static_space import StaticSpace
from relatum_server.services.traffic import Traffic
from relatum_server.store.base import Store

BEHAVIOUR = "behaviour"
STATIC = ("complement_in", "complement_out", "diffused")


@dataclass(slots=True)
class _Kept:
    """What writes one projection to disk, and up to which revision it was saved."""

    write: Callable[[int], None]
    saved: int

    def save(self, revision: int) -> None:
        if revision > self.saved:
            self.write(revision)
            self.saved = revision


class Projections:
    """The live catalogue of a data directory, with its projections kept on disk between starts."""

    def __init__(self, live: LiveCatalogue, kept: Sequence[_Kept], lexical: Fts5Index) -> None:
        """Use `open`."""
        self.live = live
        self._kept, self._lexical = kept, lexical
        self._closed = False

    @classmethod
    def open(cls, artifact: Artifact, folder: Path, store: Store) -> "Projections":
        """Open what is kept, replay what it lacks, and save what was replayed."""
        encoder = artifact.encoder
        latest = store.revision()
        texts = SnapshotFolder(folder / "text", encoder.encoder_id, encoder.dimension)
        text, text_revision = texts.open(at_most=latest)
        kept = [_Kept(partial(texts.save, text), text_revision)]
        behaviour = BehaviourPart()
        for space in artifact.spaces:
            if space.name == BEHAVIOUR:
                # Vectors of this artifact alone: a new one is fitted anew.
                graphs = SnapshotFolder(folder / BEHAVIOUR, artifact.model_id, space.dimension)
                graph, revision = graphs.open(at_most=latest)
                kept.append(_Kept(partial(graphs.save, graph), revision))
                behaviour = BehaviourPart(graph, *load_space(space))
        traffic, counters, traffic_revision = _open_traffic(artifact, folder, latest)
        kept.append(_Kept(counters, traffic_revision))
        words = artifact.words if artifact.words and artifact.words.similar else None
        lexical, lexical_revision = Fts5Index.open(
            folder / "lexical.db",
            at_most=latest,
            weights=None if words is None else read_words(words.path, "products"),
        )
        live = LiveCatalogue(
            store,
            encoder.encoder_id,
            text=text,
            lexical=lexical,
            filtering=Filtering(AttributeTable()),
            behaviour=behaviour,
            traffic=traffic,
            spaces={
                space.name: StaticSpace(*load_space(space))
                for space in artifact.spaces
                if space.name in STATIC
            },
        )
        with _without_collection():
            live.replay(
                text_revision=text_revision,
                lexical_revision=lexical_revision,
                traffic_revision=traffic_revision,
            )
        if isinstance(behaviour.index, UsearchIndex):  # deleted since the snapshot
            keys = behaviour.index.keys()
            behaviour.index.remove(keys[~live.keys.present(keys)])
        projections = cls(live, kept, lexical)
        projections.save()
        return projections

    def save(self) -> None:
        """Write what is kept, and note how far the lexical index goes. Harmless again."""
        with self.live.paused() as revision:
            for kept in self._kept:
                kept.save(revision)
            self._lexical.set_revision(revision)

    def close(self) -> None:
        """Save and release. Safe twice."""
        if not self._closed:
            self._closed = True
            self.save()
        self.live.close()


@contextmanager
def _without_collection() -> Iterator[None]:
    """Load without the cyclic collector, which would look at what stays again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _open_traffic(
    artifact: Artifact, folder: Path, latest: int
) -> tuple[Traffic, Callable[[int], None], int]:
    """The counters beside the artifact's history, what saves them, and their revision."""
    history = PurchaseHistory()
    if artifact.popularity_path:
        history = read_popularity(artifact.popularity_path)
    pairs = read_copurchase(artifact.copurchase_path) if artifact.copurchase_path else None
    follows = read_transitions(artifact.transitions_path) if artifact.transitions_path else None
    saved = CountersFolder(folder / "counters", artifact.model_id, optional_counts(artifact.ranker))
    counters, revision = saved.open(history.covered_until_us(), at_most=latest)
    traffic = Traffic(
        counters, pairs=PairPart(pairs), transitions=PairPart(follows), history=history
    )
    return traffic, partial(saved.save, counters), revision
