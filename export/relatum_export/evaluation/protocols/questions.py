"""Questions: the given candidate passages of a question; is the first an answer?"""

import numpy as np

from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.evidence import Case, Cases, Evidence, Given
from relatum_export.evaluation.protocols.base import Protocol, Task
from relatum_export.evaluation.rows import Outcome, mean_outcome
from relatum_export.evaluation.slices import length_label
from relatum_export.evaluation.systems import TextSystem
from relatum_export.evaluation.words import ablated, read_together, with_words

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
        cases = Cases(
            "questions",
            {
                query: _case(
                    str(text_of[query]), [passages[i] for i in rows if labels[i] == ANSWERS]
                )
                for query, rows in groups.items()
            },
        )
        for system in _text_alone(task):
            asked = [str(text_of[query]) for query in groups]
            scores = np.zeros((0, 0), np.float32)
            if groups:
                cosines = system.answer_scores(asked, passages)
                scores = with_words(system, "answers", cosines, asked, passages)
            best = []
            for question, rows, own in zip(asked, groups.values(), scores, strict=True):
                given = [passages[row] for row in rows]
                read = read_together(system, "answers", question, given, own[rows])
                best.append(rows[np.argmax(read)])  # of equal ones the first by id
            right = [float(labels[row] == ANSWERS) for row in best]
            evidence = Evidence(cases, Given.of(passages, [[row] for row in best]))
            outcomes.append(
                mean_outcome(split, system.name, "P@1", list(groups), right, evidence=evidence)
            )
    return outcomes


def _case(question: str, answers: list[str]) -> Case:
    return Case(
        question,
        tuple(answers),
        {
            "words": length_label("words", len(question.split())),
            "answers": length_label("answers", len(answers)),
        },
    )


def _text_alone(task: Task) -> list[TextSystem]:
    """The form of product text plays no part, so the title system would repeat zero-shot."""
    systems = ablated(task.text, "answers")
    return [system for system in systems if system.name != "zero-shot-title"]


def _applies(corpus: Corpus) -> bool:
    return corpus.has("queries") and corpus.has("candidates")


QUESTIONS = Protocol("questions", ("queries", "candidates"), True, _applies, _measure)
