"""Customer service: the agent's reply found in a pool of 1,000 replies."""

import numpy as np

from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.metrics import top_k
from relatum_export.evaluation.protocols.base import Protocol, Task
from relatum_export.evaluation.rows import Outcome, mean_outcome

POOL = 1_000
DEPTH = 10


def reply_pool(own: list[str], train: list[str], *, size: int = POOL, seed: int = 0) -> list[str]:
    """The distinct replies of the split, filled with replies of train, sorted.

    Args:
        own: replies of the split measured; all of them enter.
        train: replies to draw from.
        size: filled up to this many.
        seed: of the draw.
    """
    pool = sorted(set(own))
    others = sorted(set(train) - set(own))
    room = min(max(0, size - len(pool)), len(others))
    drawn = np.random.default_rng(seed).choice(len(others), room, replace=False)
    return sorted([*pool, *(others[i] for i in drawn)])


def _measure(task: Task) -> list[Outcome]:
    faq = task.corpus.table("faq", ["question_id", "question", "answer", "split"]).to_pandas()
    train = [str(answer) for answer in faq.loc[faq["split"] == "train", "answer"]]
    outcomes = []
    for split in task.splits:
        part = faq[faq["split"] == split].sort_values("question_id")
        if part.empty:
            continue
        answers = [str(answer) for answer in part["answer"]]
        pool = reply_pool(answers, train)
        place = {reply: i for i, reply in enumerate(pool)}
        units = [str(question) for question in part["question_id"]]
        for system in task.text:
            if system.name == "zero-shot-title":
                continue
            scores = system.scores([str(q) for q in part["question"]], pool, products=False)
            found = [
                float(place[answer] in top_k(row, DEPTH))
                for answer, row in zip(answers, scores, strict=True)
            ]
            outcomes.append(mean_outcome(split, system.name, "R@10", units, found))
    return outcomes


def _applies(corpus: Corpus) -> bool:
    """Question and reply pairs with train replies to fill the pool; a handful is no test."""
    if not corpus.has("faq"):
        return False
    split = corpus.table("faq", ["split"]).column("split").to_pylist()
    return "train" in split and "test" in split


SERVICE = Protocol("customer service replies", ("faq",), True, _applies, _measure)
