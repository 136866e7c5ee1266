"""What `train users` may be told; every default was chosen on valid."""

from typing import Literal, Self

from pydantic import Field, model_validator

from relatum_export.settings_file import StepSettings

FULL_SOFTMAX_ITEMS = 20_000
NEGATIVES = 4_096
SMALL_CATALOGUE = 6_000  # items bought
SMALL_DIMENSION = 256
FEW_EVENTS = 100_000
SMALL_BATCH = 512


class UserSettings(StepSettings):
    """How the user encoder is built and trained."""

    dimension: int = Field(default=128, ge=8, le=1024)
    """Length of a behaviour vector, a multiple of ``heads``; where it is not given, 256 for a
    catalogue of which at most 6,000 items were bought."""
    layers: int = Field(default=2, ge=1, le=12)
    """Transformer layers."""
    heads: int = Field(default=2, ge=1, le=16)
    """Attention heads of a layer."""
    dropout: float = Field(default=0.4, ge=0.0, lt=1.0)
    """Share of the activations zeroed in training."""
    max_history: int = Field(default=50, ge=2, le=512)
    """Events of a shopper that are read, the newest; longer ones are cut into windows to train."""
    epochs: int = Field(default=30, ge=1, le=1000)
    """Passes over the histories at most."""
    patience: int = Field(default=3, ge=1)
    """Passes without a better valid NDCG@10 before it stops; the best pass is kept."""
    batch_events: int = Field(default=1_024, ge=2)
    """Events in a step, padding included; where it is not given, 512 below 100,000 events."""
    learning_rate: float = Field(default=1e-3, gt=0.0, le=1.0)
    """Of AdamW, reached over the first ``warm_up`` steps, constant after."""
    warm_up: int = Field(default=50, ge=0)
    """Steps of linear warm-up."""
    weight_decay: float = Field(default=0.01, ge=0.0, le=1.0)
    """Of AdamW, for the matrices of the transformer and the projection of texts."""
    id_decay: float = Field(default=0.0, ge=0.0)
    """Of the learned id vectors, divided by the root of 1 + the item's count in the histories."""
    average: float = Field(default=0.99, ge=0.0, lt=1.0)
    """Decay a step of the running average of the weights that is judged and kept; 0: none."""
    temperature: float = Field(default=0.1, gt=0.0)
    """Divides the cosines before the softmax."""
    label_smoothing: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Share of the target spread evenly over the catalogue."""
    softmax: Literal["auto", "full", "sampled"] = "auto"
    """Over the catalogue or, with logQ correction, a sample of it; auto: full to 20,000 items."""
    negatives: int | None = Field(default=None, ge=1)
    """Items drawn a step for the sampled softmax; by default 4,096."""
    repeats: Literal["auto", "on", "off"] = "auto"
    """Whether what a shopper has is a target; auto: where the shop's protocol keeps it."""
    time_gaps: Literal["auto", "on", "off"] = "auto"
    """Whether the days to the next event are read; auto: where all events have a time."""
    seed: int = Field(default=0, ge=0)
    """Of every draw."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.dimension % self.heads:
            raise ValueError(f"dimension {self.dimension} is no multiple of heads {self.heads}")
        if self.negatives is not None and self.softmax == "full":
            raise ValueError("negatives belong to a sampled softmax, and softmax is full")
        if self.batch_events < self.max_history:
            raise ValueError(
                f"batch_events {self.batch_events} is below max_history {self.max_history}"
            )
        return self

    def for_shop(self, bought: int, events: int) -> Self:
        """The settings with what was not given chosen by the shop's size.

        Few items are told apart better by long vectors, and few events make too few steps of a
        large batch; both were seen on valid of two shops.

        Args:
            bought: items that were bought.
            events: of all histories.
        """
        sized: dict[str, int] = {}
        if bought <= SMALL_CATALOGUE and SMALL_DIMENSION % self.heads == 0:
            sized["dimension"] = SMALL_DIMENSION
        if events < FEW_EVENTS and self.max_history < SMALL_BATCH:
            sized["batch_events"] = SMALL_BATCH
        given = self.model_fields_set
        return self.model_copy(update={k: v for k, v in sized.items() if k not in given})

    def sampled_items(self, bought: int) -> int | None:
        """Items drawn a step of a catalogue of which ``bought`` were bought; None: all of them."""
        if self.softmax == "full" or (self.softmax == "auto" and bought <= FULL_SOFTMAX_ITEMS):
            return None
        return NEGATIVES if self.negatives is None else self.negatives
