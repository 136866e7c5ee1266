"""JSON logs, by an allow-list of fields: never a text, a token or a shopper."""

import logging
import sys
from typing import Any

import structlog

ALLOWED = frozenset(
    {
        "address", "artifact", "code", "count", "data_dir", "duration_ms", "encoder_id", "error",
        "event", "exception", "files", "level", "message", "method", "model_id", "name", "path",
        "precision", "products", "provider", "reason", "request_id", "revision", "seconds",
        "signal", "space", "stage", "threads", "timestamp", "version",
    }
)  # fmt: skip


def _allow_list(_: Any, __: str, fields: Any) -> Any:
    """Drop what is not on the list: a new field is a decision, not an accident."""
    return {key: value for key, value in fields.items() if key in ALLOWED}


def configure(level: str) -> None:
    """Log JSON lines of at least this level to standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            _allow_list,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> Any:
    """The logger of one module. Lazy: it may be made before `configure`."""
    return structlog.get_logger(name=name)
