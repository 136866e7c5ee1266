"""Opens the projections of a data directory, brings them up to the store, and saves them."""

from pathlib import Path

from relatum_server.artifact import Artifact, load_space
from relatum_server.index.attributes import AttributeTable
from relatum_server.index.counters import CoPurchaseCounter, PopularityCounter, QueryLog
from relatum_server.index.lexical import Fts5Index
from relatum_server.index.snapshot import SnapshotFolder
from relatum_server.index.usearch import UsearchIndex
from relatum_server.services.behaviour import BehaviourPart
from relatum_server.services.copurchase import CoPurchasePart, read_copurchase, read_popularity
from relatum_server.services.filtering import Filtering
from relatum_server.services.live import LiveCatalogue
from relatum_server.services.traffic import Traffic
from relatum_server.store.base import Store

BEHAVIOUR = "behaviour"


class Projections:
    """The live catalogue of a data directory, with its text graph kept on disk between starts."""

    def __init__(
        self,
        live: LiveCatalogue,
        snapshots: SnapshotFolder,
        text: UsearchIndex,
        lexical: Fts5Index,
        saved: int,
    ) -> None:
        """Use `open`; `saved` is the revision of the newest snapshot."""
        self.live = live
        self._snapshots, self._text, self._lexical = snapshots, text, lexical
        self._saved = saved
        self._closed = False

    @classmethod
    def open(cls, artifact: Artifact, folder: Path, store: Store) -> "Projections":
        """Open what is kept, replay what it lacks, and save the graph if much was replayed."""
        encoder = artifact.encoder
        snapshots = SnapshotFolder(folder / "text", encoder.encoder_id, encoder.dimension)
        latest = store.revision()
        text, text_revision = snapshots.open(at_most=latest)
        lexical, lexical_revision = Fts5Index.open(folder / "lexical.db", at_most=latest)
        traffic = Traffic(
            PopularityCounter(),
            CoPurchaseCounter(),
            QueryLog(),
            pairs=CoPurchasePart(
                read_copurchase(artifact.copurchase_path) if artifact.copurchase_path else None
            ),
            history=read_popularity(artifact.popularity_path) if artifact.popularity_path else {},
        )
        live = LiveCatalogue(
            store,
            encoder.encoder_id,
            text=text,
            lexical=lexical,
            filtering=Filtering(AttributeTable()),
            behaviour=_behaviour(artifact),
            traffic=traffic,
        )
        live.replay(text_revision=text_revision, lexical_revision=lexical_revision)
        projections = cls(live, snapshots, text, lexical, text_revision)
        projections.save()
        return projections

    def save(self) -> None:
        """Write the text graph and note how far the lexical index goes. Harmless again."""
        with self.live.paused() as revision:
            if revision > self._saved:
                self._snapshots.save(self._text, revision)
                self._saved = revision
            self._lexical.set_revision(revision)

    def close(self) -> None:
        """Save and release. Safe twice."""
        if not self._closed:
            self._closed = True
            self.save()
        self.live.close()


def _behaviour(artifact: Artifact) -> BehaviourPart:
    for space in artifact.spaces:
        if space.name == BEHAVIOUR:
            ids, vectors = load_space(space)
            return BehaviourPart(UsearchIndex(space.dimension), ids, vectors)
    return BehaviourPart()
