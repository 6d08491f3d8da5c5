"""Structured logs: one JSON line per event, with ids and numbers, never user text, names or
keys.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog
from typing_extensions import override

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


class _PlainFormatter(logging.Formatter):
    """For what libraries log: their message, and of an exception what `_trace` shows."""

    @override
    def formatException(self, ei: Any) -> str:
        return _trace(ei[1])


def configure(service: str, level: str = "info") -> None:
    """Send this process's logs to standard error as JSON lines that carry the service's name."""
    number = logging.getLevelNamesMapping()[level.upper()]
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(_PlainFormatter("%(message)s"))
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[libraries])
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
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
