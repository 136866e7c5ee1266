"""Connections of the threaded client, and how one call or stream is made."""

import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc

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


class Transport:
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
        self._channel = channel.open_channel(target, credentials)
        self._catalog = catalog_service_pb2_grpc.CatalogServiceStub(self._channel)
        self._embedding = embedding_service_pb2_grpc.EmbeddingServiceStub(self._channel)
        self._association = association_service_pb2_grpc.AssociationServiceStub(self._channel)
        self._search = search_service_pb2_grpc.SearchServiceStub(self._channel)
        self._recommendation = recommendation_service_pb2_grpc.RecommendationServiceStub(
            self._channel
        )
        self._info = server_info_service_pb2_grpc.ServerInfoServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; calls under way are cancelled. Safe twice."""
        self._channel.close()

    def _call(
        self, method: Callable[..., Reply], request: object, timeout_s: float | None
    ) -> Reply:
        try:
            return method(
                request,
                timeout=self._timeout_s if timeout_s is None else timeout_s,
                metadata=self._metadata,
                wait_for_ready=self._wait_for_ready,
            )
        except grpc.RpcError as error:
            raise errors.from_rpc_error(error) from None

    def _stream(self, method: Any, messages: Iterator[object], timeout_s: float) -> Any:
        failures: list[Exception] = []
        started = threading.Event()

        def guarded() -> Iterator[object]:
            started.wait()
            try:
                yield from messages
            except Exception as error:  # noqa: BLE001 - raised below, in the caller's thread
                failures.append(error)
                call.cancel()

        call = method.future(
            guarded(),
            timeout=timeout_s,
            metadata=self._metadata,
            wait_for_ready=self._wait_for_ready,
        )
        started.set()
        try:
            return call.result()
        except grpc.FutureCancelledError:
            if failures:
                raise failures[0] from None
            raise errors.CancelledError("the import was cancelled") from None
        except grpc.RpcError as error:
            raise errors.from_rpc_error(error) from None
