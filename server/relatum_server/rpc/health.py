"""Health per service, and reflection under both of its names."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

OVERALL = ""
REFLECTION_V1 = "grpc.reflection.v1.ServerReflection"


class Health:
    """What `grpc.health.v1` answers, for the whole server and for each service."""

    def __init__(self, services: Sequence[str]) -> None:
        self._services = (OVERALL, *services)
        # Watchers would each hold a handler thread: they wait on threads of their own.
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="health")
        self._servicer = health.HealthServicer(
            experimental_non_blocking=True, experimental_thread_pool=self._pool
        )
        self.set(serving=False)

    def register(self, server: grpc.Server) -> None:
        """Answer health checks on this server."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    def set(self, *, serving: bool) -> None:
        """Tell every watcher."""
        status = (
            health_pb2.HealthCheckResponse.SERVING
            if serving
            else health_pb2.HealthCheckResponse.NOT_SERVING
        )
        for service in self._services:
            self._servicer.set(service, status)

    def drain(self) -> None:
        """NOT_SERVING for good: later calls of `set` change nothing."""
        self._servicer.enter_graceful_shutdown()

    def close(self) -> None:
        """Release the watchers' threads. Safe twice."""
        self._pool.shutdown(wait=False)


def register_reflection(server: grpc.Server, services: Sequence[str]) -> None:
    """List the services as `v1alpha`, which the library serves, and as `v1`, which tools ask for.

    The two versions have the same messages, so one servicer answers both.
    """
    names = (
        *services,
        health.SERVICE_NAME,
        reflection.SERVICE_NAME,
        REFLECTION_V1,
    )
    servicer = reflection.ReflectionServicer(names)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(REFLECTION_V1, {"ServerReflectionInfo": handler}),)
    )
