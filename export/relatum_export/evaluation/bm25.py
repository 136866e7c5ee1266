"""BM25 over words: the baseline of every protocol that ranks texts."""

import logging
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import bm25s
import numpy as np
from numpy.typing import NDArray

from relatum_export.corpus.text import FORMS, TextForm

with warnings.catch_warnings():
    # jieba 0.42.1 has regular expressions in plain strings and asks for pkg_resources.
    warnings.filterwarnings("ignore", message=r"invalid escape sequence", category=SyntaxWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"jieba.*")
    warnings.filterwarnings("ignore", message=r"pkg_resources is deprecated", category=UserWarning)
    import jieba

jieba.setLogLevel(logging.ERROR)
_HAN_OR_KANA = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_RUN = re.compile(f"[{_HAN_OR_KANA}]+")
# bm25s leaves single letters out, but a single Han character is a word.
_WORD = rf"(?u)[{_HAN_OR_KANA}]+|\b\w\w+\b"


@dataclass(frozen=True, slots=True)
class Bm25System:
    """BM25 over words, English stop words left out; k1 1.5, b .75, as bm25s has them.

    Chinese and Japanese, which have no blanks between words, are cut by jieba first: without that
    a whole sentence would be one word, and the baseline none.

    **Source**: Lù 2024, BM25S, arXiv:2407.03618.
    """

    name: str = "bm25"
    forms: tuple[TextForm, ...] = tuple(FORMS.values())
    whole_corpus: bool = True

    def scores(
        self, queries: Sequence[str], documents: Sequence[str], *, products: bool
    ) -> NDArray[np.float32]:
        """BM25 score of each query and document, whichever sort the queries are."""
        del products
        vocabulary = bm25s.tokenize(
            [spaced(text) for text in documents],
            token_pattern=_WORD,
            stopwords="en",
            show_progress=False,
        )
        retriever = bm25s.BM25()
        retriever.index(vocabulary, show_progress=False)
        asked = bm25s.tokenize(
            [spaced(text) for text in queries],
            token_pattern=_WORD,
            stopwords="en",
            return_ids=False,
            show_progress=False,
        )
        out = np.zeros((len(queries), len(documents)), np.float32)
        for i, words in enumerate(asked):
            known = [word for word in words if word in retriever.vocab_dict]
            if known:
                out[i] = retriever.get_scores(known)
        return out

    def answer_scores(
        self, questions: Sequence[str], passages: Sequence[str]
    ) -> NDArray[np.float32]:
        """The same: words know no difference between a product and an answer."""
        return self.scores(questions, passages, products=False)


def spaced(text: str) -> str:
    """The text with blanks between its Chinese and Japanese words."""
    return _RUN.sub(lambda run: f" {' '.join(jieba.cut(run.group()))} ", text)
