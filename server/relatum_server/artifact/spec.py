"""What an artifact is made of, in plain values. Paths are absolute and verified."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from relatum_server.artifact.ranker import RankerSpec

CLASSES = ("unrelated", "same", "substitute", "complement")


@dataclass(frozen=True, slots=True)
class TextField:
    """One field of a product's text; `max_chars` 0 keeps the whole."""

    name: str
    max_chars: int


@dataclass(frozen=True, slots=True)
class TextForm:
    """Which fields enter a product's text, in order, and what stands between them."""

    fields: tuple[TextField, ...]
    separator: str


@dataclass(frozen=True, slots=True)
class Variant:
    """One exported graph: its precision, its file, the providers it is for, best first."""

    precision: str
    path: Path
    providers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """Everything that turns text into this artifact's vectors."""

    encoder_id: str
    base_model: str
    dimension: int
    query_prefix: str
    document_prefix: str
    max_tokens: int
    pad_token_id: int
    tokenizer_path: Path
    text_form: TextForm
    variants: tuple[Variant, ...]
    matryoshka_dimensions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SpaceSpec:
    """A space of precomputed item vectors; `load_space` reads it.

    Rows have length 1, but those of `complement_out` (asked with) and `complement_in` (found).
    """

    name: str
    vectors_path: Path
    ids_path: Path
    dimension: int


@dataclass(frozen=True, slots=True)
class PairHeadSpec:
    """The association head of ordered pairs (a, b).

    Its graph takes float32 `a` and `b` [batch, dimension], document vectors, and where there are
    `features` also float32 `features` [batch, features]; it gives float32 `probabilities`
    [batch, classes], calibrated.

    Attributes:
        classes: the columns of the output, each one of `CLASSES`.
        learned: those that labels spoke for; the others always have probability 0.
        features: names of the pair's further features, in order.
        words_path: weights of words that features are made of (`read_words`); None without any.
        label_sources: (label, people or a kind of behaviour, training pairs).
        golden_path: inputs and outputs (`read_graph_golden`).
        golden_features_path: pairs and their features (`read_pairs`); None without features.
    """

    path: Path
    classes: tuple[str, ...]
    learned: tuple[str, ...]
    dimension: int
    features: tuple[str, ...]
    words_path: Path | None
    temperature: float
    label_sources: tuple[tuple[str, str, int], ...]
    golden_path: Path
    golden_features_path: Path | None


@dataclass(frozen=True, slots=True)
class UserEncoderSpec:
    """From a history to a query.

    Its graph takes float32 `vectors` [batch, length, dimension], oldest first, padded at the end
    with anything, int64 `lengths` [batch], and if `reads_gaps` float32 `gap_days` [batch, length]
    (days from each event to the next, of the last to now; -1 unknown); it gives float32 `query`
    [batch, dimension], of length 1, for inner products with the vectors of `space`.

    Attributes:
        max_history: the newest so many events are read.
        repeats: whether it names again what the shopper has; if not, leave those out.
        golden_path: inputs and outputs (`read_graph_golden`).
    """

    path: Path
    space: str
    dimension: int
    max_history: int
    reads_gaps: bool
    repeats: bool
    golden_path: Path


@dataclass(frozen=True, slots=True)
class RidgeSpec:
    """A linear map from document vectors into `space`; `load_ridge` reads it."""

    path: Path
    space: str
    input_dimension: int
    dimension: int


@dataclass(frozen=True, slots=True)
class WordsSpec:
    """What words count beside the cosine, at least 0.

    Attributes:
        path: the weights of words; `read_words(path, "products")` reads them.
        similar: the similarity of two products' titles.
        search: BM25 over a query's best, in the whole catalogue.
        rerank: the same among products that the caller names.
    """

    path: Path
    similar: float
    search: float
    rerank: float


@dataclass(frozen=True, slots=True)
class RerankerSpec:
    """Reads a query and a text together.

    Its graphs take int64 `input_ids` and `attention_mask` [batch, tokens] and give float32 `score`
    [batch].

    Attributes:
        max_tokens: longer pairs are cut, the longer of the two first.
        variants: the exported graphs.
        rerank: weight of a score beside the cosine, among products that the caller names.
        golden_path: pairs with their scores by precision.
    """

    tokenizer_path: Path
    max_tokens: int
    pad_token_id: int
    variants: tuple[Variant, ...]
    rerank: float
    golden_path: Path


@dataclass(frozen=True, slots=True)
class Artifact:
    """A verified artifact: its files have the hashes of the manifest. None where a part is absent.

    Attributes:
        transitions_path: ordered pairs of one history (item_id_a, item_id_b, weight float32); the
            weight is a decayed count, divided by nothing yet.
        graph_path: the knowledge graph (source, relation, target, count).
        golden_max_difference: largest difference of a head's output from its golden one.
    """

    path: Path
    name: str
    model_id: str
    encoder: EncoderSpec
    spaces: tuple[SpaceSpec, ...]
    copurchase_path: Path | None
    popularity_path: Path | None
    golden_path: Path
    golden_min_cosine: float
    languages: Mapping[str, float]
    pair_head: PairHeadSpec | None = None
    user_encoder: UserEncoderSpec | None = None
    ridge: RidgeSpec | None = None
    transitions_path: Path | None = None
    ranker: RankerSpec | None = None
    graph_path: Path | None = None
    golden_max_difference: float = 0.0
    words: WordsSpec | None = None
    reranker: RerankerSpec | None = None
