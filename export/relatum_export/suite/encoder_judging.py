"""Judging encoders alone, without an artifact: which sets, by which figures, in which steps."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.evaluate import PROTOCOLS
from relatum_export.evaluation.protocols.bundles import BUNDLES
from relatum_export.evaluation.protocols.cold_products import COLD_PRODUCTS
from relatum_export.evaluation.protocols.next_item import NEXT_ITEM
from relatum_export.evaluation.protocols.questions import QUESTIONS
from relatum_export.evaluation.protocols.same_product import SAME_PRODUCT
from relatum_export.evaluation.protocols.search import SEARCH
from relatum_export.evaluation.protocols.service import SERVICE
from relatum_export.evaluation.rows import ZERO_SHOT
from relatum_export.evaluation.slices import is_slice
from relatum_export.evaluation.systems import TORCH
from relatum_export.suite import stamps
from relatum_export.suite.corpus_facts import has_pairs, language
from relatum_export.suite.plan import Folders, Line
from relatum_export.suite.stamps import Step

ZERO_SHOTS = (ZERO_SHOT, f"{ZERO_SHOT}-title")
# Kinds that texts alone answer; the others also need what shoppers did.
BY_TEXT = (SEARCH.kind, QUESTIONS.kind, BUNDLES.kind, SAME_PRODUCT.kind, SERVICE.kind)
# Kinds in which an encoder has a figure without anything fitted on the set.
BY_ENCODER = (*BY_TEXT, NEXT_ITEM.kind, COLD_PRODUCTS.kind)
SPLITS = ("valid", "test")
FIGURES = ("NDCG@10", "HR@10", "R@10", "R@50", "MRR", "P@1", "F1")  # higher is better


def kinds(corpus: Corpus) -> list[str]:
    """The protocols that a corpus's files allow."""
    return [protocol.kind for protocol in PROTOCOLS if protocol.applies(corpus)]


def named(names: Iterable[str], corpora: Mapping[str, Corpus]) -> list[Corpus]:
    """The corpora of those names.

    Raises:
        InputError: there is no set of one.
    """
    found = []
    for name in names:
        if name not in corpora:
            raise InputError(f"no set {name} in DATA; there are {', '.join(sorted(corpora))}")
        found.append(corpora[name])
    return found


def smallest_of_each_kind(corpora: Mapping[str, Corpus]) -> list[Corpus]:
    """Of each kind that encoders are judged in, the set with the fewest train pairs, but some."""
    found: dict[str, Corpus] = {}
    ordered = sorted((c for c in corpora.values() if has_pairs(c)), key=_train_pairs)
    for corpus in ordered:
        for kind in kinds(corpus):
            if kind in BY_ENCODER:
                found.setdefault(kind, corpus)
    return list({corpus.name: corpus for corpus in found.values()}.values())


def judged_by_text(corpora: Iterable[Corpus]) -> list[Corpus]:
    """Those of a kind that texts alone answer."""
    return [corpus for corpus in corpora if set(kinds(corpus)) & set(BY_TEXT)]


def shipped(corpus: Corpus, folders: Folders) -> Path:
    """The shipped encoder of a corpus.

    Raises:
        InputError: it is not there.
    """
    return finished(folders.models / language(corpus))


def finished(encoder: Path) -> Path:
    """A shipped encoder that is there.

    Raises:
        InputError: it is not.
    """
    if not stamps.is_finished(encoder):
        raise InputError(f"{encoder} is not there, or not finished; run `make models` first")
    return encoder


def recipe_flags(folders: Folders, max_pairs: int | None) -> Line:
    """Flags of a training by a shipped recipe beside its corpora.

    Args:
        folders: for the seed.
        max_pairs: of a pass, where it is not the recipe's.
    """
    seed: Line = ("--seed", str(folders.seed))
    return seed if max_pairs is None else (*seed, "--max-pairs", str(max_pairs))


def judgement(
    name: str, corpus: Corpus, encoder: Path, out: Path, folders: Folders, *, split: str = "both"
) -> Step:
    """The step that judges a run of `train encoder`, and its base, on a corpus.

    Args:
        name: of the step.
        corpus: to judge on.
        encoder: the run.
        out: file of rows.
        folders: for the cache of encoded texts.
        split: valid, test or both.
    """
    line: Line = ("evaluate", "--corpus", str(corpus.path), "--model", str(encoder))
    line += ("--any-language", "--cache", str(folders.cache))
    line += ("--split", split, "--json", str(out))
    return Step(name, line, out, (corpus.path, encoder))


def figures(rows_file: Path, split: str, system: str = TORCH) -> list[str]:
    """The measures of a system on a split, those of the whole set alone, the main one first.

    Raises:
        InputError: the file is missing or damaged.
    """
    found = dict.fromkeys(
        row["measure"]
        for row in read_rows(rows_file)
        if row["system"] == system
        and row["split"] == split
        and "/vs-" not in row["measure"]
        and not is_slice(row["measure"])
        and row["measure"].split("/")[0] in FIGURES
    )
    return list(found)


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Rows that `evaluate` wrote.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read ({error}); run the command again") from error
    return rows


def _train_pairs(corpus: Corpus) -> tuple[int, str]:
    count = sum(one["pairs"] for one in corpus.info["pairs"] if one["split"] == "train")
    return count, corpus.name
