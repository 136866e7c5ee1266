"""The path of every call: admit, cap the deadline, parse, handle, map errors, log.

Handlers take bytes and parse them here, because what gRPC answers for malformed bytes (INTERNAL)
blames the server for the caller's mistake.
"""

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from relatum_server import observability
from relatum_server.errors import (
    AbortedError,
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    RelatumError,
)
from relatum_server.rpc import errors
from relatum_server.rpc.admission import Admission

log = observability.logger("rpc")

# gRPC reports the reset of a stream as its end, and that it was a reset a moment later.
RESET_NOTICE_S = 0.1
REQUEST_ID_KEY = "x-request-id"
_REQUEST_ID = re.compile(r"[0-9A-Za-z_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler knows of its call.

    Attributes:
        request_id: the caller's `x-request-id`, or one made here; in the log and in the trailers.
        deadline: monotonic seconds at which the caller gives up.
        is_active: False once the caller has left.
    """

    request_id: str
    deadline: float
    is_active: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Longest lives of calls, in seconds."""

    unary_s: float
    stream_s: float


class ServiceHandler(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs alone
    """Serves one service of the schema with one servicer.

    Every method of the schema must be a method of the servicer: there is nothing to answer
    UNIMPLEMENTED.
    """

    def __init__(
        self,
        service: ServiceDescriptor,
        servicer: object,
        admission: Admission,
        deadlines: Deadlines,
    ) -> None:
        self._handlers: Mapping[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            f"/{service.full_name}/{method.name}": _method_handler(
                method, getattr(servicer, method.name), admission, deadlines
            )
            for method in service.methods
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """The handler of a method, or None for another service's."""
        return self._handlers.get(handler_call_details.method)


def _method_handler(
    method: MethodDescriptor,
    handle: Callable[[Any, Call], Message | bytes],
    admission: Admission,
    deadlines: Deadlines,
) -> "grpc.RpcMethodHandler[bytes, bytes]":
    request_class = GetMessageClass(method.input_type)

    def unary(request: bytes, context: grpc.ServicerContext) -> bytes:
        return _run(
            method.full_name,
            context,
            admission,
            deadlines.unary_s,
            lambda call: handle(_parse(request_class, request), call),
        )

    def stream(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        whole = _whole(requests, context)
        return _run(
            method.full_name,
            context,
            admission,
            deadlines.stream_s,
            lambda call: handle((_parse(request_class, raw) for raw in whole), call),
        )

    if method.client_streaming:
        return grpc.stream_unary_rpc_method_handler(stream)
    return grpc.unary_unary_rpc_method_handler(unary)


def _whole(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
    """The messages of a stream that its caller ended; AbortedError if the caller left instead."""
    left = threading.Event()
    if not context.add_callback(left.set):
        left.set()
    yield from requests
    if left.wait(RESET_NOTICE_S):
        raise AbortedError("the caller left before the stream's end", reason="STREAM_BROKEN")


def _run(
    name: str,
    context: grpc.ServicerContext,
    admission: Admission,
    max_s: float,
    work: Callable[[Call], Message | bytes],
) -> bytes:
    started = time.monotonic()
    remaining: float | None = (
        context.time_remaining()
    )  # None without a deadline, whatever stubs say
    call = Call(
        _request_id(context),
        started + (max_s if remaining is None else min(remaining, max_s)),
        context.is_active,
    )
    context.set_trailing_metadata(((REQUEST_ID_KEY, call.request_id),))
    try:
        admission.admit()
        _refuse_expired(call, started)
        reply = work(call)
        return reply if isinstance(reply, bytes) else reply.SerializeToString()
    except RelatumError as error:
        failure: BaseException = error
    except grpc.RpcError as error:  # the caller's stream broke: there is nobody to answer
        failure = error
    except Exception as error:  # noqa: BLE001 - the one boundary: a bug becomes INTERNAL and a log line
        failure = error
    _log(name, call, failure, started)
    errors.abort(context, failure)
    raise AssertionError("abort returned")


def _refuse_expired(call: Call, now: float) -> None:
    if call.deadline <= now:
        raise DeadlineExceededError("the deadline had passed when the call arrived")


def _log(name: str, call: Call, failure: BaseException, started: float) -> None:
    status = errors.to_status(failure)
    fields = {
        "method": name,
        "request_id": call.request_id,
        "code": status.code,
        "reason": getattr(failure, "reason", "INTERNAL"),
        "duration_ms": round((time.monotonic() - started) * 1e3, 1),
    }
    if isinstance(failure, RelatumError) and not isinstance(failure, InternalError):
        log.debug("refused", **fields)
    else:  # the class and the place, never the message: it may hold a caller's text
        log.error("failed", error=type(failure).__name__, path=_place(failure), **fields)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    place = ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _request_id(context: grpc.ServicerContext) -> str:
    for key, value in context.invocation_metadata():
        if key == REQUEST_ID_KEY and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            return value
    return secrets.token_hex(8)


def _parse(kind: type[Message], raw: bytes) -> Message:
    try:
        return kind.FromString(raw)
    except DecodeError as error:
        raise InvalidArgumentError(
            "",
            f"the bytes are not a {kind.DESCRIPTOR.full_name}, or a text in it is not UTF-8",
            reason="MALFORMED_REQUEST",
        ) from error
