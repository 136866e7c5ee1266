"""ServerInfoService on the wire."""

import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from relatum.v1 import server_info_service_pb2 as pb
from relatum_server.artifact import Artifact
from relatum_server.rpc.endpoint import Call
from relatum_server.services.limits import Limits

LIBRARIES = ("grpcio", "protobuf", "numpy", "usearch", "apsw", "tokenizers")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The artifact in use; as ModelInfo on the wire."""

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
class CatalogueFacts:
    """What changes while the server runs."""

    revision: int
    product_count: int
    vector_counts: Mapping[str, int]


class ServerInfoServicer:
    """Facts to bytes."""

    def __init__(
        self,
        *,
        version: str,
        library_versions: Mapping[str, str],
        model: ModelFacts,
        limits: Limits,
        catalogue: Callable[[], CatalogueFacts],
    ) -> None:
        known = set(pb.Limits.DESCRIPTOR.fields_by_name)
        self._fixed = pb.GetServerInfoResponse(
            version=version,
            library_versions=library_versions,
            model=pb.ModelInfo(**{f.name: getattr(model, f.name) for f in fields(model)}),
            limits=pb.Limits(
                **{f.name: getattr(limits, f.name) for f in fields(limits) if f.name in known}
            ),
        )
        self._catalogue = catalogue

    def GetServerInfo(
        self, request: pb.GetServerInfoRequest, call: Call
    ) -> pb.GetServerInfoResponse:
        """Versions, model, limits and state."""
        del request, call
        facts = self._catalogue()
        reply = pb.GetServerInfoResponse(
            revision=facts.revision,
            product_count=facts.product_count,
            vector_counts=facts.vector_counts,
        )
        reply.MergeFrom(self._fixed)
        return reply


def model_facts(artifact: Artifact, provider: str, precision: str) -> ModelFacts:
    """What GetServerInfo says of an artifact and of how its encoder runs."""
    spec = artifact.encoder
    parts = [space.name for space in artifact.spaces]
    parts += ["copurchase"] if artifact.copurchase_path else []
    parts += ["popularity"] if artifact.popularity_path else []
    parts += ["transitions"] if artifact.transitions_path else []
    parts += ["ranker"] if artifact.ranker else []
    parts += ["pair_head"] if artifact.pair_head else []
    parts += ["user_encoder"] if artifact.user_encoder else []
    parts += ["ridge"] if artifact.ridge else []
    parts += ["graph"] if artifact.graph_path else []
    parts += ["words"] if artifact.words else []
    parts += ["reranker"] if artifact.reranker else []
    return ModelFacts(
        model_id=artifact.model_id,
        name=artifact.name,
        encoder_id=spec.encoder_id,
        base_model=spec.base_model,
        dimension=spec.dimension,
        matryoshka_dimensions=tuple(spec.matryoshka_dimensions),
        max_tokens=spec.max_tokens,
        provider=provider,
        precision=precision,
        languages=tuple(artifact.languages),
        parts=tuple(parts),
    )


def library_versions() -> dict[str, str]:
    """Versions of the libraries that answers depend on."""
    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    for name in ("onnxruntime-gpu", "onnxruntime"):
        try:
            versions["onnxruntime"] = importlib.metadata.version(name)
            break
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
