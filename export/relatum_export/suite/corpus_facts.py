"""What a corpus has, by which a set takes its steps."""

from collections.abc import Mapping

from relatum_export.corpus.folder import Corpus
from relatum_export.evaluation.protocols.next_basket import NEXT_BASKET
from relatum_export.evaluation.protocols.next_item import NEXT_ITEM
from relatum_export.training.answer_head.data import LEAST as LEAST_QUESTIONS

HAN_OR_KANA = ("zh", "ja")
JUDGED = ("judgments", "candidates")
MAX_SHARE = 0.05  # of texts in those: above it, the multilingual encoder


def language(corpus: Corpus) -> str:
    """Which shipped encoder a corpus takes: en or multilingual."""
    share = sum(corpus.languages.get(code, 0.0) for code in HAN_OR_KANA)
    return "multilingual" if share > MAX_SHARE else "en"


def readable(encoder: str, corpora: Mapping[str, Corpus]) -> list[Corpus]:
    """The corpora that a shipped encoder learns from: en from its own, multilingual from all.

    Chinese and Japanese rest on English as well.
    """
    return [c for c in corpora.values() if encoder != "en" or language(c) == encoder]


def recommends(corpus: Corpus) -> bool:
    """Whether a ranker of what shoppers take next can be fitted and judged."""
    asked = NEXT_ITEM.applies(corpus) or NEXT_BASKET.applies(corpus)
    return asked and has_valid_events(corpus)


def has_valid_events(corpus: Corpus) -> bool:
    """Whether there is something to choose on what shoppers take next."""
    cases = corpus.info["splits"].get("cases", {})
    return bool(corpus.info["splits"].get("events", {}).get("valid") or cases.get("valid"))


def has_pairs(corpus: Corpus) -> bool:
    """Whether its train part has pairs of texts to train an encoder on."""
    return any(one["split"] == "train" and one["pairs"] for one in corpus.info["pairs"])


def has_events(corpus: Corpus) -> bool:
    """Whether its train part has events."""
    return corpus.has("events") and _rows(corpus, "events", "train")


def has_labels(corpus: Corpus) -> bool:
    """Whether people labelled pairs of products to fit a head on and to choose it by."""
    return _rows(corpus, "pairs", "train") and _rows(corpus, "pairs", "valid")


def has_replies(corpus: Corpus) -> bool:
    """Whether its train part has questions with replies enough to fit an answer head on."""
    splits = corpus.info["splits"].get("faq", {})
    return bool(splits.get("train", 0) >= LEAST_QUESTIONS and splits.get("valid"))


def reads_together(corpus: Corpus) -> bool:
    """Whether people judged in English what a reranker reads: products or passages of a query."""
    judged = any(_rows(corpus, table, split) for table in JUDGED for split in ("train", "valid"))
    return judged and corpus.has("queries") and language(corpus) == "en"


def has_company(corpus: Corpus) -> bool:
    """Whether its train part says which products were bought together."""
    sold = corpus.has("items") and has_events(corpus)
    return sold or _rows(corpus, "bundles", "train")


def _rows(corpus: Corpus, table: str, split: str) -> bool:
    """Whether a table has rows in a split; `prepare` counts those of each, also where none is."""
    return bool(corpus.info["splits"].get(table, {}).get(split))
