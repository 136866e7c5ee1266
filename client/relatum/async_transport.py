"""Connections of the asyncio client, and how one call or stream is made."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc.aio

from relatum import channel, errors
from relatum.v1 import (
    association_service_pb2_grpc,
    catalog_service_pb2_grpc,
    embedding_service_pb2_grpc,
    recommendation_service_pb2_grpc,
    search_service_pb2_grpc,
    server_info_service_pb2_grpc,
)

Reply = TypeVar("Reply")


class AsyncTransport:
    """Stubs over one channel, with the deadline and metadata of every call.

    The arguments are those of the client.
    """

    def __init__(
        self,
        target: str,
        *,
        timeout_s: float = channel.DEFAULT_TIMEOUT_S,
        credentials: grpc.ChannelCredentials | None = None,
        metadata: Sequence[tuple[str, str]] = (),
        wait_for_ready: bool = False,
    ) -> None:
        self._timeout_s = timeout_s
        self._metadata = tuple(metadata)
        self._wait_for_ready = wait_for_ready
        self._channel = channel.open_aio_channel(target, credentials)
        self._catalog = catalog_service_pb2_grpc.CatalogServiceStub(self._channel)
        self._embedding = embedding_service_pb2_grpc.EmbeddingServiceStub(self._channel)
        self._association = association_service_pb2_grpc.AssociationServiceStub(self._channel)
        self._search = search_service_pb2_grpc.SearchServiceStub(self._channel)
        self._recommendation = recommendation_service_pb2_grpc.RecommendationServiceStub(
            self._channel
        )
        self._info = server_info_service_pb2_grpc.ServerInfoServiceStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; calls under way are cancelled. Safe twice."""
        await self._channel.close(None)

    async def _call(
        self, method: Callable[..., Awaitable[Reply]], request: object, timeout_s: float | None
    ) -> Reply:
        try:
            return await method(
                request,
                timeout=self._timeout_s if timeout_s is None else timeout_s,
                metadata=self._metadata,
                wait_for_ready=self._wait_for_ready,
            )
        except grpc.aio.AioRpcError as error:
            raise errors.from_rpc_error(error) from None

    async def _stream(self, method: Any, messages: Iterator[object], timeout_s: float) -> Any:
        failures: list[Exception] = []

        async def guarded() -> AsyncIterator[object]:
            try:
                for message in messages:
                    yield message
            except Exception as error:  # gRPC cancels the call; the caller gets the cause
                failures.append(error)
                raise

        try:
            return await method(
                guarded(),
                timeout=timeout_s,
                metadata=self._metadata,
                wait_for_ready=self._wait_for_ready,
            )
        except asyncio.CancelledError:
            if failures:
                raise failures[0] from None
            raise
        except grpc.aio.AioRpcError as error:
            raise errors.from_rpc_error(error) from None
