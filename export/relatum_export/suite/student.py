"""The half-depth student of the English encoder: how fast, and what it loses over all its sets."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from relatum_export.corpus.folder import Corpus
from relatum_export.errors import InputError
from relatum_export.evaluation.protocols.bundles import BUNDLES
from relatum_export.evaluation.protocols.questions import QUESTIONS
from relatum_export.evaluation.protocols.search import SEARCH
from relatum_export.suite.corpus_facts import language
from relatum_export.suite.encoder_judging import kinds
from relatum_export.suite.plan import Folders, Line
from relatum_export.suite.stamps import Step
from relatum_export.training.compression.table import JSON, SPLIT

ENCODER = "en"
HALF = "-half"
CONFIG = f"student-{ENCODER}.toml"
RANKED = {SEARCH.kind: "queries", QUESTIONS.kind: "queries", BUNDLES.kind: "bundles"}
FEWEST = 2  # sets: what one of them alone says is not the figure of all together


def home_of(folders: Folders) -> Path:
    """Where the run lies."""
    return folders.models / f"{ENCODER}{HALF}"


def ranked(corpora: Mapping[str, Corpus]) -> list[Corpus]:
    """The English sets on whose valid part a student's rankings are measured."""
    return [c for c in corpora.values() if language(c) == ENCODER and _has_valid(c)]


def steps(corpora: Mapping[str, Corpus], folders: Folders, configs: Path) -> list[Step]:
    """The step that distils and measures the student; none where DATA has too few sets for it.

    Args:
        corpora: of all sets.
        folders: where things lie.
        configs: folder of the recipes.
    """
    found = ranked(corpora)
    # Without products there are no titles to measure speed by.
    if len(found) < FEWEST or not any(corpus.has("items") for corpus in found):
        return []
    config, encoder, out = configs / CONFIG, folders.models / ENCODER, home_of(folders)
    line: Line = ("compress", *(word for c in found for word in ("--corpus", str(c.path))))
    line += ("--encoder", str(encoder), "--config", str(config), "--seed", str(folders.seed))
    line += ("--out", str(out), "--any-language")
    inputs = (config, encoder, *(c.path for c in found))
    return [Step(f"models/{ENCODER}{HALF}", line, out, inputs, ("--no-resume",))]


def rows(folders: Folders) -> list[dict[str, Any]]:
    """The figures of the table that `compress` wrote, as rows of the set `pooled`.

    Raises:
        InputError: the table is missing or damaged.
    """
    file = home_of(folders) / JSON
    try:
        found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["rows"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{file} cannot be read ({error}); delete it and run again") from error
    return found


def _has_valid(corpus: Corpus) -> bool:
    tables = {RANKED[kind] for kind in kinds(corpus) if kind in RANKED}
    return any(corpus.info["splits"].get(table, {}).get(SPLIT) for table in tables)
