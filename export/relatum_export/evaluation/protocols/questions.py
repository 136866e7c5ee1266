"""Questions: the given candidate passages of a question; is the first an answer?"""

import numpy as np

from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.protocols.base import Protocol, Task
from relatum_export.evaluation.rows import Outcome, mean_outcome
from relatum_export.evaluation.systems import TextSystem

ANSWERS = 2  # the label of a passage that answers


def _measure(task: Task) -> list[Outcome]:
    columns = ["candidate_id", "query_id", "candidate", "label", "split"]
    candidates = task.corpus.table("candidates", columns).to_pandas()
    queries = task.corpus.table("queries", ["query_id", "query"]).to_pandas()
    text_of = dict(zip(queries["query_id"], queries["query"], strict=True))
    candidates = candidates[candidates["query_id"].isin(text_of)]
    candidates = candidates.sort_values(["query_id", "candidate_id"], kind="stable")
    outcomes = []
    for split in task.splits:
        part = candidates[candidates["split"] == split].reset_index(drop=True)
        groups = {
            str(query): rows.to_numpy() for query, rows in part.groupby("query_id").groups.items()
        }
        labels = part["label"].to_numpy()
        passages = [str(text) for text in part["candidate"]]
        for system in _text_alone(task):
            asked = [str(text_of[query]) for query in groups]
            scores = system.scores(asked, passages, products=False) if groups else np.zeros((0, 0))
            first = [
                float(labels[rows[np.argmax(scores[i, rows])]] == ANSWERS)  # argmax: ties by id
                for i, rows in enumerate(groups.values())
            ]
            outcomes.append(mean_outcome(split, system.name, "P@1", list(groups), first))
    return outcomes


def _text_alone(task: Task) -> list[TextSystem]:
    """The form of product text plays no part, so the title system would repeat zero-shot."""
    return [system for system in task.text if system.name != "zero-shot-title"]


def _applies(corpus: Corpus) -> bool:
    return corpus.has("queries") and corpus.has("candidates")


QUESTIONS = Protocol("questions", ("queries", "candidates"), True, _applies, _measure)
