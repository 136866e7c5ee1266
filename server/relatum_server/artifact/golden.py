"""Golden inputs of the heads: what their graphs answered at export."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from relatum_server.errors import ArtifactError

_AGAIN = "export the artifact again or copy it again"


@dataclass(frozen=True, slots=True)
class GraphGolden:
    """Inputs of a graph by name, and the outputs that it gave at export."""

    path: Path
    inputs: Mapping[str, NDArray[np.generic]]
    outputs: Mapping[str, NDArray[np.float32]]

    def check(
        self,
        run: Callable[[Mapping[str, NDArray[np.generic]]], Mapping[str, NDArray[np.float32]]],
        max_difference: float,
    ) -> float:
        """Run the inputs and compare.

        Args:
            run: the graph: inputs by name to outputs by name.
            max_difference: largest absolute difference allowed.

        Returns:
            The largest absolute difference found.

        Raises:
            ArtifactError: An output is missing, of another shape, or differs by more.
        """
        answered = run(self.inputs)
        worst = 0.0
        for name, expected in self.outputs.items():
            found = answered.get(name)
            if found is None or found.shape != expected.shape:
                shape = None if found is None else list(found.shape)
                raise ArtifactError(
                    f"{self.path}: output {name} is {shape} where {list(expected.shape)} was "
                    f"expected; {_AGAIN}"
                )
            difference = float(np.abs(found - expected).max(initial=0.0))
            if not difference <= max_difference:  # NaN fails too
                raise ArtifactError(
                    f"{self.path}: output {name} differs by {difference:.2g} from what it was at "
                    f"export, allowed is {max_difference:g}; {_AGAIN}"
                )
            worst = max(worst, difference)
        return worst


@dataclass(frozen=True, slots=True)
class GoldenPair:
    """Two products and the features of the ordered pair, as the export side computed them.

    Attributes:
        a: its facts: title, brand, description, category (str) and price (float or None).
        b: likewise.
        features: float32 [features].
    """

    a: Mapping[str, str | float | None]
    b: Mapping[str, str | float | None]
    features: NDArray[np.float32]


def read_graph_golden(path: Path) -> GraphGolden:
    """Read the golden archive of a head.

    Raises:
        ArtifactError: Not such an archive, without inputs or outputs, or with a value that is no
            number.
    """
    try:
        with path.open("rb") as file:  # np.load would leave it open where it is no archive
            archive = np.load(file, allow_pickle=False)
            arrays = {name: archive[name] for name in archive.files}
        inputs = {k.removeprefix("input."): v for k, v in arrays.items() if k.startswith("input.")}
        outputs = {
            k.removeprefix("output."): v.astype(np.float32)
            for k, v in arrays.items()
            if k.startswith("output.")
        }
    except (AttributeError, BadZipFile, EOFError, OSError, ValueError) as error:
        raise ArtifactError(f"{path}: not golden inputs ({error}); {_AGAIN}") from error
    rows = {len(v) if v.ndim else 0 for v in (*inputs.values(), *outputs.values())}
    if not inputs or not outputs or len(rows) != 1 or rows == {0}:
        raise ArtifactError(
            f"{path}: needs arrays input.* and output.* of as many rows, has {sorted(arrays)}; "
            f"{_AGAIN}"
        )
    if not all(np.isfinite(v).all() for v in outputs.values()):
        raise ArtifactError(f"{path}: an expected output is no number; {_AGAIN}")
    return GraphGolden(path, inputs, outputs)


def read_pairs(path: Path, features: int) -> tuple[GoldenPair, ...]:
    """The golden pairs with their features.

    Raises:
        ArtifactError: A line is something else, or has another number of features.
    """
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        pairs = tuple(
            GoldenPair(dict(x["a"]), dict(x["b"]), np.array(x["features"], np.float32))
            for x in lines
        )
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path}: not golden pairs ({error!r}); {_AGAIN}") from error
    if {pair.features.shape for pair in pairs} != {(features,)}:
        raise ArtifactError(f"{path}: needs golden pairs with {features} features; {_AGAIN}")
    return pairs
