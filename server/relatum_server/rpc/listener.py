"""The gRPC server itself: its limits, and every service on it."""

from collections.abc import Mapping

import grpc

from relatum.v1 import (
    association_service_pb2,
    catalog_service_pb2,
    embedding_service_pb2,
    recommendation_service_pb2,
    search_service_pb2,
    server_info_service_pb2,
)
from relatum_server.config import Settings
from relatum_server.rpc.admission import Admission, HandlerPool
from relatum_server.rpc.endpoint import Deadlines, ServiceHandler
from relatum_server.rpc.health import Health, register_reflection
from relatum_server.services.limits import Limits

KEEPALIVE_MIN_S = 30
CONNECTION_GRACE_S = 30
MAX_STREAMS = 128
MAX_METADATA_BYTES = 8192
FENCE = 2  # gRPC's own limit on calls is this many times the one that answers with RetryInfo


def grpc_server(
    settings: Settings, pool: HandlerPool, servicers: Mapping[str, object], health: Health
) -> grpc.Server:
    """A server that serves these servicers, each by the full name of its service; not started."""
    max_bytes = Limits().max_message_bytes
    server = grpc.server(
        pool,
        maximum_concurrent_rpcs=FENCE * settings.max_concurrent_requests + settings.max_workers,
        options=[
            ("grpc.so_reuseport", 0),  # else a second server would bind the same port silently
            ("grpc.max_receive_message_length", max_bytes),
            ("grpc.max_send_message_length", max_bytes),
            ("grpc.max_concurrent_streams", MAX_STREAMS),
            ("grpc.max_metadata_size", MAX_METADATA_BYTES),
            ("grpc.max_connection_age_ms", int(settings.max_connection_age_s * 1000)),
            ("grpc.max_connection_age_grace_ms", CONNECTION_GRACE_S * 1000),
            ("grpc.http2.min_ping_interval_without_data_ms", KEEPALIVE_MIN_S * 1000),
        ],
    )
    admission = Admission(pool, settings.max_concurrent_requests)
    deadlines = Deadlines(settings.max_deadline_s, settings.max_stream_s)
    services = {
        name: descriptor
        for module in (
            association_service_pb2,
            catalog_service_pb2,
            embedding_service_pb2,
            recommendation_service_pb2,
            search_service_pb2,
            server_info_service_pb2,
        )
        for descriptor in module.DESCRIPTOR.services_by_name.values()
        for name in (descriptor.full_name,)
    }
    server.add_generic_rpc_handlers(
        tuple(
            ServiceHandler(services[name], servicer, admission, deadlines)
            for name, servicer in servicers.items()
        )
    )
    health.register(server)
    register_reflection(server, list(servicers))
    return server
