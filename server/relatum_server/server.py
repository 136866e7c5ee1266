"""The composition root: opens what a server stands on, starts, drains, stops."""

import gc
import time
from contextlib import ExitStack
from typing import cast

import grpc

from relatum_server import observability
from relatum_server.artifact import Artifact, load_artifact
from relatum_server.config import Settings
from relatum_server.encoder.onnx import OnnxEncoder, OnnxSettings
from relatum_server.encoder.session import SessionSettings
from relatum_server.errors import ConfigError
from relatum_server.rpc.admission import HandlerPool
from relatum_server.rpc.health import Health
from relatum_server.rpc.listener import grpc_server
from relatum_server.servicers import Heads, build_servicers
from relatum_server.services.projections import Projections
from relatum_server.services.tail import LogTail
from relatum_server.store.base import SharedStore, Store
from relatum_server.store.directory import DataDirectory
from relatum_server.store.identity import ShopperKey
from relatum_server.store.opening import is_shared, open_store
from relatum_server.store.reading import ReadingStore

log = observability.logger("server")

MAX_PORT = 65_535  # gRPC takes a larger number modulo 65,536


class RelatumServer:
    """A built server. `start` serves, `drain` finishes what was accepted, `close` frees all."""

    def __init__(
        self, settings: Settings, server: grpc.Server, health: Health, resources: ExitStack
    ) -> None:
        self._settings, self._server, self._health = settings, server, health
        self._resources = resources

    def start(self) -> str:
        """Bind, start and become SERVING; the address.

        Raises:
            ConfigError: the address cannot be bound.
        """
        host, _, port = self._settings.listen.rpartition(":")
        if not host or not port.isdecimal() or int(port) > MAX_PORT:
            raise ConfigError(
                f"--listen {self._settings.listen} is not HOST:PORT with a port of 0..{MAX_PORT}"
            )
        try:
            bound = self._server.add_insecure_port(self._settings.listen)
        except RuntimeError as error:
            raise ConfigError(
                f"--listen {self._settings.listen} cannot be bound: another process has it, or "
                "this machine lacks the address"
            ) from error
        self._server.start()
        self._health.set(serving=True)
        address = f"{host}:{bound}"
        log.info("serving", address=address)
        return address

    def drain(self) -> None:
        """NOT_SERVING, time for balancers to see it, then wait for the calls under way."""
        self._health.drain()
        time.sleep(self._settings.drain_s)
        self._server.stop(self._settings.grace_s).wait()
        log.info("drained")

    def close(self) -> None:
        """Stop at once what still runs and free everything. Safe twice."""
        self._server.stop(None).wait()
        self._resources.close()


def build(settings: Settings) -> RelatumServer:
    """Verify, open, check, load and warm up; nothing is served yet.

    Raises:
        ArtifactError: damaged, foreign, or below its own thresholds.
        StoreError: the data directory cannot be used.
        ConfigError: a setting does not fit this machine.
    """
    with ExitStack() as resources:
        artifact = load_artifact(settings.artifact)
        directory = DataDirectory.open(settings.data_dir)
        resources.callback(directory.close)
        encoder = _open_encoder(artifact, settings)
        resources.callback(encoder.close)
        cosine = encoder.check_golden(artifact)
        heads = Heads.open(artifact)
        encoder.warm_up()
        log.info(
            "encoder",
            model_id=artifact.model_id,
            encoder_id=encoder.encoder_id,
            provider=encoder.provider,
            precision=encoder.precision,
            count=round(cosine, 5),
        )
        key = ShopperKey.load_or_create(settings.user_key_file or directory.user_key)
        store = open_store(settings.store, directory, key, settings.durability)
        resources.callback(store.close)
        started = time.monotonic()
        projections = Projections.open(artifact, directory.path, store)
        gc.freeze()  # millions of objects that stay: no later collection looks at them
        resources.callback(projections.close)
        live = projections.live
        log.info(
            "catalogue",
            products=len(live),
            revision=live.revision,
            seconds=round(time.monotonic() - started, 2),
        )
        if is_shared(settings.store):
            tail = LogTail(cast("SharedStore", store), live)
            resources.callback(tail.close)
        if settings.role == "reader":
            store = cast("Store", ReadingStore(store))
        pool = HandlerPool(settings.max_workers)
        resources.callback(pool.shutdown)
        servicers = build_servicers(
            settings, artifact, encoder=encoder, heads=heads, store=store, live=live, key=key
        )
        health = Health(list(servicers))
        resources.callback(health.close)
        server = grpc_server(settings, pool, servicers, health)
        return RelatumServer(settings, server, health, resources.pop_all())


def _open_encoder(artifact: Artifact, settings: Settings) -> OnnxEncoder:
    return OnnxEncoder.open(
        artifact.encoder,
        OnnxSettings(
            session=SessionSettings(
                provider=settings.provider,
                require_cuda=settings.require_cuda,
                precision=settings.precision,
                intra_op_threads=settings.intra_op_threads,
            ),
            workers=settings.encoder_sessions,
            max_batch_tokens=settings.max_batch_tokens,
            max_queue_tokens=settings.max_queue_tokens,
            cache_bytes=settings.embedding_cache_mib * 2**20,
        ),
    )
