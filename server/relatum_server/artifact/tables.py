"""Reading the vectors and tables of a verified artifact."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from relatum_server.artifact.spec import RidgeSpec, SpaceSpec
from relatum_server.errors import ArtifactError

_AGAIN = "export the artifact again or copy it again"


@dataclass(frozen=True, slots=True)
class WordWeights:
    """Weights of words by word, and `rare` of any other."""

    weights: Mapping[str, float]
    rare: float


def load_space(spec: SpaceSpec) -> tuple[list[str], NDArray[np.float16]]:
    """The item ids and their vectors, float16 [items, dimension], memory-mapped, same order.

    Raises:
        ArtifactError: Shape, type or ids disagree with each other or with the manifest.
    """
    try:
        ids = json.loads(spec.ids_path.read_bytes())
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{spec.ids_path}: unreadable ({error}); {_AGAIN}") from error
    if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids):
        raise ArtifactError(f"{spec.ids_path}: not a JSON list of item ids; {_AGAIN}")
    vectors: NDArray[np.float16] = _array(
        spec.vectors_path, np.dtype(np.float16), (len(ids), spec.dimension)
    )
    if len(set(ids)) != len(ids):
        raise ArtifactError(f"{spec.ids_path}: an item id occurs twice; {_AGAIN}")
    return ids, vectors


def load_ridge(spec: RidgeSpec) -> NDArray[np.float32]:
    """The map, float32 [input_dimension + 1, dimension], memory-mapped.

    A document vector times all rows but the last, plus the last row, is its place in the space.

    Raises:
        ArtifactError: Another shape or type, or a value that is no number.
    """
    shape = (spec.input_dimension + 1, spec.dimension)
    weights: NDArray[np.float32] = _array(spec.path, np.dtype(np.float32), shape)
    if not np.isfinite(weights).all():
        raise ArtifactError(f"{spec.path}: a value is no number; {_AGAIN}")
    return weights


def read_table(path: Path, columns: list[str]) -> pa.Table:
    """These columns, in this order, of a Parquet file of a verified artifact.

    Raises:
        ArtifactError: Not a Parquet file, or other columns.
    """
    try:
        return parquet.read_table(path, columns=columns).select(columns)
    except (OSError, KeyError, pa.ArrowException) as error:
        cause = str(error).splitlines()[0]
        raise ArtifactError(f"{path}: needs the columns {columns} ({cause}); {_AGAIN}") from error


def read_words(path: Path, collection: str = "words") -> WordWeights:
    """The word weights of a pair head's features, or of a collection of texts.

    Raises:
        ArtifactError: Something else, or a weight that is no finite number.
    """
    try:
        content = json.loads(path.read_bytes())[collection]
        words = WordWeights(
            {str(word): float(weight) for word, weight in content["weights"].items()},
            float(content["rare"]),
        )
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path}: not word weights ({error!r}); {_AGAIN}") from error
    if not all(map(math.isfinite, (words.rare, *words.weights.values()))):
        raise ArtifactError(f"{path}: a word's weight is no number; {_AGAIN}")
    return words


def _array(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: unreadable ({error}); {_AGAIN}") from error
    if found.dtype != dtype or found.shape != shape:
        raise ArtifactError(
            f"{path}: {found.dtype} {list(found.shape)} where {dtype} {list(shape)} was "
            f"expected; {_AGAIN}"
        )
    return found
