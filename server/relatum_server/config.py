"""Every setting of the server: one frozen object, built once, in `__main__`.

A value comes from a flag (`--drain-s 5`), else from the environment (`RELATUM_DRAIN_S=5`), else
from the TOML file that `--config` names, else from the default below. Unknown keys are refused: a
misspelt setting that is silently ignored is an outage later. `RELATUM_TEST_*` belongs to the
tests.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from relatum_server.errors import ConfigError

ENV_PREFIX = "RELATUM_"
TEST_PREFIX = "RELATUM_TEST_"


class Settings(BaseSettings):
    """The server's settings, with units in their names."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENV_PREFIX, use_attribute_docstrings=True
    )

    artifact: Path
    """Folder that `relatum-export export` wrote."""
    data_dir: Path
    """Folder of the store and of all derived from it; made if absent. One server at a time."""
    store: str = "sqlite"
    """sqlite, or the URL of a PostgreSQL database that several servers of one shop share."""
    role: Literal["writer", "reader"] = "writer"
    """reader: refuse writes, as a server that only answers."""
    listen: str = "127.0.0.1:50051"
    """HOST:PORT of the API. Port 0 takes a free one and logs it."""
    user_key_file: Path | None = None
    """Key that hashes shoppers' ids; default: user.key in the data directory, made at first."""
    durability: Literal["full", "relaxed"] = "full"
    """full: an acknowledged write survives power loss; relaxed: it survives kill -9 alone."""
    provider: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the encoder runs; auto takes CUDA if it really works."""
    require_cuda: bool = False
    """Refuse to start when the encoder would run on the CPU."""
    precision: Literal["auto", "int8", "fp32", "fp16"] = "auto"
    """Which exported variant runs; auto: fp16 on CUDA, int8 on CPU."""
    encoder_sessions: int = Field(default=0, ge=0, le=64)
    """Batches at once; 0: one a core, two on CUDA."""
    intra_op_threads: int = Field(default=1, ge=1, le=64)
    """Threads of one session."""
    max_batch_tokens: int = Field(default=0, ge=0, le=1_048_576)
    """Padded tokens of one inference batch; 0: what was measured best for the provider."""
    max_queue_tokens: int = Field(default=262_144, ge=1024)
    """Tokens that may wait for inference in each lane; beyond it RESOURCE_EXHAUSTED."""
    embedding_cache_mib: int = Field(default=64, ge=0, le=65_536)
    """Memory for cached text vectors, in MiB; 0 turns the cache off."""
    max_workers: int = Field(default=64, ge=4, le=1024)
    """Threads that handle requests."""
    max_concurrent_requests: int = Field(default=256, ge=1, le=65_536)
    """Requests worked on or waiting for a thread; beyond it RESOURCE_EXHAUSTED with RetryInfo."""
    max_deadline_s: float = Field(default=60.0, gt=0, le=3600)
    """Longer deadlines of unary calls are capped to it, and calls without one get it."""
    max_stream_s: float = Field(default=3600.0, gt=0)
    """The same for client streams (imports)."""
    drain_s: float = Field(default=1.0, ge=0.5, le=300)
    """After SIGTERM: seconds with health NOT_SERVING before new calls are refused."""
    grace_s: float = Field(default=30.0, ge=0, le=3600)
    """After the drain: seconds that accepted calls have to complete."""
    max_connection_age_s: float = Field(default=600.0, ge=1)
    """Connections are closed gently after it, so that load spreads to new servers."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is logged, as JSON lines on standard error."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags and file come as arguments, merged by `load`; the environment lies between them."""
        return (init_settings,)


def load(flags: Mapping[str, Any], *, config_file: Path | None = None) -> Settings:
    """Merge flags, environment and file into `Settings`.

    Raises:
        ConfigError: an unknown key or a bad value, named with where it came from.
    """
    values = {**_file(config_file), **_environment(os.environ), **flags}
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            raise ConfigError(
                f"--{name.replace('_', '-')} is required (or {ENV_PREFIX}{name.upper()})"
            ) from error
        raise ConfigError(f"setting {name}: {first['msg']}, got {first['input']!r}") from error


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    values = {}
    for key, value in environ.items():
        if not key.startswith(ENV_PREFIX) or key.startswith(TEST_PREFIX):
            continue
        name = key.removeprefix(ENV_PREFIX).lower()
        if name not in Settings.model_fields:
            raise ConfigError(f"{key} is not a setting of relatum-server; see `serve --help`")
        values[name] = value
    return values


def _file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"--config {path} cannot be read: {error}") from error
    for name in values:
        if name not in Settings.model_fields:
            raise ConfigError(f"{path}: {name} is not a setting of relatum-server")
    return values
