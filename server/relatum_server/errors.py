"""Every error that the server answers with; `rpc/errors.py` alone maps them to gRPC.

RelatumError
├── InvalidArgumentError      the request is wrong, with the field
├── NotFoundError             a named resource does not exist
├── FailedPreconditionError   right request, wrong state
│   └── ArtifactLacksPartError
├── AbortedError              a concurrent change won: read again, then retry
├── ResourceExhaustedError    overload or quota: retry after `retry_after_s`
├── DeadlineExceededError     the caller's deadline passed before the work was done
├── UnavailableError          starting, draining or broken: retry elsewhere
├── InternalError             a bug; the message never reaches the caller
├── ArtifactError             an artifact that must not be served (start-up)
├── StoreError                the data directory cannot be used (start-up)
└── ConfigError               a setting is wrong (start-up)
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One wrong field: its path in the request and what to do."""

    field: str
    description: str


class RelatumError(Exception):
    """Base: `reason` is UPPER_SNAKE and stable; the message names the cause and the remedy."""

    reason = "INTERNAL"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if reason is not None:
            self.reason = reason


class InvalidArgumentError(RelatumError):
    """The request cannot be right in any state; nothing was written."""

    reason = "INVALID_ARGUMENT"

    def __init__(
        self,
        field: str,
        message: str,
        *,
        reason: str | None = None,
        violations: tuple[FieldViolation, ...] = (),
    ) -> None:
        super().__init__(f"{field}: {message}" if field else message, reason=reason)
        self.violations = violations or (FieldViolation(field, message),)


class NotFoundError(RelatumError):
    """A resource named by the request does not exist."""

    reason = "NOT_FOUND"


class FailedPreconditionError(RelatumError):
    """The state must change before this request can succeed."""

    reason = "FAILED_PRECONDITION"


class ArtifactLacksPartError(FailedPreconditionError):
    """The call needs a part that the artifact does not have."""

    reason = "ARTIFACT_LACKS_PART"


class AbortedError(RelatumError):
    """Another write won; read again and retry."""

    reason = "ETAG_MISMATCH"


class ResourceExhaustedError(RelatumError):
    """Refused early: too much work is waiting already."""

    reason = "OVERLOADED"

    def __init__(
        self, message: str, *, retry_after_s: float = 0.1, reason: str | None = None
    ) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_s = retry_after_s


class DeadlineExceededError(RelatumError):
    """The deadline passed; the work was dropped."""

    reason = "DEADLINE_EXCEEDED"


class UnavailableError(RelatumError):
    """This server cannot answer now; another may."""

    reason = "UNAVAILABLE"

    def __init__(
        self, message: str, *, retry_after_s: float = 1.0, reason: str | None = None
    ) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_s = retry_after_s


class InternalError(RelatumError):
    """A bug. Logged with its message; the caller gets a fixed text."""


class ArtifactError(RelatumError):
    """The artifact is damaged, foreign or below its own thresholds: the server does not start."""

    reason = "ARTIFACT_INVALID"


class StoreError(RelatumError):
    """The data directory is in use, damaged or not writable: the server does not start."""

    reason = "STORE_INVALID"


class ConfigError(RelatumError):
    """A setting is wrong: the server does not start."""

    reason = "CONFIG_INVALID"
