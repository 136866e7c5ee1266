"""What `train answers` may be told; every default was chosen on valid."""

from pydantic import Field

from relatum_export.settings_file import StepSettings


class AnswerSettings(StepSettings):
    """How the answer head is built and trained."""

    members: int = Field(default=2, ge=1, le=20)
    """Heads of different seeds, side by side in one space: its cosines are the means of theirs."""
    hidden: int = Field(default=512, ge=8, le=4096)
    """Width of the layer between."""
    dropout: float = Field(default=0.3, ge=0.0, lt=1.0)
    """Share of inputs and hidden units zeroed in training."""
    temperature: float = Field(default=0.05, gt=0.0, le=1.0)
    """Cosines are divided by it before the softmax over replies."""
    epochs: int = Field(default=25, ge=1, le=1000)
    """Passes over the questions at most."""
    patience: int = Field(default=3, ge=1)
    """Passes without a lower valid loss before a head stops."""
    batch_questions: int = Field(default=256, ge=2)
    """Questions in a step."""
    max_replies: int = Field(default=2_000, ge=2)
    """Distinct replies that a step's questions choose among at most: their own, the rest drawn."""
    learning_rate: float = Field(default=1e-3, gt=0.0, le=1.0)
    """Peak of AdamW, after a warm-up over the first tenth; then a cosine to 0."""
    weight_decay: float = Field(default=0.01, ge=0.0, le=1.0)
    """Of AdamW."""
    seed: int = Field(default=0, ge=0)
    """Of every draw."""
