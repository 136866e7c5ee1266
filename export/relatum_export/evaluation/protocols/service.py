"""Customer service: the agent's reply found in a pool of 1,000 replies."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.evidence import Case, Cases, Evidence, Given
from relatum_export.evaluation.metrics import top_k
from relatum_export.evaluation.protocols.base import Protocol, Task
from relatum_export.evaluation.reply_pool import reply_pool
from relatum_export.evaluation.rows import Outcome, mean_outcome
from relatum_export.evaluation.slices import category_label, language_label
from relatum_export.evaluation.words import ablated, with_words

DEPTH = 10
RANDOM, MOST_FREQUENT = "random", "most-frequent-replies"


@dataclass(frozen=True, slots=True)
class _Replies:
    """The questions of one split, the place of each one's reply, and the pool."""

    split: str
    questions: list[str]
    right: list[int]
    pool: list[str]
    cases: Cases
    units: list[str]

    @classmethod
    def read(cls, split: str, part: pd.DataFrame, train: list[str]) -> "_Replies":
        part = part.sort_values("question_id")
        answers = [str(answer) for answer in part["answer"]]
        questions = [str(question) for question in part["question"]]
        units = [str(question) for question in part["question_id"]]
        pool = reply_pool(answers, train)
        place = {reply: i for i, reply in enumerate(pool)}
        slices = [dict(_slices(row)) for row in part.to_dict("records")]
        asked = zip(units, questions, answers, slices, strict=True)
        cases = Cases(SERVICE.kind, {u: Case(q, (a,), own) for u, q, a, own in asked})
        return cls(split, questions, [place[answer] for answer in answers], pool, cases, units)

    def outcome(self, system: str, lists: Sequence[NDArray[np.intp]]) -> Outcome:
        """R@10 of what each question was given."""
        hits = [float(one in given) for one, given in zip(self.right, lists, strict=True)]
        evidence = Evidence(self.cases, Given.of(self.pool, lists))
        return mean_outcome(self.split, system, "R@10", self.units, hits, evidence=evidence)

    def chance(self) -> Outcome:
        """What a random order is expected to find."""
        share = min(DEPTH / len(self.pool), 1.0)
        return mean_outcome(self.split, RANDOM, "R@10", self.units, [share] * len(self.units))


def _measure(task: Task) -> list[Outcome]:
    faq = task.corpus.table("faq").to_pandas()
    train = [str(answer) for answer in faq.loc[faq["split"] == "train", "answer"]]
    outcomes = []
    for split in task.splits:
        part = faq[faq["split"] == split]
        if part.empty:
            continue
        replies = _Replies.read(split, part, train)
        for system in ablated(task.text, "answers"):
            if system.name != "zero-shot-title":  # replies are no products: it repeats zero-shot
                asked, pool = replies.questions, replies.pool
                cosines = system.answer_scores(asked, pool)
                scores = with_words(system, "answers", cosines, asked, pool)
                outcomes.append(replies.outcome(system.name, [top_k(row, DEPTH) for row in scores]))
        often = most_frequent(replies.pool, train)
        outcomes.append(replies.outcome(MOST_FREQUENT, [often] * len(replies.units)))
        outcomes.append(replies.chance())
    return outcomes


def most_frequent(pool: list[str], train: list[str]) -> NDArray[np.intp]:
    """Places of the ten replies of the pool that train gives most often; ties by text."""
    counts = Counter(train)
    return top_k(np.array([counts[reply] for reply in pool], np.float64), DEPTH)


def _slices(row: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Intent and language, where the source gives them."""
    if isinstance(row.get("intent"), str):
        yield "intent", category_label(str(row["intent"]))
    if isinstance(row.get("lang"), str):
        yield "lang", language_label(str(row["lang"]))


def _applies(corpus: Corpus) -> bool:
    """Question and reply pairs with train replies to fill the pool; a handful is no test."""
    if not corpus.has("faq"):
        return False
    split = corpus.table("faq", ["split"]).column("split").to_pylist()
    return "train" in split and "test" in split


SERVICE = Protocol("customer service replies", ("faq",), True, _applies, _measure)
