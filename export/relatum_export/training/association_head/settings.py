"""What `train pairs` may be told; every default was chosen on valid."""

from typing import Literal, Self

from pydantic import Field, model_validator

from relatum_export.settings_file import StepSettings
from relatum_export.training.association_head.classes import CLASSES

JOINT_DEFAULTS = {"joint_epochs": 3, "joint_learning_rate": 3e-5, "joint_layers": 3}


class PairSettings(StepSettings):
    """How the association head is built and trained."""

    text_form: Literal["auto", "title", "title+description", "title+category", "full"] = "auto"
    """Of products, for an encoder without a form of its own; auto: the one that `export` takes."""
    members: int = Field(default=3, ge=1, le=20)
    """Heads of different seeds whose logits are averaged, all in one graph."""
    word_members: int = Field(default=2, ge=0, le=20)
    """Further ones that read the features alone, mixed in as far as valid asks for."""
    hidden: int = Field(default=256, ge=8, le=4096)
    """Width of the layer between."""
    dropout: float = Field(default=0.3, ge=0.0, lt=1.0)
    """Share of the hidden units zeroed in training."""
    vector_dropout: float = Field(default=0.5, ge=0.0, lt=1.0)
    """Share of the inputs made of the two vectors zeroed in training."""
    lexical: bool = True
    """Whether words, numbers, model codes, brand, category and price enter beside the vectors."""
    bins: int = Field(default=16, ge=1, le=64)
    """Pieces, at quantiles of train, of the piecewise linear encoding of each such feature."""
    epochs: int = Field(default=20, ge=1, le=1000)
    """Passes over the pairs at most."""
    patience: int = Field(default=6, ge=1)
    """Passes without a lower valid NLL (at its best temperature) before a head stops."""
    batch_pairs: int = Field(default=256, ge=2)
    """Pairs in a step."""
    learning_rate: float = Field(default=6e-3, gt=0.0, le=1.0)
    """Peak of AdamW, after a warm-up over the first tenth; then a cosine to 0."""
    weight_decay: float = Field(default=0.01, ge=0.0, le=1.0)
    """Of AdamW."""
    trees: int = Field(default=400, ge=0, le=5_000)
    """Rounds of boosted trees over the features, mixed in as far as valid asks for; 0: none."""
    tree_depth: int = Field(default=6, ge=1, le=12)
    """Cuts from a tree's root to a leaf."""
    tree_learning_rate: float = Field(default=0.05, gt=0.0, le=1.0)
    """Shrinks each tree."""
    class_weight: float = Field(default=0.5, ge=0.0, le=1.0)
    """Weight of a label = (mean count / its count) to this power; 0: all alike, 1: balanced."""
    soft_votes: bool = True
    """Train on the shares of the annotators' votes where the set has them."""
    swap: bool = True
    """Show pairs of the symmetric classes in both directions; complements keep theirs."""
    relations: dict[str, str] = Field(default_factory=dict)
    """Further words of the column `relation`, each with its class: {"accessory" = "complement"}."""
    weak_labels: bool = True
    """Take labels from behaviour for the classes that nobody judged."""
    max_weak_pairs: int = Field(default=5_000, ge=10)
    """Pairs of each such class, by a fixed draw."""
    unrelated_per_pair: float = Field(default=2.0, gt=0.0, le=20.0)
    """Unrelated pairs sampled for each weak pair of the larger other class."""
    joint: bool = False
    """Train the encoder's upper layers too; the run then holds an encoder of its own."""
    joint_epochs: int | None = Field(default=None, ge=1, le=100)
    """Passes of encoder and head together; by default 3."""
    joint_learning_rate: float | None = Field(default=None, gt=0.0, le=1.0)
    """Peak for the encoder's layers; by default 3e-5."""
    joint_layers: int | None = Field(default=None, ge=1)
    """Upper layers that move; by default 3."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where joint training runs; the head alone is fitted on the CPU."""
    seed: int = Field(default=0, ge=0)
    """Of every draw."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = [name for name in JOINT_DEFAULTS if getattr(self, name) is not None]
        if given and not self.joint:
            raise ValueError(f"{given[0]} needs joint = true")
        for word, name in self.relations.items():
            if name not in CLASSES:
                raise ValueError(
                    f"relations: {word} = {name!r} is no class; classes are {', '.join(CLASSES)}"
                )
        return self

    def joint_value(self, name: str) -> float:
        """A setting of joint training, its default where it was not given."""
        value = getattr(self, name)
        return float(JOINT_DEFAULTS[name] if value is None else value)
