"""Questions over NATS: a service (`nats.micro`) whose every request is answered or refused."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.micro import add_service
from nats.micro.request import Request
from nats.micro.service import EndpointStats, Service, ServiceConfig

from services.reporting.desk import IN_FLIGHT, Desk, NotReadyError, Question, QuestionError
from shared.contracts.questions import ERROR_FIELD_HEADER, PATIENCE_HEADER
from shared.contracts.reports.base import SERVICE_NAME, SERVICE_VERSION, ReportQuery
from shared.contracts.subjects import REPORT
from shared.log import get_logger
from shared.telemetry import catalog, names, trace
from shared.telemetry.measures import Measure, Outcome, note

log = get_logger()

QUEUE: Final = "reporting"
"""Queue group: each question goes to one process."""

_BAD: Final = "not such a question"

_TOO_BIG: Final = "the answer is too big: ask for a shorter range, or for less at once"


class QuestionEndpoint:
    """Listens for questions and answers them, several at a time."""

    def __init__(
        self,
        client: Client,
        desk: Desk,
        questions: tuple[Question, ...],
        *,
        in_flight: int = IN_FLIGHT,
        lag: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self._client = client
        self._desk = desk
        self._questions = {each.name: each for each in questions}
        self._in_flight = in_flight
        self._lag = lag
        self._tasks: set[asyncio.Task[None]] = set()
        self._working: Counter[str] = Counter()
        self._outcomes: dict[str, Counter[str]] = {name: Counter() for name in self._questions}
        self._service: Service | None = None

    async def open(self) -> None:
        """Start to listen."""
        config = ServiceConfig(
            name=SERVICE_NAME,
            version=SERVICE_VERSION,
            description="Answers questions about skills over time",
            queue_group=QUEUE,
            stats_handler=self._stats,
        )
        self._service = await add_service(self._client, config)
        group = self._service.add_group(name=REPORT)
        for name in self._questions:
            await group.add_endpoint(name=name, handler=self.receive)

    async def close(self) -> None:
        """Stop to listen and finish what is in hand."""
        if self._service is not None and self._client.is_connected:
            try:
                await _drain(self._service)
            except (NatsError, OSError, TimeoutError) as error:
                log.warning("drain.failed", error=type(error).__name__)
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def receive(self, request: Request) -> None:
        """Begin to answer one request, or refuse it at once when there is too much to do."""
        question = self._questions[request.subject.rpartition(".")[2]]
        is_full = (
            len(self._tasks) >= self._in_flight
            or self._working[question.name] >= question.in_flight
        )
        if is_full:
            await self._refuse(request, question, 503, "too many questions at once")
            return
        # A task per question: the subscription hands over the next message only when this returns.
        self._working[question.name] += 1
        task = asyncio.create_task(self._answer(request, question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: Request, question: Question) -> None:
        began = asyncio.get_running_loop().time()
        with trace.span(
            "answer",
            kind="server",
            parent=trace.parent_of(request.headers),
            attributes={names.QUESTION: question.name},
        ):
            outcome, tenant_id = await self._reply(request, question)
        catalog.REPORT_QUESTIONS.add(question.name, outcome)
        if tenant_id is not None:
            seconds = asyncio.get_running_loop().time() - began
            note(Measure("report", tenant_id, seconds, outcome))

    async def _reply(self, request: Request, question: Question) -> tuple[Outcome, UUID | None]:
        """Answer or refuse; return how it ended, and whose question it was if that was clear."""
        tenant_id: UUID | None = None
        try:
            query = read_query(question, request.data)
            tenant_id = query.tenant_id
            async with asyncio.timeout(_time_s(request, question)):
                reply = await question.answer(self._desk, query)
            await request.respond(self._fitting(query, msgspec.json.encode(reply)))
            self._outcomes[question.name]["answered"] += 1
        except QuestionError as error:
            await self._refuse(request, question, 400, str(error), error.field)
            return "refused", tenant_id
        except NotReadyError:
            await self._refuse(request, question, 503, "numbers are being counted anew")
            return "failed", tenant_id
        except (
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,  # a connection that died between two statements
            OSError,
            TimeoutError,
        ) as error:
            log.warning("question.unavailable", question=question.name, error=type(error).__name__)
            await self._refuse(request, question, 503, "the database does not answer")
            return "failed", tenant_id
        except Exception:
            log.exception("question.failed", question=question.name)
            await self._refuse(request, question, 500, "the question could not be answered")
            return "failed", tenant_id
        else:
            return "ok", tenant_id
        finally:
            self._working[question.name] -= 1

    def _fitting(self, query: ReportQuery, payload: bytes) -> bytes:
        """Return an answer that can be sent.

        Raises:
            QuestionError: it is too big; asking the same again would not help.
        """
        if len(payload) > self._client.max_payload:
            raise QuestionError(_TOO_BIG, "from" if hasattr(query, "start") else None)
        return payload

    async def _refuse(
        self, request: Request, question: Question, code: int, why: str, field: str | None = None
    ) -> None:
        self._outcomes[question.name][f"refused_{code}"] += 1
        headers = {ERROR_FIELD_HEADER: field} if field else None
        try:
            await request.respond_error(str(code), why, headers=headers)
        except Exception as error:
            log.warning("refusal.lost", code=code, error=type(error).__name__)

    def _stats(self, endpoint: EndpointStats) -> dict[str, Any]:
        """Return what `$SRV.STATS.reporting` says beside the library's own counts."""
        return {
            **self._outcomes[endpoint.name],
            "in_flight": self._working[endpoint.name],
            **self._lag(),
        }


def read_query(question: Question, payload: bytes) -> ReportQuery:
    """Return the question behind a request; raises `QuestionError` when it is none of its kind."""
    try:
        return msgspec.json.decode(payload, type=question.query)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise QuestionError(_BAD) from None


def _time_s(request: Request, question: Question) -> float:
    patience = (request.headers or {}).get(PATIENCE_HEADER, "")
    return (
        min(question.deadline_s, int(patience) / 1000)
        if patience.isdigit()
        else question.deadline_s
    )


async def _drain(service: Service) -> None:
    """Stop a service without losing requests that have come: the library's own stop drops them."""
    endpoints, service._endpoints = service._endpoints, []  # noqa: SLF001  no public way to drain
    for each in endpoints:
        await each._subscription.drain()  # noqa: SLF001
    await service.stop()
