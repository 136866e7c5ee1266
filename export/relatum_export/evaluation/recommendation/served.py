"""What an artifact's ranker is made of, read back from the files that a server loads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import sparse

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.onnx_encoder import read_manifest
from relatum_export.artifact.ranker import RankerFile
from relatum_export.errors import InputError
from relatum_export.evaluation.recommendation.user_encoder import ServedUsers
from relatum_export.evaluation.systems import BehaviourSpace
from relatum_export.training.ranker.pairs import associations_of, placed_counts, transitions_of

SPACES = ("diffused", "complement_out", "complement_in")


@dataclass(frozen=True, slots=True)
class PairCounts:
    """What was counted of a shop's history, in the order of its catalogue.

    Attributes:
        purchases: of each item, float64 [items].
        transitions: decayed counts of ordered pairs, divided by nothing, CSR [items, items].
        associations: shrunk cosine of baskets, CSR [items, items].
    """

    purchases: NDArray[np.float64]
    transitions: sparse.csr_matrix
    associations: sparse.csr_matrix


@dataclass(frozen=True, slots=True)
class ServedArtifact:
    """An artifact with a ranker.

    Attributes:
        path: the folder.
        manifest: its manifest.
        ranker: its `ranker.json`.
        users: its user encoder, if it has one.
        spaces: the graph's spaces that it has, by name.
        kept: counts laid out for a catalogue, so that two systems share them.
    """

    path: Path
    manifest: manifest_pb2.Manifest
    ranker: RankerFile
    users: ServedUsers | None
    spaces: Mapping[str, BehaviourSpace]
    kept: dict[tuple[str, ...], PairCounts] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "ServedArtifact | None":
        """None where the artifact has no ranker.

        Raises:
            InputError: a file is damaged.
        """
        manifest = read_manifest(folder)
        if not manifest.HasField("ranker"):
            return None
        file = folder / manifest.ranker.file
        try:
            ranker = RankerFile.model_validate_json(file.read_bytes())
            spaces = {s.name: _space(folder, s) for s in manifest.spaces if s.name in SPACES}
        except (OSError, ValueError, ValidationError) as error:
            cause = str(error).strip().splitlines()[0]
            raise InputError(
                f"the ranker of {folder} cannot be read ({cause}); export again"
            ) from error
        space = BehaviourSpace.read(folder)
        users = None
        if manifest.HasField("user_encoder") and space is not None:
            part = manifest.user_encoder
            users = ServedUsers.read(
                folder, space, max_history=part.max_history, repeats=part.repeats
            )
        return cls(folder, manifest, ranker, users, spaces)

    def weighs(self, name: str) -> bool:
        """Whether the ranker has a source."""
        return any(source.name == name for source in self.ranker.sources)

    def counts(self, items: tuple[str, ...]) -> PairCounts:
        """What the artifact counted of these items.

        Raises:
            InputError: a table is damaged.
        """
        if items not in self.kept:
            bought = self._table(self.manifest.popularity_file, ("item_id", "count"))
            held = np.zeros(len(items)) if bought is None else placed_counts(bought, items)
            together = self._table(
                self.manifest.copurchase_file, ("item_id_a", "item_id_b", "count")
            )
            following = self._table(
                self.manifest.transitions_file, ("item_id_a", "item_id_b", "weight")
            )
            none = sparse.csr_matrix((len(items), len(items)), dtype=np.float32)
            self.kept[items] = PairCounts(
                held,
                none if following is None else transitions_of(following, items),
                none if together is None else associations_of(together, held, items),
            )
        return self.kept[items]

    def space(self, name: str, items: Sequence[str]) -> NDArray[np.float32]:
        """A space's vectors, float32 [items, d]; zeros where it has none.

        Raises:
            InputError: the artifact lacks the space.
        """
        if name not in self.spaces:
            raise InputError(
                f"{self.path}: the ranker weighs the space {name}, which is not there; export again"
            )
        found = self.spaces[name]
        row_of = {item: row for row, item in enumerate(found.item_ids)}
        rows = np.array([row_of.get(item, -1) for item in items], np.int64)
        result: NDArray[np.float32] = found.vectors[rows] * (rows >= 0)[:, None]
        return result

    def _table(self, name: str, columns: tuple[str, ...]) -> pa.Table | None:
        if not name:
            return None
        try:
            return pq.read_table(self.path / name, columns=list(columns)).select(list(columns))
        except (OSError, KeyError, pa.ArrowException) as error:
            cause = str(error).strip().splitlines()[0]
            raise InputError(f"{self.path / name} is damaged ({cause}); export again") from error


def _space(folder: Path, space: manifest_pb2.Space) -> BehaviourSpace:
    ids = json.loads((folder / space.ids_file).read_text(encoding="utf-8"))
    vectors = np.load(folder / space.vectors_file, allow_pickle=False).astype(np.float32)
    if vectors.shape != (len(ids), space.dimension):
        raise ValueError(f"{space.vectors_file} has the shape {vectors.shape}")
    return BehaviourSpace(tuple(ids), vectors)
