"""Product association over gRPC: the client and the generated code.

The public names load on first use, so that importing `relatum.v1` alone loads no gRPC.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.async_client import AsyncClient
    from relatum.client import Client
    from relatum.errors import RelatumError

__all__ = ["AsyncClient", "Client", "RelatumError"]

_HOMES = {
    "AsyncClient": "relatum.async_client",
    "Client": "relatum.client",
    "RelatumError": "relatum.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'relatum' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
