"""The one place where errors become gRPC statuses."""

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from relatum_server.errors import (
    AbortedError,
    ArtifactError,
    ArtifactLacksPartError,
    ConfigError,
    DeadlineExceededError,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    RelatumError,
    ResourceExhaustedError,
    StoreError,
    UnavailableError,
)

DOMAIN = "relatum"
# More violations overflow the trailers, and gRPC then answers RESOURCE_EXHAUSTED instead.
MAX_VIOLATIONS = 20
MAX_MESSAGE_CHARS = 500
INTERNAL_MESSAGE = "internal error; the server's log has it under this request's id"

CODES: dict[type[RelatumError], int] = {
    InvalidArgumentError: code_pb2.INVALID_ARGUMENT,
    NotFoundError: code_pb2.NOT_FOUND,
    FailedPreconditionError: code_pb2.FAILED_PRECONDITION,
    ArtifactLacksPartError: code_pb2.FAILED_PRECONDITION,
    AbortedError: code_pb2.ABORTED,
    ResourceExhaustedError: code_pb2.RESOURCE_EXHAUSTED,
    DeadlineExceededError: code_pb2.DEADLINE_EXCEEDED,
    UnavailableError: code_pb2.UNAVAILABLE,
    InternalError: code_pb2.INTERNAL,
    # At start these end the process; raised later (a failing disk) the caller should go elsewhere.
    ArtifactError: code_pb2.UNAVAILABLE,
    StoreError: code_pb2.UNAVAILABLE,
    ConfigError: code_pb2.INTERNAL,
}


def code_of(error: RelatumError) -> int:
    """The gRPC code of an error, by its class or the nearest base in the table."""
    for kind in type(error).__mro__:
        if kind in CODES:
            return CODES[kind]
    return code_pb2.INTERNAL


def to_status(error: BaseException) -> status_pb2.Status:
    """A `google.rpc.Status` with exactly one ErrorInfo, and what the code calls for beside it."""
    if not isinstance(error, RelatumError):
        error = InternalError(INTERNAL_MESSAGE)
    code = code_of(error)
    message = INTERNAL_MESSAGE if code == code_pb2.INTERNAL else error.message
    details = [_pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN))]
    if isinstance(error, InvalidArgumentError):
        violations = [
            error_details_pb2.BadRequest.FieldViolation(
                field=v.field[:MAX_MESSAGE_CHARS], description=v.description[:MAX_MESSAGE_CHARS]
            )
            for v in error.violations[:MAX_VIOLATIONS]
        ]
        details.append(_pack(error_details_pb2.BadRequest(field_violations=violations)))
    if code in (code_pb2.RESOURCE_EXHAUSTED, code_pb2.UNAVAILABLE):
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(getattr(error, "retry_after_s", 1.0) * 1e9))
        details.append(_pack(error_details_pb2.RetryInfo(retry_delay=delay)))
    return status_pb2.Status(code=code, message=message[:MAX_MESSAGE_CHARS], details=details)


def abort(context: grpc.ServicerContext, error: BaseException) -> None:
    """End the call with the error's status. Always raises."""
    context.abort_with_status(rpc_status.to_status(to_status(error)))


def _pack(message: error_details_pb2.ErrorInfo | object) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)  # type: ignore[arg-type]
    return packed
