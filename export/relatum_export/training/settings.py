"""What `train encoder` may be told."""

from pydantic import Field

from relatum_export.settings_file import StepSettings


class TrainSettings(StepSettings):
    """How an encoder is fine-tuned."""

    epochs: int = Field(default=1, ge=1, le=100)
    """Passes over the pairs."""
    batch_size: int = Field(default=32, ge=2, le=4096)
    """Pairs a step, each the negatives of the others."""
    max_pairs: int = Field(default=6_000, ge=2)
    """At most this many are drawn; a CPU takes about a second for 32 short ones."""
    learning_rate: float = Field(default=2e-5, gt=0.0, le=1.0)
    """Peak, after a warm-up over the first tenth of the steps."""
    seed: int = Field(default=0, ge=0)
    """Of every draw."""
    max_tokens: int = Field(default=64, ge=4)
    """Inputs of training are cut to this many tokens."""
    frozen_layers: int | None = Field(default=None, ge=0)
    """Lowest layers that stay as they are, the embeddings always; by default half of them."""
