"""`relatum-server serve` on grpc.aio: the same settings, handlers and thread pool, for comparison.

Usage: ``python -m tests.bench.aio_server FLAGS OF SERVE``; prints the port, then serves until it is
ended. ADR 3 rests on the figures.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import grpc
import grpc.aio
import uvloop

from relatum_server import config, observability
from relatum_server import server as composition
from relatum_server.rpc import endpoint, listener
from relatum_server.rpc.admission import HandlerPool
from relatum_server.rpc.health import Health


class _Context:
    """A context of aio for a synchronous handler, with what it lacks."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    @staticmethod
    def is_active() -> bool:
        return True


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs alone
    """The unary methods of a handler, with such a context."""

    def __init__(self, inner: grpc.GenericRpcHandler) -> None:  # type: ignore[type-arg]
        self._inner = inner

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        found: Any = self._inner.service(handler_call_details)
        if found is None or found.unary_unary is None:
            return found
        handle = found.unary_unary
        return grpc.unary_unary_rpc_method_handler(lambda raw, ctx: handle(raw, _Context(ctx)))


class _Recorder:
    """Stands where the synchronous server is built, and keeps the handlers that it would serve."""

    def __init__(self) -> None:
        self.handlers: list[Any] = []
        self.pool: HandlerPool | None = None

    def __call__(
        self,
        settings: config.Settings,
        pool: HandlerPool,
        servicers: Mapping[str, object],
        health: Health,
    ) -> grpc.Server:
        self.pool = pool
        make: Callable[..., Any] = endpoint.ServiceHandler

        def keep(*arguments: Any) -> Any:
            handler = make(*arguments)
            self.handlers.append(_Handlers(handler))
            return handler

        with mock.patch.object(listener, "ServiceHandler", keep):
            return listener.grpc_server(settings, pool, servicers, health)


async def serve(settings: config.Settings) -> None:
    """Build all as `serve` does, then serve it by aio."""
    recorder = _Recorder()
    with mock.patch.object(composition, "grpc_server", recorder):
        built = composition.build(settings)
    server = grpc.aio.server(migration_thread_pool=recorder.pool)
    server.add_generic_rpc_handlers(tuple(recorder.handlers))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    try:
        await server.wait_for_termination()
    finally:
        built.close()


def main() -> None:
    """Read `--loop` and the flags of serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), required=True)
    parser.add_argument("--artifact", required=True)
    parser.add_argument("--data-dir", required=True)
    flags = vars(parser.parse_args())
    run = uvloop.run if flags.pop("loop") == "uvloop" else asyncio.run
    observability.configure("WARNING")
    run(serve(config.load({**flags, "embedding_cache_mib": "0"})))


if __name__ == "__main__":
    main()
