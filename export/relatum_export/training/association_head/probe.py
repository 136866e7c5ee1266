"""How much a form of text tells of the relations that people judged: a quick linear probe.

A head takes minutes to fit and reads words beside the vectors; which form its vectors are best
made of is asked of a logistic regression on [a, b, |a - b|, a * b], fitted on a draw of train and
judged on one of valid.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.classification import macro_f1
from relatum_export.training.encoder import TextEncoder
from relatum_export.training.products import Catalogue

MAX_TRAIN, MAX_VALID = 2_000, 1_000  # pairs; a form is chosen in seconds
STRENGTH = 1e-3  # inverse regularisation: 1,536 inputs to at most 2,000 pairs
MAX_ITERATIONS = 200
TOLERANCE = 1e-2


@dataclass(frozen=True, slots=True)
class ProbePairs:
    """Pairs with what was said of each, as the source words it.

    Attributes:
        a: row of the first product, int64 [pairs].
        b: row of the second, int64 [pairs].
        labels: object [pairs].
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    labels: NDArray[np.object_]

    def __len__(self) -> int:
        """How many pairs."""
        return len(self.a)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "ProbePairs":
        """Some of the pairs."""
        return ProbePairs(self.a[rows], self.b[rows], self.labels[rows])


@dataclass(frozen=True, slots=True)
class PairProbe:
    """Labelled pairs of a catalogue, to fit on and to judge on.

    Attributes:
        catalogue: that the pairs' rows count in.
        train: pairs with a label each.
        valid: the same; its labels all occur in train.
    """

    catalogue: Catalogue
    train: ProbePairs
    valid: ProbePairs

    @classmethod
    def read(cls, corpus: Corpus, catalogue: Catalogue, seed: int = 0) -> Self | None:
        """A draw of the pairs that people judged; None where train or valid has no two labels."""
        if not corpus.has("pairs"):
            return None
        draw = np.random.default_rng(seed)
        frame = _judged(corpus, catalogue)
        train, valid = _drawn(_of_split(frame, "train"), MAX_TRAIN, draw), _of_split(frame, "valid")
        valid = _drawn(valid.take(np.isin(valid.labels, train.labels)), MAX_VALID, draw)
        if min(len(set(pairs.labels)) for pairs in (train, valid)) < 2:  # noqa: PLR2004
            return None
        return cls(catalogue, train, valid)

    def measure(self, encoder: TextEncoder, form: TextForm) -> float:
        """Macro-F1 on valid under a form."""
        a = np.concatenate([self.train.a, self.valid.a])
        b = np.concatenate([self.train.b, self.valid.b])
        rows, place = np.unique(np.concatenate([a, b]), return_inverse=True)
        texts = self.catalogue.texts(form)
        vectors = encoder.encode([texts[row] for row in rows.tolist()], kind="document")
        inputs = _crossed(vectors[place[: len(a)]], vectors[place[len(a) :]])
        scaled = StandardScaler().fit(inputs[: len(self.train)]).transform(inputs)
        names, number = np.unique(self.train.labels.astype(str), return_inverse=True)
        model = LogisticRegression(
            C=STRENGTH, class_weight="balanced", max_iter=MAX_ITERATIONS, tol=TOLERANCE
        ).fit(scaled[: len(self.train)], number)
        truth = np.searchsorted(names, self.valid.labels.astype(str))
        return macro_f1(truth, model.predict(scaled[len(self.train) :]), len(names))


def _judged(corpus: Corpus, catalogue: Catalogue) -> pd.DataFrame:
    """Pairs of the catalogue's products with columns a, b, label and split."""
    frame = corpus.table("pairs").to_pandas()
    label = pd.Series(None, frame.index, object)
    if "same_product" in frame:
        label = frame["same_product"].map(lambda same: str(same > 0), na_action="ignore")
    if "relation" in frame:
        words = frame["relation"].map(lambda word: str(word).casefold(), na_action="ignore")
        label = words.where(words.notna(), label)
    row_of = {item: row for row, item in enumerate(catalogue.ids)}
    sides = {side: frame[f"item_id_{side}"].map(row_of) for side in ("a", "b")}
    return pd.DataFrame({**sides, "label": label, "split": frame["split"]}).dropna()


def _of_split(frame: pd.DataFrame, split: str) -> ProbePairs:
    rows = frame[frame["split"] == split]
    a, b = rows["a"].to_numpy(np.int64), rows["b"].to_numpy(np.int64)
    return ProbePairs(a, b, rows["label"].to_numpy(object))


def _drawn(pairs: ProbePairs, most: int, draw: np.random.Generator) -> ProbePairs:
    if len(pairs) <= most:
        return pairs
    return pairs.take(np.sort(draw.choice(len(pairs), most, replace=False)))


def _crossed(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([a, b, np.abs(a - b), a * b], axis=1)
