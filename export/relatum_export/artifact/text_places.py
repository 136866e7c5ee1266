"""The map from text into a behaviour space that was counted, for products without behaviour.

A user encoder brings a map of its own. This one is fitted in closed form on the products that have
a vector: the penalty by their left-out error, and the length so that products placed by their text
take as many of the first places as their number. Regression alone would place them near the
middle, where no list ever begins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.behaviour import BehaviourParts
from relatum_export.artifact.copurchase import purchases
from relatum_export.corpus.folder import Corpus
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.users.ridge import PENALTIES, Regression

FILE = "ridge.npy"
SPACE = "behaviour"
MOST_FITTED = 5_000  # products, by a fixed draw: more cost minutes and move no figure
LEAST_FITTED = 100  # products; fewer say nothing of a map of hundreds of columns
HISTORIES = 1_000  # by a fixed draw, for the length
HISTORY = 64  # newest distinct products of one: as many as the API takes as examples
FIRST_PLACES = 50  # of a list
LONGEST = 5.0


@dataclass(frozen=True, slots=True)
class TextPlaces:
    """A fitted map.

    Attributes:
        weights: float32 [text dimension + 1, dimension], the scale in it; the last row is added.
        penalty: on the squared weights, the added row apart.
        scale: of the predictions.
        products: how many it was fitted on.
    """

    weights: NDArray[np.float32]
    penalty: float
    scale: float
    products: int


def add_text_places(
    corpus: Corpus,
    parts: BehaviourParts,
    encoder: TextEncoder,
    *,
    texts: Mapping[str, str],
    folder: Path,
    manifest: manifest_pb2.Manifest,
) -> TextPlaces | None:
    """Fit the map, write it into ``folder`` and name it in ``manifest``.

    Args:
        corpus: the shop, for the histories in train.
        parts: with the space, which the manifest names already.
        encoder: of the artifact.
        texts: of each product, as the artifact's text form lays it out.
        folder: of the artifact.
        manifest: gets the map.

    Returns:
        None where too few products have both a text and a vector.
    """
    with_text = [row for row, item in enumerate(parts.item_ids) if texts.get(item)]
    if len(with_text) < LEAST_FITTED:
        return None
    draw = np.random.default_rng(0)
    count = min(len(with_text), MOST_FITTED)
    rows = np.sort(draw.choice(np.array(with_text), count, replace=False))
    encoded, at = np.unique([texts[parts.item_ids[row]] for row in rows], return_inverse=True)
    text = encoder.encode(encoded.tolist(), kind="document")[at]
    found = fit_text_places(text, parts.vectors[rows], history_vectors(corpus, parts))
    np.save(folder / FILE, found.weights, allow_pickle=False)
    manifest.ridge.CopyFrom(
        manifest_pb2.RidgeMap(
            file=FILE,
            space=SPACE,
            input_dimension=text.shape[1],
            dimension=parts.vectors.shape[1],
        )
    )
    return found


def fit_text_places(
    text: NDArray[np.float32], vectors: NDArray[np.float32], histories: NDArray[np.float32]
) -> TextPlaces:
    """The map, each product predicted by all others where something is chosen.

    Args:
        text: float32 [products, text dimension], rows of length 1.
        vectors: float32 [products, dimension], rows of length 1.
        histories: what shoppers would ask with, float32 [histories, dimension].
    """
    regression = Regression(text, vectors)

    def error(penalty: float) -> float:
        return float(((regression.left_out(penalty) - vectors) ** 2).sum())

    penalty = min(PENALTIES, key=error)
    scale = level(vectors, regression.left_out(penalty), histories)
    weights = regression.weights(penalty) * np.float32(scale)
    return TextPlaces(weights, penalty, scale, len(text))


def level(
    vectors: NDArray[np.float32],
    predicted: NDArray[np.float32],
    histories: NDArray[np.float32],
) -> float:
    """The scale at which as many predictions as vectors reach the first places; 1 if none does.

    Args:
        vectors: float32 [products, dimension].
        predicted: the same products placed by their text.
        histories: queries, float32 [histories, dimension].
    """
    places = max(min(FIRST_PLACES, len(vectors) // 10), 1)
    known, placed = histories @ vectors.T, histories @ predicted.T
    least = -np.partition(-known, places - 1, axis=1)[:, places - 1 : places]
    usable = (placed > 0) & (least > 0)
    needed = np.sort((np.broadcast_to(least, placed.shape) / np.where(usable, placed, 1.0))[usable])
    reached = places * int((least > 0).sum())
    if not reached or not len(needed):
        return 1.0
    return float(np.clip(needed[min(reached, len(needed)) - 1], 1.0 / LONGEST, LONGEST))


def history_vectors(corpus: Corpus, parts: BehaviourParts) -> NDArray[np.float32]:
    """Unit mean vectors of shoppers' newest products in train, float32 [histories, dimension].

    Without shoppers, of baskets.
    """
    place = {item: row for row, item in enumerate(parts.item_ids)}
    lines = purchases(corpus, ("train",))
    owner = lines["user_id"] if lines["user_id"].notna().any() else lines["session_id"]
    rows = lines["item_id"].map(place)
    kept = pd.DataFrame({"owner": owner, "row": rows}).dropna()
    newest = kept.iloc[::-1].drop_duplicates(["owner", "row"])
    newest = newest[newest.groupby("owner").cumcount() < HISTORY]
    owners = np.sort(newest["owner"].unique())
    if len(owners) > HISTORIES:
        owners = np.random.default_rng(0).choice(owners, HISTORIES, replace=False)
    drawn = newest[newest["owner"].isin(set(owners))]
    code, rows_of = pd.factorize(drawn["owner"])[0], drawn["row"].to_numpy(np.int64)
    sums = np.zeros((len(owners), parts.vectors.shape[1]), np.float32)
    np.add.at(sums, code, parts.vectors[rows_of])
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    result: NDArray[np.float32] = sums / np.maximum(length, np.float32(1e-12))
    return result


def described(found: TextPlaces | None) -> str:
    """One line for people."""
    if found is None:
        return "too few products with a text to place those without behaviour"
    return (
        f"places by text, fitted on {found.products:,} items (penalty {found.penalty:g}, scale "
        f"{found.scale:.2f})"
    )
