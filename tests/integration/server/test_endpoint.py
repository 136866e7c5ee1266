"""The path of a call over loopback: admission, deadlines, malformed bytes, bugs."""

import threading

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from relatum.v1 import server_info_service_pb2 as pb
from relatum_server.rpc.admission import Admission, HandlerPool
from relatum_server.rpc.endpoint import Deadlines, ServiceHandler

METHOD = "/relatum.v1.ServerInfoService/GetServerInfo"
SERVICE = pb.DESCRIPTOR.services_by_name["ServerInfoService"]


class Fake:
    """A servicer whose behaviour a test sets."""

    def __init__(self):
        self.handle = lambda request, call: pb.GetServerInfoResponse(version="1")

    def GetServerInfo(self, request, call):  # noqa: N802 - the schema's name
        return self.handle(request, call)


@pytest.fixture
def served():
    fake = Fake()
    pool = HandlerPool(4)
    handler = ServiceHandler(SERVICE, fake, Admission(pool, 2), Deadlines(30.0, 60.0))
    server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield fake, channel.unary_unary(METHOD, None, None)
    server.stop(None).wait()
    pool.shutdown()


def refused(call, body=b"", **options):
    with pytest.raises(grpc.RpcError) as caught:
        call(body, **options)
    return caught.value


def reason_of(error):
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    (packed,) = (detail for detail in status.details if detail.Is(info.DESCRIPTOR))
    packed.Unpack(info)
    return info.reason


def test_a_reply_carries_the_callers_request_id(served):
    _, method = served
    reply, call = method.with_call(b"", metadata=(("x-request-id", "abc-1"),))
    assert pb.GetServerInfoResponse.FromString(reply).version == "1"
    assert ("x-request-id", "abc-1") in tuple(call.trailing_metadata())


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\x05ab", b"\x07" * 40])
def test_malformed_bytes_are_the_callers_mistake(served, body):
    _, method = served
    error = refused(method, body)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(error) == "MALFORMED_REQUEST"


def test_a_bug_is_internal_and_says_nothing(served):
    fake, method = served

    def bug(request, call):
        raise ValueError("secret")

    fake.handle = bug
    error = refused(method)
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in error.details()
    fake.handle = lambda request, call: pb.GetServerInfoResponse()
    assert method(b"") == b""  # and the server lives


def test_beyond_the_limit_a_call_is_refused_with_retry_info(served):
    fake, method = served
    go, entered = threading.Event(), threading.Semaphore(0)

    def wait(request, call):
        entered.release()
        go.wait(30)
        return pb.GetServerInfoResponse()

    fake.handle = wait
    running = [method.future(b"") for _ in range(2)]
    for _ in running:
        entered.acquire()
    error = refused(method)
    go.set()
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(error) == "TOO_MANY_REQUESTS"
    assert [call.result() for call in running] == [b"", b""]


def test_a_handler_sees_the_callers_deadline_capped_by_the_servers(served):
    fake, method = served
    seen = []

    def keep(request, call):
        seen.append(call.deadline)
        return pb.GetServerInfoResponse()

    fake.handle = keep
    method(b"", timeout=5)
    method(b"", timeout=10_000)
    method(b"")
    assert seen[0] + 10 < seen[1] <= seen[2]
