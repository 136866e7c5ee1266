"""The settings of a step: a documented model, read from a TOML file that may hold nothing else."""

import json
import textwrap
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from relatum_export.errors import InputError

WIDTH = 96  # of the comments


class StepSettings(BaseModel):
    """Base of every step's settings: frozen, unknown keys refused, docstrings as descriptions."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


Settings = TypeVar("Settings", bound=StepSettings)


def read_settings(
    kind: type[Settings], file: Path | None, flags: Mapping[str, Any] | None = None
) -> Settings:
    """The settings of ``file``, flags on top; the defaults without either.

    Args:
        kind: the model.
        file: TOML with keys of the model, or None.
        flags: what the command line gave; an entry of None was not given.

    Raises:
        InputError: the file cannot be read, or a value or the combination of values is refused.
    """
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"cannot read --config {file}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"--config {file} is not TOML: {error}") from error
    values |= {key: value for key, value in (flags or {}).items() if value is not None}
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        where = f"--config {file}" if file is not None else "settings"
        raise InputError(f"{where}: {first_complaint(error, kind)}") from error


def documented_toml(kind: type[StepSettings]) -> str:
    """The defaults as a file for ``--config``, each key under what its docstring says."""
    return "\n".join(_lines(kind(), ())) + "\n"


def show_defaults(kind: type[StepSettings]) -> Callable[[bool], None]:
    """The callback of ``--show-config``: print ``documented_toml`` and leave."""

    def show(asked: bool) -> None:
        if asked:
            typer.echo(documented_toml(kind), nl=False)
            raise typer.Exit

    return show


def _lines(settings: StepSettings, path: tuple[str, ...]) -> Iterator[str]:
    tables: list[tuple[str, StepSettings]] = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, StepSettings):
            tables.append((name, value))
            continue
        for paragraph in textwrap.wrap(" ".join((field.description or "").split()), WIDTH):
            yield f"# {paragraph}"
        if value is None:
            yield f"# {name} ="
        else:
            yield from toml_lines({name: value})
        yield ""
    for name, table in tables:
        yield f"[{'.'.join((*path, name))}]"
        yield from _lines(table, (*path, name))


def toml_lines(values: Mapping[str, Any]) -> Iterator[str]:
    """Keys and values as lines of TOML, tables inline."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            inner = ", ".join(f"{key} = {_toml(of)}" for key, of in value.items())
            yield f"{name} = {{ {inner} }}"
        else:
            yield f"{name} = {_toml(value)}"


def _toml(value: Any) -> str:
    """TOML's literals for strings, numbers and lists are JSON's."""
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def first_complaint(error: ValidationError, kind: type[StepSettings]) -> str:
    """What a file's settings are refused for, the key first; of an unknown key also the known."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown key {key}; known are {', '.join(sorted(kind.model_fields))}"
    message = first["msg"].removeprefix("Value error, ")
    return f"{key}: {message}" if key else message
