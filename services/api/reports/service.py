"""Asking reporting."""

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError

from shared.contracts.reporting import (
    ERROR_CODE_HEADER,
    TrendQuery,
    TrendReply,
)
from shared.contracts.subjects import REPORT_TREND
from shared.errors import FieldError, UnavailableError, ValidationFailedError
from shared.log import get_logger

log = get_logger()

PATIENCE_S = 2.0
"""Seconds to wait for an answer; a trend is read from rollups in milliseconds."""

RETRY_AFTER_S = 2


class ReportService:
    """Asks reporting over one NATS request subject."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def trend(self, query: TrendQuery) -> TrendReply:
        """Return a team's trend.

        Raises:
            UnavailableError: reporting does not answer now.
            ValidationFailedError: reporting refuses the range.
        """
        try:
            message = await self._client.request(
                REPORT_TREND, msgspec.json.encode(query), timeout=PATIENCE_S
            )
        except (NatsError, OSError, TimeoutError) as error:
            log.warning("trend.unanswered", error=type(error).__name__)
            raise UnavailableError(
                "Reports are not available now", retry_after_s=RETRY_AFTER_S
            ) from None
        refusal = (message.headers or {}).get(ERROR_CODE_HEADER)
        if refusal == "400":
            raise ValidationFailedError(
                errors=(
                    FieldError(
                        pointer="query:from", code="out-of-range", detail="This range is refused"
                    ),
                )
            )
        if refusal is not None:
            log.warning("trend.refused", refusal=refusal)
            raise UnavailableError("Reports are not available now", retry_after_s=RETRY_AFTER_S)
        return msgspec.json.decode(message.data, type=TrendReply)
