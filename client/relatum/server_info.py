"""What GetServerInfo answers: frozen values, free of protobuf."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The artifact in use."""

    model_id: str
    name: str
    encoder_id: str
    base_model: str
    dimension: int
    matryoshka_dimensions: tuple[int, ...]
    max_tokens: int
    provider: str
    precision: str
    languages: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What server this is. `limits` are by the names of the API."""

    version: str
    library_versions: Mapping[str, str]
    model: ModelInfo
    limits: Mapping[str, float]
    revision: int
    product_count: int
    vector_counts: Mapping[str, int]
