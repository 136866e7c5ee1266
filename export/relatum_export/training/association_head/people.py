"""The labels that people gave: the columns `relation` and `same_product` of a set's pairs."""

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.training.association_head.classes import CLASSES, Label
from relatum_export.training.association_head.labelled import LabelledPairs

PEOPLE = "people"
RELATIONS: Mapping[str, str] = {
    **{name: name for name in CLASSES},
    "other": "unrelated",
    "none": "unrelated",
    "irrelevant": "unrelated",
    "exact": "same",
    "duplicate": "same",
}
_VOTE = re.compile(r"vote_?\d+")


def people_pairs(
    corpus: Corpus,
    row_of: Mapping[str, int],
    split: str,
    relations: Mapping[str, str],
    *,
    soft_votes: bool,
) -> LabelledPairs:
    """The judged pairs of one split whose products the catalogue has, in the set's order.

    Args:
        corpus: with or without pairs.
        row_of: row of each item.
        split: train, valid or test.
        relations: further words of the column `relation`, by class.
        soft_votes: make targets of the shares of votes where the set has columns of votes; pairs
            without a majority are then kept, without a hard label.

    Raises:
        InputError: a relation that is no class and that ``relations`` does not name.
    """
    if not corpus.has("pairs"):
        return LabelledPairs.empty()
    frame = corpus.table("pairs").to_pandas()
    known = frame["item_id_a"].isin(row_of) & frame["item_id_b"].isin(row_of)
    frame = frame[known].reset_index(drop=True)
    labels = _hard_labels(frame, corpus, {**RELATIONS, **relations})
    targets = np.zeros((len(frame), len(Label)), np.float32)
    judged = labels >= 0
    targets[judged, labels[judged]] = 1.0
    votes = [name for name in frame if _VOTE.fullmatch(str(name))]
    if soft_votes and votes:
        targets = _vote_shares(frame[votes], labels, targets)
    chosen = (frame["split"] == split).to_numpy() & (targets.sum(axis=1) > 0)
    source = frame["source"].fillna("").astype(str) if "source" in frame else ""
    rows = frame.assign(benchmark=source)[chosen]
    return LabelledPairs(
        a=rows["item_id_a"].map(row_of).to_numpy(np.int64),
        b=rows["item_id_b"].map(row_of).to_numpy(np.int64),
        targets=targets[chosen],
        labels=labels[chosen],
        sources=np.full(int(chosen.sum()), PEOPLE, object),
        benchmarks=rows["benchmark"].to_numpy(object),
    )


def _hard_labels(
    frame: pd.DataFrame, corpus: Corpus, relations: Mapping[str, str]
) -> NDArray[np.int64]:
    """The label of each pair, -1 where it has none."""
    labels = np.full(len(frame), -1, np.int64)
    given = frame["relation"] if "relation" in frame else pd.Series(None, frame.index, object)
    words = given.map(lambda word: str(word).strip().casefold(), na_action="ignore")
    unknown = sorted(set(words.dropna()) - set(relations))
    if unknown:
        raise InputError(
            f"{corpus.path}/pairs.parquet has the relation {unknown[0]!r}, which is no class; say "
            f'what it is in --config: relations = {{ "{unknown[0]}" = "substitute" }}'
        )
    has_same = False
    if "same_product" in frame:
        same = frame["same_product"]
        labels[(same > 0).to_numpy(bool)] = Label.SAME
        labels[(same <= 0).to_numpy(bool)] = Label.NOT_SAME
        has_same = bool((same > 0).any())
    classes = words.map({word: CLASSES.index(name) for word, name in relations.items()})
    named = classes.notna().to_numpy()
    labels[named] = classes[named].to_numpy(np.int64)
    has_same |= bool((labels == Label.SAME).any())
    if not has_same:
        labels[labels == Label.SUBSTITUTE] = Label.ALIKE
    return labels


def _vote_shares(
    votes: pd.DataFrame, labels: NDArray[np.int64], targets: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Shares of the labels among the votes of each pair.

    What a vote's value stands for is read off the pairs on which all agree, and where a value
    never stands alone, off the majorities; a pair with an unreadable vote keeps its hard label.
    """
    values = votes.to_numpy(object)
    meaning: dict[object, Counter[int]] = {}
    for unanimous in (True, False):
        counted: dict[object, Counter[int]] = {}
        for row, label in zip(values, labels.tolist(), strict=True):
            if label >= 0 and not (unanimous and len(set(row)) > 1):
                for value in row:
                    counted.setdefault(value, Counter())[label] += 1
        for value, counts in counted.items():
            meaning.setdefault(value, counts)
    shares = targets.copy()
    for i, row in enumerate(values):
        stands_for = [meaning[value].most_common(1)[0][0] for value in row if value in meaning]
        if len(stands_for) == len(row):
            shares[i] = 0.0
            for label in stands_for:
                shares[i, label] += 1 / len(row)
    return shares
