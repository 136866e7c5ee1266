"""A server on loopback whose answers are canned."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2, message_factory
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2_grpc
from grpc_status import rpc_status

from relatum import channel

Answer = Callable[[Any, grpc.ServicerContext], Any]


class FakeServer:
    """Every RPC of the API: records requests, answers as told, else with an empty reply."""

    def __init__(self) -> None:
        self.requests: dict[str, list[Any]] = {}
        self.answers: dict[str, Answer] = {}
        self._server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
        handlers: dict[str, dict[str, grpc.RpcMethodHandler[Any, Any]]] = {}
        for method in channel.methods():
            service = method.containing_service.full_name
            handlers.setdefault(service, {})[method.name] = self._handler(method)
        for service, methods in handlers.items():
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service, methods),)
            )
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.target = f"127.0.0.1:{self.port}"
        self._server.start()

    def drain(self) -> None:
        self._health.enter_graceful_shutdown()

    def stop(self) -> None:
        self._server.stop(None).wait()

    def _handler(self, method: Any) -> Any:
        asked = message_factory.GetMessageClass(method.input_type)
        reply = message_factory.GetMessageClass(method.output_type)

        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            if method.client_streaming:
                request = list(request)
            self.requests.setdefault(method.name, []).append(request)
            told = self.answers.get(method.name)
            return told(request, context) if told else reply()

        make = (
            grpc.stream_unary_rpc_method_handler
            if method.client_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        return make(answer, asked.FromString, lambda message: message.SerializeToString())


def failing(
    code: int, message: str, reason: str, *, field: str = "", retry_s: float = 0.0
) -> Answer:
    """An answer that is a rich error."""

    def answer(_request: Any, context: grpc.ServicerContext) -> Any:
        details: list[Any] = [error_details_pb2.ErrorInfo(reason=reason, domain="relatum")]
        if field:
            violation = error_details_pb2.BadRequest.FieldViolation(
                field=field, description="must not be negative"
            )
            details.append(error_details_pb2.BadRequest(field_violations=[violation]))
        if retry_s:
            delay = duration_pb2.Duration()
            delay.FromMilliseconds(int(retry_s * 1000))
            details.append(error_details_pb2.RetryInfo(retry_delay=delay))
        packed = []
        for detail in details:
            packed.append(any_pb2.Any())
            packed[-1].Pack(detail)
        status = status_pb2.Status(code=code, message=message, details=packed)
        context.abort_with_status(rpc_status.to_status(status))

    return answer


@pytest.fixture
def invalid() -> Answer:
    return failing(
        code_pb2.INVALID_ARGUMENT, "page_size -1 is negative", "BAD_PAGE_SIZE", field="page_size"
    )


@pytest.fixture
def make_failing() -> Callable[..., Answer]:
    return failing


@pytest.fixture
def make_server() -> Iterator[Callable[[], FakeServer]]:
    servers: list[FakeServer] = []

    def make() -> FakeServer:
        servers.append(FakeServer())
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def server(make_server: Callable[[], FakeServer]) -> FakeServer:
    return make_server()
