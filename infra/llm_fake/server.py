"""The endpoint: routes, keys, what was asked."""

import asyncio
import hmac
import re
from collections import Counter, deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import msgspec

from infra.llm_fake import bodies, control
from infra.llm_fake.answering import Planner, reply
from infra.llm_fake.asking import Ask, MalformedError
from infra.llm_fake.choosing import Chooser
from infra.llm_fake.delivery import Delivery, delivery, refusal
from infra.llm_fake.http import MAX_BODY_BYTES, Connection, Request
from infra.llm_fake.planners import PLANNERS
from infra.llm_fake.script import ErrorBody, Script

LOOPBACK: Final = "127.0.0.1"
"""The only address that is listened on: everything that is asked is kept and shown."""

KEPT: Final = 20_000
"""Requests that are remembered; older ones only count."""

CHAT: Final = re.compile(
    r"(?:/openai/deployments/(?P<deployment>[^/]+)|/openai/v1|/v1|)/chat/completions"
)
MODELS: Final = re.compile(r"(?:/openai/v1|/v1|)/models")


class Asked(msgspec.Struct, kw_only=True):
    """A chat request and what became of it."""

    number: int
    """From 1."""
    at: float
    """On the event loop's clock, seconds."""
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    rule: str = ""
    """The name of the rule that answered; `auto` without one; empty: refused before any rule."""
    status: int = 0
    task: str = ""
    is_done: bool = False
    is_heard: bool = False
    """The whole answer was sent, as far as its rule has one; False: the client hung up before."""
    text: str = ""
    """What the answer said, before faults."""

    def json(self) -> bodies.Json:
        """Return the request's body, read."""
        found: bodies.Json = msgspec.json.decode(self.body)
        return found


class FakeLlm:
    """A scripted endpoint on loopback, in the running event loop."""

    def __init__(self, script: Script | None = None, *, port: int = 0) -> None:
        self._wanted_port = port
        self._server: asyncio.Server | None = None
        self._open: set[Connection] = set()
        self.planners: dict[str, Planner] = dict(PLANNERS)
        """By the name in the first line of a system prompt."""
        self.on_asked: Callable[[Asked], None] = lambda _asked: None
        """Told of each request when it is over."""
        self.clear()
        self.play(script or Script())

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._handle, self._open), LOOPBACK, self._wanted_port, backlog=1024
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is None:
            return
        self._server.close()
        for connection in [*self._open]:
            connection.close()
        await asyncio.gather(*(connection.closed.wait() for connection in self._open))
        await self._server.wait_closed()
        self._server = None

    @property
    def port(self) -> int:
        """The port it has."""
        if self._server is None:
            raise RuntimeError("not started")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The base URL to give to clients."""
        return f"http://{LOOPBACK}:{self.port}/v1"

    @property
    def azure_url(self) -> str:
        """The base URL for clients that speak Azure's dialect."""
        return f"http://{LOOPBACK}:{self.port}"

    def play(self, script: Script) -> None:
        """Go by another script from now on; counting of its rules starts anew."""
        self.script = script
        self._chooser = Chooser(script)

    def clear(self) -> None:
        """Forget what was asked."""
        self.asked: deque[Asked] = deque(maxlen=KEPT)
        self.count = 0
        self.by_rule: Counter[str] = Counter()
        self.by_task: Counter[str] = Counter()
        self.in_flight = 0
        self.most_in_flight = 0

    @property
    def connections(self) -> int:
        """Open connections."""
        return len(self._open)

    def _handle(self, connection: Connection, request: Request) -> None:
        if request.path.startswith(control.PREFIX):
            connection.deliver(control.answer(self, request))
            return
        chat = CHAT.fullmatch(request.path)
        wanted = "POST" if chat else "GET"
        if not (chat or MODELS.fullmatch(request.path)):
            connection.deliver(_fault(404, f"Unknown address: {request.path}", "unknown_url"))
        elif request.method != wanted:
            connection.deliver(_fault(405, f"Use {wanted}."))
        elif chat is None:
            fault = self._unlocked(request)
            connection.deliver(fault or refusal(200, bodies.models(self.script.models)))
        else:
            self._chat(connection, request, chat["deployment"])

    def _chat(self, connection: Connection, request: Request, deployment: str | None) -> None:
        asked = Asked(
            number=self.count + 1,
            at=asyncio.get_running_loop().time(),
            path=request.path,
            query=request.query,
            headers=request.headers,
            body=request.body,
        )
        self.count += 1
        self.asked.append(asked)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        sent = self._unlocked(request) or self._answer(asked, deployment)
        asked.status = sent.status

        def end(is_heard: bool) -> None:  # noqa: FBT001 -- a callback with one answer
            self.in_flight -= 1
            asked.is_done, asked.is_heard = True, is_heard
            self.on_asked(asked)

        connection.deliver(sent, end)

    def _unlocked(self, request: Request) -> Delivery | None:
        """Return the answer to a request that may not pass; None when it may."""
        if self.script.key is None:
            return None
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        given = request.headers.get("api-key", bearer)
        if hmac.compare_digest(given.encode(), self.script.key.encode()):
            return None
        return refusal(401, bodies.error(401))

    def _answer(self, asked: Asked, deployment: str | None) -> Delivery:
        if deployment is not None and "api-version=" not in asked.query:
            return _fault(404, "Resource not found", "404")
        if len(asked.body) >= MAX_BODY_BYTES:
            return refusal(413, bodies.error(413))
        try:
            ask = Ask(asked.body, number=asked.number, deployment=deployment)
        except MalformedError as error:
            said = ErrorBody(message=error.message, param=error.param)
            return refusal(error.status, bodies.error(error.status, said))
        if self.script.is_strict and ask.model not in self.script.models:
            message = f"The model `{ask.model}` does not exist or you do not have access to it."
            return _fault(404, message, "model_not_found")
        chosen = self._chooser.choose(ask)
        said_back = reply(ask, chosen, self.planners)
        asked.rule, asked.task, asked.text = chosen.rule, ask.task, said_back.text
        self.by_rule[chosen.rule] += 1
        self.by_task[ask.task] += 1
        ids = bodies.identity(ask, chosen.chance, self.script.seed)
        return delivery(ask, said_back, chosen.answer, ids, self.script)


def _fault(status: int, message: str, code: str | None = None) -> Delivery:
    return refusal(status, bodies.error(status, ErrorBody(message=message, code=code)))
