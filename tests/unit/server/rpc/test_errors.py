"""The one table from errors to statuses."""

from google.rpc import code_pb2, error_details_pb2

from relatum_server import errors as catalogue
from relatum_server.errors import (
    FieldViolation,
    InternalError,
    InvalidArgumentError,
    RelatumError,
    ResourceExhaustedError,
)
from relatum_server.rpc import errors


def details(status, kind):
    found = []
    for packed in status.details:
        message = kind()
        if packed.Is(kind.DESCRIPTOR):
            packed.Unpack(message)
            found.append(message)
    return found


def test_every_error_class_has_a_row_of_its_own():
    classes = {
        value
        for value in vars(catalogue).values()
        if isinstance(value, type) and issubclass(value, RelatumError) and value is not RelatumError
    }
    assert classes == set(errors.CODES)


def test_every_status_has_exactly_one_error_info_of_our_domain():
    status = errors.to_status(InvalidArgumentError("page_size", "must not be negative"))
    infos = details(status, error_details_pb2.ErrorInfo)
    assert status.code == code_pb2.INVALID_ARGUMENT
    assert [(i.reason, i.domain) for i in infos] == [("INVALID_ARGUMENT", "relatum")]


def test_field_violations_stop_at_twenty_because_more_overflow_the_trailers():
    violations = tuple(FieldViolation(f"products[{n}].id", "is empty") for n in range(300))
    status = errors.to_status(InvalidArgumentError("products", "bad", violations=violations))
    (bad,) = details(status, error_details_pb2.BadRequest)
    assert len(bad.field_violations) == 20


def test_a_refusal_for_load_says_when_to_come_back():
    status = errors.to_status(ResourceExhaustedError("full", retry_after_s=0.25))
    (retry,) = details(status, error_details_pb2.RetryInfo)
    assert retry.retry_delay.ToMilliseconds() == 250


def test_a_bug_never_tells_the_caller_its_message():
    for bug in (ValueError("secret text"), InternalError("secret text")):
        status = errors.to_status(bug)
        assert status.code == code_pb2.INTERNAL
        assert "secret" not in status.message


def test_a_long_message_is_cut_before_it_overflows_the_trailers():
    assert len(errors.to_status(InvalidArgumentError("filter", "x" * 10_000)).message) <= 500
