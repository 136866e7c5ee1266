"""How the client reaches its servers: addresses, balancing, health, retries, keepalive."""

import ipaddress
import json
import socket
from typing import Any

import grpc
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor

from relatum.v1 import (
    association_service_pb2,
    catalog_service_pb2,
    embedding_service_pb2,
    recommendation_service_pb2,
    search_service_pb2,
    server_info_service_pb2,
)

FILES: tuple[FileDescriptor, ...] = (
    association_service_pb2.DESCRIPTOR,
    catalog_service_pb2.DESCRIPTOR,
    embedding_service_pb2.DESCRIPTOR,
    recommendation_service_pb2.DESCRIPTOR,
    search_service_pb2.DESCRIPTOR,
    server_info_service_pb2.DESCRIPTOR,
)
DEFAULT_TIMEOUT_S = 10.0
# Streams of a whole catalogue; the server caps it if it wants less.
IMPORT_TIMEOUT_S = 3600.0
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
# Servers take more frequent pings for abuse.
KEEPALIVE_MS = 30_000
# gRPC allows no more attempts than five: 0.1 + 0.2 + 0.4 + 0.8 s between them, jittered.
MAX_ATTEMPTS = 5
# Reads, and the writes that carry a request id or a key of their own.
WRITES = frozenset(
    {
        "DeleteProducts",
        "ImportEvents",
        "ImportProducts",
        "UpdateOffers",
        "UpsertProducts",
        "WriteEvents",
    }
)


def methods() -> list[MethodDescriptor]:
    """Every RPC of the API."""
    return [
        method
        for file in FILES
        for service in file.services_by_name.values()
        for method in service.methods
    ]


def service_config() -> str:
    """The service config: round robin over healthy servers, and retries.

    UNAVAILABLE is retried everywhere: the client gives each write a request id, or each event an
    id, so that a repeat changes nothing. CANCELLED, which a server that stops may send for calls
    under way, is retried for reads.
    """
    retry = {
        "maxAttempts": MAX_ATTEMPTS,
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 2,
    }

    def names(write: bool) -> list[dict[str, str]]:
        return [
            {"service": method.containing_service.full_name, "method": method.name}
            for method in methods()
            if (method.name in WRITES) == write
        ]

    return json.dumps(
        {
            "loadBalancingConfig": [{"round_robin": {}}],
            "healthCheckConfig": {"serviceName": ""},
            "methodConfig": [
                {
                    "name": names(write=True),
                    "retryPolicy": {**retry, "retryableStatusCodes": ["UNAVAILABLE"]},
                },
                {
                    "name": names(write=False),
                    "retryPolicy": {**retry, "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"]},
                },
            ],
        }
    )


def options() -> list[tuple[str, Any]]:
    """Channel arguments, for sync and aio channels alike."""
    return [
        ("grpc.service_config", service_config()),
        ("grpc.enable_retries", 1),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
    ]


def address(target: str) -> str:
    """A target in gRPC's syntax. Several addresses are joined by commas: "a:1,b:2".

    One target is passed on as it is, so that gRPC resolves its name again when it must. Names
    among several are resolved here, once.

    Raises:
        ValueError: A target lacks its port, or a name among several does not resolve.
    """
    parts = [part.strip() for part in target.split(",") if part.strip()]
    if not parts:
        raise ValueError("the target is empty; give HOST:PORT, or several joined by commas")
    if len(parts) == 1 and (":///" in parts[0] or parts[0].startswith(("unix:", "dns:", "ipv"))):
        return parts[0]
    pairs = [_host_and_port(part) for part in parts]
    if len(pairs) == 1:
        return parts[0]
    resolved = [_resolve(host, port) for host, port in pairs]
    family = 6 if any(ip.version == 6 for ip, _ in resolved) else 4  # noqa: PLR2004
    if any(ip.version != family for ip, _ in resolved):
        raise ValueError(f"{target!r} mixes IPv4 and IPv6 addresses; give one kind")
    joined = ",".join(f"[{ip}]:{port}" if family == 6 else f"{ip}:{port}" for ip, port in resolved)  # noqa: PLR2004
    return f"ipv{family}:{joined}"


def open_channel(target: str, credentials: grpc.ChannelCredentials | None = None) -> grpc.Channel:
    """A sync channel; plain text unless credentials are given."""
    if credentials is None:
        return grpc.insecure_channel(address(target), options())
    return grpc.secure_channel(address(target), credentials, options())


def open_aio_channel(
    target: str, credentials: grpc.ChannelCredentials | None = None
) -> grpc.aio.Channel:
    """An asyncio channel; plain text unless credentials are given."""
    if credentials is None:
        return grpc.aio.insecure_channel(address(target), options())
    return grpc.aio.secure_channel(address(target), credentials, options())


def _host_and_port(part: str) -> tuple[str, int]:
    host, colon, port = part.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"{part!r} is not HOST:PORT, such as 127.0.0.1:50051")
    return host.strip("[]"), int(port)


def _resolve(host: str, port: int) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    try:
        return ipaddress.ip_address(host), port
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        raise ValueError(f"cannot resolve {host!r}: {error.strerror}; check the name") from error
    return ipaddress.ip_address(str(found[0][4][0])), port
