"""What `pretrain` can be told, by `--config` in TOML."""

from typing import Literal, Self

from pydantic import Field, model_validator

from relatum_export.settings_file import StepSettings


class PretrainSettings(StepSettings):
    """Learning a shop's language from its own texts, without labels."""

    objective: Literal["mlm", "tsdae"] = "mlm"
    """`mlm`: guess masked tokens. `tsdae`: rebuild a text from the vector of a damaged copy."""

    max_texts: int = Field(default=12_000, ge=20)
    """Texts at most, by a fixed draw over products, reviews, questions and queries."""

    max_tokens: int = Field(default=64, ge=8, le=512)
    """Texts are cut to so many tokens."""

    epochs: int = Field(default=1, ge=1, le=100)
    """Passes over the texts."""

    batch_size: int = Field(default=32, ge=2, le=4096)
    """Texts a step."""

    learning_rate: float = Field(default=5e-5, gt=0, le=1)
    """Peak, after the warm-up; it falls to 0."""

    warm_up: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps over which the rate rises."""

    weight_decay: float = Field(default=0.01, ge=0, le=1)
    """L2 penalty of AdamW."""

    masked_share: float | None = Field(default=None, gt=0, lt=1)
    """Of `mlm`: share of tokens to guess; .15 unless given."""

    deleted_share: float | None = Field(default=None, gt=0, lt=1)
    """Of `tsdae`: share of words deleted from the copy; .6 unless given."""

    frozen_embeddings: bool = True
    """Word vectors stay as they are: faster, and words the shop does not use lose nothing."""

    kept_share: float | Literal["valid"] = "valid"
    """How much of the new weights is kept, the rest being the base's: a share of 0 to 1, or what
    ranks best on valid of a quarter, a half, three quarters and all. Without a valid split: a half.
    None of it is not among them: that would be the base."""

    seed: int = Field(default=0, ge=0)
    """Of every draw."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.objective == "mlm" and self.deleted_share is not None:
            raise ValueError("deleted_share belongs to objective tsdae, and objective is mlm")
        if self.objective == "tsdae" and self.masked_share is not None:
            raise ValueError("masked_share belongs to objective mlm, and objective is tsdae")
        if self.batch_size > self.max_texts:
            raise ValueError("batch_size is larger than max_texts")
        if not isinstance(self.kept_share, str) and not 0 < self.kept_share <= 1:
            raise ValueError("kept_share must be above 0 and at most 1, or `valid`")
        return self
