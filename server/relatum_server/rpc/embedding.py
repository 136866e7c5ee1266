"""EmbeddingService on the wire."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from relatum.v1 import embedding_service_pb2 as pb
from relatum_server.encoder.base import Kind
from relatum_server.errors import InvalidArgumentError
from relatum_server.rpc.endpoint import Call
from relatum_server.services.embedding import EmbeddingService

_KINDS: Mapping[int, Kind] = {
    pb.TEXT_KIND_UNSPECIFIED: "DOCUMENT",
    pb.TEXT_KIND_QUERY: "QUERY",
    pb.TEXT_KIND_DOCUMENT: "DOCUMENT",
}
_VALUES_TAG = pb.Embedding.VALUES_FIELD_NUMBER << 3 | 2


class EmbeddingServicer:
    """Bytes to texts, vectors to bytes."""

    def __init__(self, service: EmbeddingService, model_id: str) -> None:
        self._service, self._model_id = service, model_id

    def EmbedTexts(self, request: pb.EmbedTextsRequest, call: Call) -> pb.EmbedTextsResponse:
        """Encode texts."""
        kind = _KINDS.get(request.kind)
        if kind is None:
            raise _unknown("kind", request.kind, "TextKind")
        if request.format not in pb.VectorFormat.values():
            raise _unknown("format", request.format, "VectorFormat")
        encoded = self._service.embed(
            request.texts, kind, dimension=request.dimension, deadline=call.deadline
        )
        reply = pb.EmbedTextsResponse(encoder_id=self._service.encoder_id, model_id=self._model_id)
        packed = request.format == pb.VECTOR_FORMAT_PACKED_F16
        for vector, tokens, cut in zip(
            encoded.vectors, encoded.token_counts, encoded.truncated, strict=True
        ):
            embedding = reply.embeddings.add(token_count=tokens, truncated=cut)
            if packed:
                embedding.packed_f16 = vector.astype("<f2").tobytes()
            else:
                embedding.MergeFromString(_packed_floats(vector))
        return reply


def _packed_floats(vector: NDArray[np.float32]) -> bytes:
    """The field `values` on the wire; a list of Python floats would cost 10 times as much."""
    raw = vector.astype("<f4").tobytes()
    size, prefix = len(raw), bytearray((_VALUES_TAG,))
    while size > 0x7F:  # noqa: PLR2004 - seven bits a byte of a varint
        prefix.append(size & 0x7F | 0x80)
        size >>= 7
    prefix.append(size)
    return bytes(prefix) + raw


def _unknown(field: str, value: int, enum: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        field, f"{value} is not a value of {enum}", reason="UNKNOWN_ENUM_VALUE"
    )
