"""Structured logs: one JSON line per event, with ids and numbers, never user text, names or
keys.
"""

import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog
from typing_extensions import override

from shared.redaction.logs import masked
from shared.telemetry import trace

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


def _within(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Say in which trace it happened, where there is one."""
    trace_id = trace.trace_id()
    if trace_id:
        event["trace_id"] = trace_id
    return event


def _trace(error: BaseException | None) -> str:
    """Return type and place of an exception and of what it came from, never a message.

    A message may quote what a user wrote: PostgreSQL's shows rows, a decoder's its input.
    """
    lines = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        kind = type(error)
        lines.append(f"{kind.__module__}.{kind.__qualname__}")
        lines += [
            f"  {frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(lines)


def _as_trace(exc_info: Any) -> str:
    return _trace(exc_info[1])


class _LineFormatter(logging.Formatter):
    """For what libraries log: their message, and of an exception what `_trace` shows."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    @override
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "event": "library.said",
            "service": self._service,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC)
            .isoformat()
            .replace("+00:00", "Z"),
            "logger": record.name,
            "detail": masked(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = _trace(record.exc_info[1])
        return json.dumps(line)


def configure(service: str, level: str = "info") -> None:
    """Send this process's logs to standard error as JSON lines that carry the service's name."""
    number = logging.getLevelNamesMapping()[level.upper()]
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(_LineFormatter(service))
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[libraries])
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _within,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(_as_trace),
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
