"""What a call can raise.

RelatumError
├── CancelledError
├── UnknownError
├── InvalidArgumentError       the request is wrong; `violations` name its fields
│   └── OutOfRangeError
├── DeadlineExceededError      the answer did not come in time; the call may have taken effect
├── NotFoundError
├── AlreadyExistsError
├── PermissionDeniedError
├── UnauthenticatedError
├── ResourceExhaustedError     too much at once; try again after `retry_after_s`
├── FailedPreconditionError
├── AbortedError               another write came first; read again
├── UnimplementedError         the server is older than this client
├── InternalError              a bug of the server
│   └── DataLossError
└── UnavailableError           no server answered; retries are used up
"""

from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

DOMAIN = "relatum"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One wrong field of a request."""

    field: str
    description: str


class RelatumError(Exception):
    """A call that failed.

    Attributes:
        code: Name of the gRPC status, such as "INVALID_ARGUMENT".
        message: What went wrong, for people.
        reason: UPPER_SNAKE cause from the server's ErrorInfo; empty where gRPC itself answered.
        violations: The fields that are wrong.
        retry_after_s: Seconds after which the server wants the next try; None if it did not say.
    """

    code = "UNKNOWN"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        reason: str = "",
        violations: tuple[FieldViolation, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.message = message
        self.reason = reason
        self.violations = violations
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.code}{f' ({self.reason})' if self.reason else ''}: {self.message}"


class CancelledError(RelatumError):
    """The call was cancelled."""

    code = "CANCELLED"


class UnknownError(RelatumError):
    """A status without meaning; the server documents none."""

    code = "UNKNOWN"


class InvalidArgumentError(RelatumError):
    """The request is wrong, whatever the state of the server."""

    code = "INVALID_ARGUMENT"


class OutOfRangeError(InvalidArgumentError):
    """A value beyond what can be answered."""

    code = "OUT_OF_RANGE"


class DeadlineExceededError(RelatumError):
    """The answer did not come in time."""

    code = "DEADLINE_EXCEEDED"


class NotFoundError(RelatumError):
    """What the request names does not exist."""

    code = "NOT_FOUND"


class AlreadyExistsError(RelatumError):
    """What the request creates exists."""

    code = "ALREADY_EXISTS"


class PermissionDeniedError(RelatumError):
    """The caller may not do this."""

    code = "PERMISSION_DENIED"


class UnauthenticatedError(RelatumError):
    """The server does not know the caller."""

    code = "UNAUTHENTICATED"


class ResourceExhaustedError(RelatumError):
    """Too much at once."""

    code = "RESOURCE_EXHAUSTED"


class FailedPreconditionError(RelatumError):
    """The server's state does not allow this call."""

    code = "FAILED_PRECONDITION"


class AbortedError(RelatumError):
    """Another write came first."""

    code = "ABORTED"


class UnimplementedError(RelatumError):
    """The server has no such call."""

    code = "UNIMPLEMENTED"


class InternalError(RelatumError):
    """A bug of the server."""

    code = "INTERNAL"


class DataLossError(InternalError):
    """The server lost data."""

    code = "DATA_LOSS"


class UnavailableError(RelatumError):
    """No server answered."""

    code = "UNAVAILABLE"


ERRORS: dict[str, type[RelatumError]] = {
    kind.code: kind
    for kind in (
        CancelledError,
        UnknownError,
        InvalidArgumentError,
        OutOfRangeError,
        DeadlineExceededError,
        NotFoundError,
        AlreadyExistsError,
        PermissionDeniedError,
        UnauthenticatedError,
        ResourceExhaustedError,
        FailedPreconditionError,
        AbortedError,
        UnimplementedError,
        InternalError,
        DataLossError,
        UnavailableError,
    )
}


def from_rpc_error(error: grpc.RpcError) -> RelatumError:
    """The exception of a failed call, sync or aio, with the details that the server sent."""
    call: Any = error
    code: str = call.code().name
    message: str = call.details() or "no details"
    try:
        status = rpc_status.from_call(call)
    except ValueError:  # details of another status: the call's own code and text stand
        status = None
    reason, retry_after_s = "", None
    violations: list[FieldViolation] = []
    for detail in status.details if status is not None else ():
        info = error_details_pb2.ErrorInfo()
        request = error_details_pb2.BadRequest()
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason = info.reason
        elif detail.Unpack(request):
            violations += [FieldViolation(v.field, v.description) for v in request.field_violations]
        elif detail.Unpack(retry):
            retry_after_s = retry.retry_delay.ToNanoseconds() / 1e9
    return ERRORS.get(code, UnknownError)(
        message,
        code=code,
        reason=reason,
        violations=tuple(violations),
        retry_after_s=retry_after_s,
    )
