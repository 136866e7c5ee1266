"""What `compress` can be told, by `--config` in TOML."""

from typing import Literal, Self

from pydantic import Field, model_validator

from relatum_export.settings_file import StepSettings

Precision = Literal["fp32", "fp16", "int8", "int8-static", "int8-qdq"]


class CompressSettings(StepSettings):
    """Smaller and faster forms of an encoder, and what they may cost."""

    students: dict[str, float] = Field(default={"half": 1 / 2, "third": 1 / 3})
    """Share of the layers that each student keeps, by name. Empty: only precisions are tried."""

    precisions: tuple[Precision, ...] = ("fp32", "fp16", "int8", "int8-static", "int8-qdq")
    """Forms of each model: fused fp32; fp16 for CUDA; int8 with ranges by the batch (`int8`), with
    ranges fixed by calibration in the same kernels (`int8-static`), and as QDQ nodes."""

    prune_vocabulary: bool = True
    """Drop the pieces of scripts that no text of the corpora is written in."""

    min_script_share: float = Field(default=1e-4, ge=0, lt=1)
    """A script with a smaller share of the letters keeps only the pieces that texts use."""

    max_texts: int = Field(default=16_000, ge=20)
    """Texts that the students imitate their teacher on, by a fixed draw."""

    max_tokens: int = Field(default=48, ge=8, le=512)
    """Texts of distillation are cut to so many tokens."""

    epochs: int = Field(default=2, ge=1, le=100)
    """Passes over the texts."""

    batch_size: int = Field(default=16, ge=2, le=4096)
    """Texts a step, of near length."""

    learning_rate: float = Field(default=1e-3, gt=0, le=1)
    """Peak, after the warm-up; it falls to 0 along a cosine."""

    warm_up: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps over which the rate rises."""

    weight_decay: float = Field(default=0.0, ge=0, le=1)
    """L2 penalty of AdamW."""

    token_weight: float = Field(default=3.0, ge=0)
    """Weight of the difference of the tokens' states beside that of the texts' vectors."""

    relation_weight: float = Field(default=1.0, ge=0)
    """Weight of the difference of the cosines between the texts of a batch."""

    calibration_texts: int = Field(default=256, ge=1)
    """Texts whose ranges the static forms take, spread by length."""

    ranked_documents: int = Field(default=1_200, ge=10)
    """Of each corpus's valid part at most so many documents are ranked, by a fixed draw."""

    max_loss: float = Field(default=0.015, ge=0, lt=1)
    """Relative loss of the ranking figure beyond which a form cannot be the default."""

    max_batch_change: float = Field(default=0.002, ge=0, le=1)
    """Largest 1 - cosine between a text alone and among others beyond which it cannot either."""

    seed: int = Field(default=0, ge=0)
    """Of every draw."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        for name, share in self.students.items():
            if not name.isidentifier() or name == "teacher":
                raise ValueError(f"students.{name}: a student's name is a word other than teacher")
            if not 0 < share < 1:
                raise ValueError(f"students.{name} must be a share of the layers between 0 and 1")
        if not self.precisions:
            raise ValueError("precisions must name at least one")
        if self.batch_size > self.max_texts:
            raise ValueError("batch_size is larger than max_texts")
        return self
