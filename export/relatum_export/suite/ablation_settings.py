"""What an ablation may be told, and the recipe that each of its variants comes to."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from relatum_export.errors import InputError
from relatum_export.settings_file import StepSettings, first_complaint, toml_lines
from relatum_export.training.settings import TrainSettings

FULL = "full"
WORD = re.compile(r"[a-z0-9][a-z0-9.-]*")  # a variant's folder


class Ablation(StepSettings):
    """One change of the recipe."""

    name: str
    """Of its line in the table and of its folder: small letters, digits, hyphens, points."""
    settings: dict[str, Any] = Field(min_length=1)
    """Keys of `train encoder --config` in the place of the recipe's; a table is changed key by
    key."""

    @field_validator("name")
    @classmethod
    def _is_word(cls, name: str) -> str:
        if not WORD.fullmatch(name) or name == FULL:
            raise ValueError(f"{name!r} is no name: small letters, digits, hyphens; not {FULL}")
        return name


class Ablations(StepSettings):
    """Which changes of which encoder's recipe are tried."""

    encoder: Literal["en", "multilingual"] = "en"
    """Whose recipe."""
    max_pairs: int | None = Field(default=None, ge=2)
    """Budget of every variant, the full recipe too; by default the recipe's own."""
    sets: tuple[str, ...] = ()
    """Judged on; by default every set that texts alone answer."""
    ablation: tuple[Ablation, ...] = ()
    """The changes."""

    @field_validator("ablation")
    @classmethod
    def _named_once(cls, found: tuple[Ablation, ...]) -> tuple[Ablation, ...]:
        names = [one.name for one in found]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} is there twice")
        if not found:
            raise ValueError("give at least one [[ablation]] with a name and settings")
        return found


@dataclass(frozen=True, slots=True)
class Variant:
    """A recipe to train.

    Attributes:
        name: full, or that of the ablation.
        changed: keys in the place of the recipe's.
        toml: the whole config.
    """

    name: str
    changed: Mapping[str, Any]
    toml: str


def variants(asked: Ablations, recipe: Path) -> list[Variant]:
    """The full recipe and every change of it, all seen to be accepted before one is trained.

    Raises:
        InputError: the recipe cannot be read, or `train encoder` refuses a variant.
    """
    try:
        base = tomllib.loads(recipe.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{recipe} cannot be read: {error}") from error
    if asked.max_pairs is not None:
        base["max_pairs"] = asked.max_pairs
    changes: list[tuple[str, Mapping[str, Any]]] = [(FULL, {})]
    changes += [(one.name, one.settings) for one in asked.ablation]
    found = []
    for name, changed in changes:
        values = merged(base, changed)
        try:
            TrainSettings.model_validate(values)
        except ValidationError as error:
            complaint = first_complaint(error, TrainSettings)
            raise InputError(f"ablation {name}: {complaint}") from error
        found.append(Variant(name, changed, "\n".join(toml_lines(values)) + "\n"))
    return found


def merged(recipe: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe with the changes; a table's keys stand beside those of the recipe or the default.

    Args:
        recipe: keys of `TrainSettings`.
        changed: likewise.
    """
    values = dict(recipe)
    for key, value in changed.items():
        field = TrainSettings.model_fields.get(key)
        before = values.get(key, None if field is None else field.default)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            values[key] = {**before, **value}
        else:
            values[key] = value
    return values
