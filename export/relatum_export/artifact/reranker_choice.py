"""How much a reranker counts beside vectors: chosen on the shop's own judgements."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from relatum_export.artifact.onnx_reranker import READINGS, Reading
from relatum_export.artifact.weight_choice import Choice, weighed
from relatum_export.artifact.word_choice import SPLITS
from relatum_export.corpus.folder import Corpus
from relatum_export.corpus.text import TextForm
from relatum_export.evaluation.protocols.base import Protocol, Task
from relatum_export.evaluation.protocols.questions import QUESTIONS
from relatum_export.evaluation.protocols.search import SEARCH
from relatum_export.evaluation.reranking import Reranking
from relatum_export.evaluation.rows import OWN, Outcome
from relatum_export.evaluation.systems import EncoderSystem
from relatum_export.training.cross_encoder import Pair
from relatum_export.training.judged import JudgedSplit
from relatum_export.training.products import Catalogue

GRID = (0.0, 0.01, 0.02, 0.04, 0.08, 0.16)  # cosines differ by tenths, scores by ten
PROTOCOLS: dict[Reading, tuple[Protocol, str]] = {
    "rerank": (SEARCH, "NDCG@10"),
    "answers": (QUESTIONS, "P@1"),
}


def judged_pairs(corpus: Corpus, catalogue: Catalogue, form: TextForm) -> list[Pair]:
    """What people judged in train and valid: query and product, or question and passage."""
    return [*_searches(corpus, catalogue, form), *_questions(corpus)]


def choose(
    corpus: Corpus, catalogue: Catalogue, systems: Sequence[EncoderSystem], reranking: Reranking
) -> list[Choice[Reading]]:
    """The weight of each use by what the corpus's train and valid parts judge; 0 without any.

    Args:
        corpus: the shop.
        catalogue: its products.
        systems: what the scores stand beside, as in ``word_choice.choose``, with words weighed.
        reranking: the reranker as it is served.
    """
    choices = []
    for reading in READINGS:
        protocol, measure = PROTOCOLS[reading]
        found: dict[float, list[Outcome]] = {weight: [] for weight in GRID}
        if protocol.applies(corpus):
            for system in systems:
                for weight in GRID:
                    own = replace(reranking, weights={reading: weight})
                    asked = replace(system, name=OWN, whole_corpus=False, reranking=own)
                    task = Task(corpus, catalogue, SPLITS, [asked], None)
                    found[weight] += [
                        o
                        for o in protocol.measure(task)
                        if o.system == OWN and o.measure == measure and o.units
                    ]
        choices.append(weighed(reading, found, 0.0))
    return choices


def _searches(corpus: Corpus, catalogue: Catalogue, form: TextForm) -> Iterator[Pair]:
    texts = catalogue.texts(form)
    for split in SPLITS:
        for query in JudgedSplit.read(corpus, catalogue, split).queries:
            yield from ((query.text, texts[row]) for row in query.rows)


def _questions(corpus: Corpus) -> Iterator[Pair]:
    if not QUESTIONS.applies(corpus):
        return
    queries = corpus.table("queries", ["query_id", "query"]).to_pylist()
    text_of = {row["query_id"]: str(row["query"]) for row in queries}
    for row in corpus.table("candidates", ["query_id", "candidate", "split"]).to_pylist():
        if row["split"] in SPLITS and row["query_id"] in text_of:
            yield text_of[row["query_id"]], str(row["candidate"])
