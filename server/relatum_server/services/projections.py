"""Opens the projections of a data directory, brings them up to the store, and saves them."""

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(slots=True)
class _Snapshot:
    """Where a graph is kept, and up to which revision it was saved."""

    folder: SnapshotFolder
    index: UsearchIndex
    saved: int

    @classmethod
    def open(cls, folder: SnapshotFolder, at_most: int) -> "_Snapshot":
        return cls(folder, *folder.open(at_most=at_most))

    def save(self, revision: int) -> None:
        if revision > self.saved:
            self.folder.save(self.index, revision)
            self.saved = revision


class Projections:
    """The live catalogue of a data directory, with its graphs kept on disk between starts."""

    def __init__(
        self,
        live: LiveCatalogue,
        snapshots: Sequence[_Snapshot],
        lexical: Fts5Index,
    ) -> None:
        """Use `open`."""
        self.live = live
        self._snapshots, self._lexical = snapshots, lexical
        self._closed = False

    @classmethod
    def open(cls, artifact: Artifact, folder: Path, store: Store) -> "Projections":
        """Open what is kept, replay what it lacks, and save the graphs if much was replayed."""
        encoder = artifact.encoder
        latest = store.revision()
        text = _Snapshot.open(
            SnapshotFolder(folder / "text", encoder.encoder_id, encoder.dimension), latest
        )
        snapshots = [text]
        behaviour = BehaviourPart()
        for space in artifact.spaces:
            if space.name == BEHAVIOUR:
                # Vectors of this artifact alone: a new one is fitted anew.
                kept = _Snapshot.open(
                    SnapshotFolder(folder / BEHAVIOUR, artifact.model_id, space.dimension), latest
                )
                snapshots.append(kept)
                behaviour = BehaviourPart(kept.index, *load_space(space))
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
            text=text.index,
            lexical=lexical,
            filtering=Filtering(AttributeTable()),
            behaviour=behaviour,
            traffic=traffic,
        )
        live.replay(text_revision=text.saved, lexical_revision=lexical_revision)
        for kept in snapshots[1:]:  # deleted since the snapshot
            keys = kept.index.keys()
            kept.index.remove(keys[~live.keys.present(keys)])
        projections = cls(live, snapshots, lexical)
        projections.save()
        return projections

    def save(self) -> None:
        """Write the graphs and note how far the lexical index goes. Harmless again."""
        with self.live.paused() as revision:
            for kept in self._snapshots:
                kept.save(revision)
            self._lexical.set_revision(revision)

    def close(self) -> None:
        """Save and release. Safe twice."""
        if not self._closed:
            self._closed = True
            self.save()
        self.live.close()
