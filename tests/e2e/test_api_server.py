"""EmbedTexts and what a server says of itself: info, health, reflection."""

import math
import struct
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

SERVICES = {
    f"relatum.v1.{name}Service"
    for name in ("Catalog", "Embedding", "Association", "Search", "Recommendation", "ServerInfo")
}
SHOP_SIZE = 40


def test_floats_and_packed_halves_agree_and_keep_the_order(client):
    texts = ["red mouse", "office chair", "red mouse", "word " * 3000]

    floats = client.embed(texts)
    packed = client.embed(texts, packed=True)

    dimension = client.info().model.dimension
    for row, raw in zip(floats.vectors, packed.packed, strict=True):
        assert len(row) == dimension
        assert math.hypot(*row) == pytest.approx(1.0, abs=1e-4)
        assert struct.unpack(f"<{dimension}e", raw) == pytest.approx(row, abs=1e-3)
    assert floats.vectors[0] == floats.vectors[2]
    assert floats.vectors[0] != floats.vectors[1]
    assert floats.truncated == (False, False, False, True)
    assert floats.token_counts[:3] == (4, 4, 4)
    assert floats.token_counts[3] == client.info().model.max_tokens


def test_the_info_names_the_model_its_limits_and_the_catalogue(client):
    info = client.info()

    assert info.model.provider.upper().startswith("CPU")
    assert info.model.dimension in {*info.model.matryoshka_dimensions, info.model.dimension}
    assert {"behaviour", "copurchase", "popularity"} & set(info.model.parts)
    assert info.limits["max_products"] == 256
    assert info.limits["max_message_bytes"] == 8 * 1024 * 1024
    assert info.product_count >= SHOP_SIZE
    assert info.vector_counts["text"] == info.product_count
    assert "onnxruntime" in info.library_versions


def test_every_service_is_serving(served):
    with grpc.insecure_channel(served) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        states = {
            name: stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5).status
            for name in {"", *SERVICES}
        }

    assert set(states.values()) == {health_pb2.HealthCheckResponse.SERVING}


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_lists_every_service(served, version):
    with grpc.insecure_channel(served) as channel:
        ask = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        question = reflection_pb2.ServerReflectionRequest(list_services="")
        reply = next(iter(ask(iter([question]), timeout=5)))

    assert {service.name for service in reply.list_services_response.service} >= SERVICES
