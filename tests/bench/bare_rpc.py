"""The limit of the RPC stack: a server whose handler returns a canned reply, in its own process.

Usage: ``python -m tests.bench.bare_rpc BYTES``; prints the port, then serves until it is ended.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

METHOD = "/bare.Service/Canned"


class _Canned(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs alone
    def __init__(self, reply: bytes) -> None:
        self._handler = grpc.unary_unary_rpc_method_handler(lambda _request, _context: reply)

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        return self._handler if handler_call_details.method == METHOD else None


def main() -> None:
    """Serve a reply of the asked size."""
    server = grpc.server(ThreadPoolExecutor(max_workers=64))
    server.add_generic_rpc_handlers((_Canned(bytes(int(sys.argv[1]))),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
