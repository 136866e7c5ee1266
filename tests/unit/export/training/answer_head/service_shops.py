"""Shops whose replies share no word with the questions that they answer."""

import numpy as np

from tests.unit.export.evaluation.corpora import write_corpus

TOPICS = 12
ASKED = {"train": 40, "valid": 6, "test": 6}  # questions of each topic
DIMENSION = 16


class TopicEncoder:
    """A question lies near its topic, a reply near another topic's: a head must learn the map."""

    dimension = DIMENSION
    text_form = None

    def __init__(self):
        draw = np.random.default_rng(0)
        self._of = {kind: draw.normal(size=(TOPICS, DIMENSION)) for kind in ("query", "document")}

    def encode(self, texts, *, kind, progress=None):
        rows = [
            self._of[kind][int(text.split()[1])]
            + 0.3 * np.random.default_rng(sum(text.encode())).normal(size=DIMENSION)
            for text in texts
        ]
        found = np.array(rows, np.float32).reshape(len(rows), DIMENSION)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def questions(splits=ASKED, replies=3):
    """Rows of a `faq`: every topic has a few replies, chosen by the question's number."""
    return [
        {
            "question_id": f"{split}-{topic}-{i}",
            "question": f"ask {topic} {split} {i}",
            "answer": f"say {topic} so {i % replies}",
            "split": split,
        }
        for split, count in splits.items()
        for topic in range(TOPICS)
        for i in range(count)
    ]


def service_shop(folder, rows=None):
    return write_corpus(folder, tables={"faq": questions() if rows is None else rows})
