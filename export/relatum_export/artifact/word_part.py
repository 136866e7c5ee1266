"""The words of an artifact: fitted, weighed and written."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from relatum.artifact.v1 import manifest_pb2
from relatum_export.artifact.answer_space import AnswerSpace
from relatum_export.artifact.weight_choice import Choice
from relatum_export.artifact.word_choice import DEFAULTS, SPLITS, choose
from relatum_export.artifact.words import Use, Words, WordTable
from relatum_export.console import Reporter
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.encoding import CachedEncoder
from relatum_export.training.products import Catalogue


def write_words(
    corpus: Corpus,
    catalogue: Catalogue,
    encoders: Sequence[CachedEncoder],
    *,
    answers: AnswerSpace | None,
    form: TextForm,
    folder: Path,
    manifest: manifest_pb2.Manifest,
    reporter: Reporter,
) -> list[Choice[Use]]:
    """Write the tables of words, name them in the manifest, and say how each use was weighed.

    Args:
        corpus: the shop.
        catalogue: its products.
        encoders: variants of the encoder, whose cosines words stand beside.
        answers: in whose space questions and passages are compared, where there is one.
        form: how products become text.
        folder: of the artifact.
        manifest: is completed.
        reporter: is told what was chosen.
    """
    words = fitted(corpus, catalogue)
    choices = choose(corpus, catalogue, words, encoders, answers=answers, form=form)
    reporter.info(f"words: {'; '.join(str(found) for found in choices)}")
    chosen = replace(words, weights={found.use: found.weight for found in choices})
    manifest.words.CopyFrom(chosen.write(folder))
    return choices


def fitted(corpus: Corpus, catalogue: Catalogue) -> Words:
    """The weights of the shop's words, with the default weight of each use.

    Passages of test are left out: what is asked there was not known to the shop.
    """
    titles = [product.title for product in catalogue.products]
    passages: list[str] = []
    for table, column in (("candidates", "candidate"), ("faq", "answer")):
        if corpus.has(table):
            rows = corpus.table(table, [column, "split"]).to_pylist()
            passages += [str(row[column]) for row in rows if row["split"] in SPLITS]
    return Words(
        WordTable.fit(titles) if titles else None,
        WordTable.fit(passages) if passages else None,
        DEFAULTS,
    )
