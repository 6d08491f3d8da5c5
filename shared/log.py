"""Structured logs: one JSON line per event, with ids and numbers, never user text, names or
keys.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

FORBIDDEN_FIELDS = frozenset(
    {
        "text",
        "name",
        "external_id",
        "authorization",
        "key",
        "api_key",
        "body",
        "quote",
        "email",
        "password",
    }
)
"""Field names that must not appear; a mistake prints a marker instead of the value."""


def _redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for field in FORBIDDEN_FIELDS & event.keys():
        event[field] = "[redacted]"
    return event


def configure(service: str, level: str = "info") -> None:
    """Send this process's logs to standard error as JSON lines that carry the service's name."""
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)


def get_logger() -> Any:
    """Return the process's logger: `log.info("job.acked", job_id=...)`."""
    return structlog.get_logger()
