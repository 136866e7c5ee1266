"""What `train encoder` may be told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from relatum_export.settings_file import StepSettings
from relatum_export.training.arithmetic import Precision

KINDS = (
    "query_product",
    "question_answer",
    "title_description",
    "title_category",
    "review_product",
    "co_bought",
    "bundle",
    "same_product",
)
LEAST_TEXT = 4  # tokens of a text, special ones included


class TrainSettings(StepSettings):
    """How an encoder is fine-tuned."""

    epochs: int = Field(default=1, ge=1, le=100)
    """Passes; each draws pairs and noise anew, as far as there are other pairs to draw."""
    batch_size: int = Field(default=32, ge=2, le=4096)
    """Pairs a step, each the negatives of the others, all of one corpus and one kind."""
    max_pairs: int = Field(default=6_000, ge=2)
    """At most this many a pass, of all corpora and kinds together."""
    learning_rate: float = Field(default=2e-5, gt=0.0, le=1.0)
    """Peak, after the warm-up."""
    warm_up: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Share of the steps over which the learning rate rises from 0."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """How the learning rate goes on after the warm-up: down to 0, or not at all."""
    weight_decay: float = Field(default=0.0, ge=0.0, le=1.0)
    """L2 of AdamW, not on biases and norms."""
    dropout: float | None = Field(default=None, ge=0.0, lt=1.0)
    """Of the transformer while it is trained; by default what its own configuration says."""
    seed: int = Field(default=0, ge=0)
    """Of every draw."""
    max_tokens: int = Field(default=64, ge=LEAST_TEXT)
    """Inputs of training are cut to this many tokens."""
    precision: Precision = "auto"
    """Of matrix products while training: fp32, bf16, or auto: bf16 where the processor or GPU has
    it built in, which takes about half the time. Weights, losses and evaluations stay fp32."""
    frozen_layers: int | None = Field(default=None, ge=0)
    """Lowest layers that stay as they are, the embeddings always; by default half of them."""

    size_exponent: float = Field(default=0.5, ge=0.0, le=1.0)
    """A corpus's kind of pairs takes a share of max_pairs like its size to this power: 1 is by
    size, 0 the same for each."""
    kind_weights: Mapping[str, float] = Field(default={"co_bought": 0.1})
    """Factors on the shares by kind: query_product, question_answer, title_description,
    title_category, review_product, co_bought, bundle, same_product; 0 leaves a kind out, 1 where
    none is given. A shop with co-bought pairs alone learns from those all the same."""
    corpus_weights: Mapping[str, float] = Field(default={})
    """Factors on the shares by corpus; 1 where none is given."""
    graded_weight: float = Field(default=1.0, ge=0.0, le=100.0)
    """Factor on the shares of what people graded, learned by CoSENT; 0 leaves it out."""
    graded_within: Literal["batch", "query"] = "batch"
    """Whether grades are compared over the batch, or among those of one query alone."""
    scale: float = Field(default=20.0, gt=0.0, le=200.0)
    """What cosines are multiplied by before the softmax: the inverse of its temperature."""
    matryoshka_dims: tuple[int, ...] = (384, 256, 128)
    """Leading coordinates that must serve alone; those above the encoder's length are left out,
    and its own length is always among them. Empty: the whole vector only."""
    matryoshka_weights: tuple[float, ...] = ()
    """Weight of each of matryoshka_dims in the loss; 1 each where empty."""

    guide: Literal["none", "absolute", "relative"] = "absolute"
    """Whether a negative that the base finds nearer to the anchor than the anchor's own partner is
    no negative, and how guide_margin is taken: from the partner's similarity, or as a share."""
    guide_margin: float = Field(default=0.0, ge=-1.0, le=1.0)
    """A negative is masked when it is nearer than the partner less this."""
    guide_floor: float = Field(default=0.5, ge=-1.0, le=1.0)
    """A negative less similar than this to the base is never masked, however far the partner."""
    unguided_kinds: tuple[str, ...] = ("bundle", "co_bought")
    """Kinds whose negatives the base does not judge: what goes together is seldom alike, so it
    would mask nearly all that there is to learn from."""

    hard_negatives: int = Field(default=0, ge=0, le=5)
    """Negatives beside the batch's, a pair: what the base finds nearest among the other pairs of
    the same corpus and kind, known partners left out."""
    hard_negative_margin: float = Field(default=0.05, ge=0.0, lt=1.0)
    """A hard negative is less similar than the partner by this share of its similarity."""
    adversarial_epsilon: float = Field(default=0.0, ge=0.0, le=100.0)
    """Length of the step by which each text's word embeddings are moved against the loss, for a
    second pass of each batch (FGM); 0: none."""
    adapter: Literal["none", "lora", "adalora", "prefix"] = "none"
    """Train something small in place of the upper layers, merged before the run is written:
    low-rank adapters (lora, adalora), or virtual tokens before each text (prefix: prompt tuning),
    which become words of the vocabulary and want a learning_rate of about 1e-2. A prefix is taken
    whole, or left where it does not beat the base on valid."""
    prefix_tokens: int = Field(default=8, ge=1, le=64)
    """Virtual tokens of adapter prefix; they count among max_tokens."""
    adapter_rank: int = Field(default=8, ge=1, le=256)
    """Rank of the adapters; of adalora the mean rank at the end."""
    adapter_alpha: float = Field(default=16.0, gt=0.0, le=1024.0)
    """What the adapters are multiplied by, divided by their rank."""
    adapter_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Of what the adapters read."""

    typo_probability: float = Field(default=0.1, ge=0.0, le=1.0)
    """Queries with typing errors: one edit in a word (two letters swapped, one dropped, doubled, or
    its neighbour on the keyboard)."""
    typo_words: float = Field(default=0.3, ge=0.0, le=1.0)
    """Share of the words of such a query with an edit; at least one."""
    choose_forms: bool = True
    """Whether each corpus's form of text is chosen by its valid part before training; that takes
    an encoding of valid a form. Where it is not, everything is the form (field_dropout varies it),
    and a run on one corpus leaves the choice to the export."""
    field_dropout: float = Field(default=0.3, ge=0.0, le=1.0)
    """Products in another form than the corpus's own: title alone, title and category, title and
    description, or everything, so that the encoder reads any."""
    synonyms: Path | None = None
    """File of a shop's synonyms: a line of words or phrases that stand for each other, with commas
    between."""
    synonym_probability: float = Field(default=0.0, ge=0.0, le=1.0)
    """Queries in which one word is replaced by a synonym."""
    back_translation: tuple[str, str] | None = None
    """Two models of transformers that translate (sequence to sequence, one language pair each),
    from the queries' language to another and back: hub ids, or folders. What comes back is another
    wording of a query; it is made once, before training."""
    back_translation_probability: float = Field(default=0.0, ge=0.0, le=1.0)
    """Queries that stand in the wording that came back."""

    evaluations: int = Field(default=2, ge=0, le=100)
    """How often valid is measured while training; the best weights are kept. 0: at the end only."""
    patience: int = Field(default=3, ge=1)
    """Evaluations without a gain after which training stops; more than evaluations: never."""
    validation_queries: int = Field(default=200, ge=1)
    """Queries of a corpus's valid split, at most."""
    validation_documents: int = Field(default=1_000, ge=10)
    """Products or texts of a corpus's valid split that they are sought among, at most."""
    validation_total: int = Field(default=6_000, ge=10)
    """Products or texts of all corpora together in one evaluation, at most."""
    validation_tokens: int = Field(default=128, ge=LEAST_TEXT)
    """Inputs of an evaluation are cut to this many tokens."""
    max_loss: float = Field(default=0.01, ge=0.0, le=1.0)
    """How far a corpus's valid figure may fall below the base's; a share of the fine-tuned weights
    that costs a corpus more is not taken."""
    fine_tuned_share: float | None = Field(default=None, gt=0.0, le=1.0)
    """Share of the fine-tuned weights, averaged with the base's; by default valid chooses it."""

    @model_validator(mode="after")
    def _consistent(self) -> "TrainSettings":
        if self.matryoshka_weights and len(self.matryoshka_weights) != len(self.matryoshka_dims):
            raise ValueError(
                f"matryoshka_weights has {len(self.matryoshka_weights)} numbers and "
                f"matryoshka_dims {len(self.matryoshka_dims)}; give one each"
            )
        if any(dim < 1 for dim in self.matryoshka_dims):
            raise ValueError("matryoshka_dims must be above 0")
        unknown = sorted({*self.kind_weights, *self.unguided_kinds} - {*KINDS})
        if unknown:
            raise ValueError(f"there is no kind {unknown[0]}; the kinds are {', '.join(KINDS)}")
        for name in ("kind_weights", "corpus_weights"):
            if any(weight < 0 for weight in getattr(self, name).values()):
                raise ValueError(f"{name} must not be below 0")
        self._refuse_contradictions()
        return self

    def _refuse_contradictions(self) -> None:
        if self.adapter != "none" and self.frozen_layers is not None:
            raise ValueError(
                f"frozen_layers contradicts adapter {self.adapter}, which freezes all layers; "
                "leave one out"
            )
        if self.adapter == "prefix":
            self._refuse_prefix()
        if (self.synonyms is None) != (self.synonym_probability == 0.0):
            raise ValueError("synonyms and synonym_probability belong together; give both or none")
        if (self.back_translation is None) != (self.back_translation_probability == 0.0):
            raise ValueError(
                "back_translation and back_translation_probability belong together; give both or "
                "none"
            )

    def _refuse_prefix(self) -> None:
        if self.fine_tuned_share not in (None, 1.0):
            raise ValueError(
                "adapter prefix leaves no weights to average with the base's; give "
                "fine_tuned_share = 1.0, to take it whatever it is worth, or leave it out"
            )
        for name in ("max_tokens", "validation_tokens"):
            if getattr(self, name) < self.prefix_tokens + LEAST_TEXT:
                raise ValueError(
                    f"prefix_tokens {self.prefix_tokens} leaves no room for text in {name} "
                    f"{getattr(self, name)}; give fewer, or a larger {name}"
                )
