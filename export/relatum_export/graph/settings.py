"""What `build graph` can be told, by `--config` in TOML."""

from typing import Literal, Self

from pydantic import Field, model_validator

from relatum_export.settings_file import StepSettings


class EdgeSettings(StepSettings):
    """Which facts and pairs become edges."""

    min_products: int = Field(default=2, ge=2)
    """A brand, category or attribute value of fewer products joins nothing and is left out."""

    max_share: float = Field(default=0.2, gt=0, le=1)
    """A value that a larger share of the catalogue has says nothing and is left out."""

    max_value_chars: int = Field(default=80, ge=1)
    """A longer attribute value is prose, not a value, and is left out."""

    pairs_per_item: int = Field(default=50, ge=1)
    """Co-purchase edges kept of each product, the most frequent."""


class DiffusionSettings(StepSettings):
    """How text vectors are smoothed over the graph; lists are tried on valid, the best is kept."""

    alphas: tuple[float, ...] = Field(default=(0.1, 0.2, 0.3, 0.5), min_length=1)
    """Shares of the neighbours in each step; the text keeps the rest. The first is taken where
    there is nothing to measure on."""

    steps: tuple[int, ...] = Field(default=(1, 2), min_length=1)
    """How far a vector travels."""

    relation_sets: tuple[tuple[str, ...], ...] = Field(
        default=(
            ("brand", "category", "attribute", "bought_with"),
            ("bought_with",),
            ("brand", "category", "attribute"),
        ),
        min_length=1,
    )
    """Relations to travel along."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if not all(0 < alpha < 1 for alpha in self.alphas):
            raise ValueError("diffusion.alphas must lie between 0 and 1")
        if not all(1 <= step <= 10 for step in self.steps):  # noqa: PLR2004
            raise ValueError("diffusion.steps must lie between 1 and 10")
        known = {"brand", "category", "attribute", "bought_with"}
        unknown = {name for names in self.relation_sets for name in names} - known
        if unknown or not all(self.relation_sets):
            raise ValueError(
                f"diffusion.relation_sets holds {', '.join(sorted(unknown)) or 'an empty set'}; "
                f"each must be of {', '.join(sorted(known))}"
            )
        return self


class ComplementSettings(StepSettings):
    """How directed pairs become vectors; lists are tried on valid, the best is kept."""

    dimension: int = Field(default=128, ge=2, le=1024)
    """Components kept."""

    min_count: int = Field(default=2, ge=1)
    """A product in fewer baskets gets no vector."""

    next_basket_weights: tuple[float, ...] = Field(default=(0.0, 0.3), min_length=1)
    """Weight of a product in the shopper's next basket beside one in the same basket (1). Only
    where the source has baskets; otherwise the order of the history gives the direction."""

    weightings: tuple[Literal["scaled", "ppmi"], ...] = Field(
        default=("scaled", "ppmi"), min_length=1
    )
    """What the matrix holds: counts divided by powers of both sides' sums, or the shifted positive
    pointwise mutual information."""

    target_powers: tuple[float, ...] = Field(default=(0.1, 0.25), min_length=1)
    """Of `scaled`: a target's column is divided by its sum to this power; a row always by the
    square root of its own."""

    shifts: tuple[float, ...] = Field(default=(1.0, 5.0), min_length=1)
    """Of `ppmi`: log of this is taken from each."""

    context_powers: tuple[float, ...] = Field(default=(0.5, 0.75), min_length=1)
    """Of `ppmi`: smoothing of the target's marginal; below 1, frequent targets gain and the matrix
    has a direction even where the counts have none."""

    pairs_per_item: int = Field(default=300, ge=1)
    """Pairs of each product that enter the matrix, the most frequent."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if min(*self.next_basket_weights, *self.context_powers, *self.target_powers, 0) < 0:
            raise ValueError("complement: weights and powers must not be negative")
        if min(self.shifts) < 1:
            raise ValueError("complement.shifts must be at least 1")
        return self


class GraphSettings(StepSettings):
    """All of `build graph`."""

    edges: EdgeSettings = EdgeSettings()
    """Table [edges]."""

    diffusion: DiffusionSettings = DiffusionSettings()
    """Table [diffusion]."""

    complement: ComplementSettings = ComplementSettings()
    """Table [complement]."""

    max_cases: int = Field(default=1000, ge=1)
    """Valid baskets, histories or queries that the choices are made on, by a fixed draw."""

    seed: int = Field(default=0, ge=0)
    """Of the draws and of the truncated SVD."""
