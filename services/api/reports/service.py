"""Asking reporting."""

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError

from shared.contracts.questions import (
    ERROR_CODE_HEADER,
    ERROR_FIELD_HEADER,
    ERROR_HEADER,
    PATIENCE_HEADER,
)
from shared.contracts.reports.base import ReportQuery
from shared.contracts.subjects import report_subject
from shared.errors import FieldError, UnavailableError, ValidationFailedError
from shared.log import get_logger
from shared.telemetry import trace

log = get_logger()

PATIENCE_S: Final = 2.0
"""Seconds to wait for an answer; most are read from rollups in milliseconds."""

RETRY_AFTER_S: Final = 2

Reply = TypeVar("Reply")


class ReportService:
    """Asks reporting over NATS, one request each."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def ask(
        self, name: str, query: ReportQuery, reply: type[Reply], *, patience_s: float = PATIENCE_S
    ) -> Reply:
        """Return the answer to a question.

        Args:
            name: which question; see `services/reporting/questions.py`.
            query: what is asked.
            reply: what the answer is read as.
            patience_s: how long to wait; reporting is told, and does not work for nobody.

        Raises:
            UnavailableError: reporting does not answer now, or has too much to do.
            ValidationFailedError: reporting refuses the question as it is.
        """
        try:
            message = await self._client.request(
                report_subject(name),
                msgspec.json.encode(query),
                timeout=patience_s,
                headers={PATIENCE_HEADER: str(int(patience_s * 1000)), **trace.headers()},
            )
        except (NatsError, OSError, TimeoutError) as error:
            log.warning("report.unanswered", question=name, error=type(error).__name__)
            raise _unavailable() from None
        _check(name, message.headers or {})
        return msgspec.json.decode(message.data, type=reply)


def _check(name: str, headers: Mapping[str, str]) -> None:
    refusal = headers.get(ERROR_CODE_HEADER)
    if refusal is None:
        return
    if refusal == "400":
        field = headers.get(ERROR_FIELD_HEADER, "")
        why = headers.get(ERROR_HEADER, "this question is refused")
        detail = why[:1].upper() + why[1:]
        wrong = FieldError(pointer=f"query:{field}", code="out-of-range", detail=detail)
        raise ValidationFailedError(errors=(wrong,))
    log.warning("report.refused", question=name, refusal=refusal)
    raise _unavailable()


def _unavailable() -> UnavailableError:
    return UnavailableError("Reports are not available now", retry_after_s=RETRY_AFTER_S)
