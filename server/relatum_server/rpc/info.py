"""ServerInfoService on the wire."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from relatum.v1 import server_info_service_pb2 as pb
from relatum_server.rpc.endpoint import Call
from relatum_server.services.limits import Limits


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
