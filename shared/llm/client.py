"""One line to an endpoint: an `AsyncOpenAI` of its own, called the cheap way.

`chat.completions.create` walks every message and answer through typed dictionaries and models, at
several times the processor time of all the rest. `post` of the same client skips that: the body is
encoded, and the answer decoded, by msgspec. So does making the request here: the package would lay
out headers and query that our transport does not send. Contract tests pin what both do for us.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, cast, get_args

import httpx2
import msgspec
import openai
from openai._models import FinalRequestOptions
from ssrfguard import Policy
from typing_extensions import override

from shared.clock import Clock
from shared.contracts.llm import WhyEmbedded
from shared.llm.adapting import Habits
from shared.llm.breaker import Breaker, State
from shared.llm.egress import PUBLIC, TRUSTED, check_base_url, policy_for
from shared.llm.endpoint import Endpoint
from shared.llm.failures import CallFailedError, rest_of, why_of_status
from shared.llm.streaming import StreamReader
from shared.llm.transport import ANSWER_MOST_BYTES, BoundedTransport, tls
from shared.llm.wire import COMPLETION, UNREADABLE, Completion, Heard, finish_of
from shared.telemetry import catalog, metrics

COMPLAINT_CHARS: Final = 4000
"""Of an error's body that are looked through for the name of a parameter."""

LINES: Final = 256
"""Endpoints, by credential, to which a process keeps connections."""

HABITS_MOST: Final = 100
"""Models of one endpoint whose peculiarities are remembered."""


class _Package(openai.AsyncOpenAI):
    """The package's client, whose posts are made of an address and a body, and nothing else."""

    def __init__(self, base_url: str, http: httpx2.AsyncClient) -> None:
        # Of its own headers none is sent, so the key is no secret; it must not be empty.
        super().__init__(api_key="unused", base_url=base_url, max_retries=0, http_client=http)
        self._addresses: dict[str, httpx2.URL] = {}

    @override
    def _build_request(
        self, options: FinalRequestOptions, *, retries_taken: int = 0
    ) -> httpx2.Request:
        content = options.content
        if options.method.lower() != "post" or not isinstance(content, bytes):
            return super()._build_request(options, retries_taken=retries_taken)
        address = self._addresses.get(options.url)
        if address is None:
            if len(self._addresses) >= HABITS_MOST:  # Azure's have the model's name in them
                self._addresses.clear()
            address = self._addresses[options.url] = self._prepare_url(options.url)
        return httpx2.Request("POST", address, content=content)


class Line:
    """An endpoint as this process knows it: its connections, its health, its peculiarities."""

    def __init__(
        self,
        endpoint: Endpoint,
        policy: Policy,
        *,
        clock: Clock,
        now: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self.breaker = Breaker(now, random)
        self.users = 0
        """Calls under way; a line in use is not closed."""
        self._endpoint = endpoint
        self._clock = clock
        self._habits: dict[str, Habits] = {}
        self._http = httpx2.AsyncClient(
            transport=BoundedTransport(policy, _headers(endpoint)),
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # deadlines are the caller's
        )
        self._client = _Package(endpoint.base_url, self._http)

    def habits(self, model: str) -> Habits:
        """Return what was learned about a model here."""
        if model not in self._habits and len(self._habits) >= HABITS_MOST:
            self._habits.pop(next(iter(self._habits)))
        return self._habits.setdefault(model, Habits())

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    async def whole(self, model: str, body: bytes) -> Heard:
        """Ask for an answer in one piece.

        Raises:
            CallFailedError: there is none.
        """
        response = await self._post(model, body)
        if _is_stream(response):  # it streams, asked or not
            reader = StreamReader(
                _ignore, asyncio.get_running_loop().time(), most_tokens=ANSWER_MOST_BYTES
            )
            return await reader.read(_one(response.content))
        return heard_whole(response.content)

    async def stream(self, model: str, body: bytes, reader: StreamReader) -> Heard:
        """Ask for an answer in pieces, which go to the reader's listener.

        Raises:
            CallFailedError: there is none, or only a part; the reader knows which.
        """
        response = await self._post(model, body, is_stream=True)
        try:
            if not _is_stream(response):
                # It does not stream; what it says is good all the same.
                return await reader.read_whole(heard_whole(await response.aread()))
            return await reader.read(response.aiter_raw())
        finally:
            await response.aclose()

    async def models(self) -> list[str]:
        """Return the names of the endpoint's models; empty when it does not tell.

        Raises:
            CallFailedError: it does not answer, or does not take the key.
        """
        try:
            response = await self._client.get("/models", cast_to=httpx2.Response)
            found = msgspec.json.decode(response.content, type=_Models)
        except openai.APIStatusError as error:
            raise self._refused(error) from None
        except UNREADABLE:
            return []
        return [model.id for model in found.data]

    async def _post(self, model: str, body: bytes, *, is_stream: bool = False) -> httpx2.Response:
        path = self._endpoint.path(model)
        kind = httpx2.Response
        try:
            if not is_stream:
                return await self._client.post(path, cast_to=kind, content=body)
            # Given back unread, whatever class of streams is named, because of `cast_to`.
            unread: object = await self._client.post(
                path, cast_to=kind, content=body, stream=True, stream_cls=openai.AsyncStream[Any]
            )
        except openai.APIStatusError as error:
            raise self._refused(error) from None
        except (openai.OpenAIError, httpx2.HTTPError) as error:  # what our transport does not raise
            raise CallFailedError(WhyEmbedded.UNREACHABLE, is_spent=True) from error
        return cast("httpx2.Response", unread)

    def _refused(self, error: openai.APIStatusError) -> CallFailedError:
        status = error.status_code
        return CallFailedError(
            why_of_status(status),
            status=status,
            rest_s=rest_of(dict(error.response.headers), self._clock)
            if status in (429, 503)
            else None,
            complaint=error.response.text[:COMPLAINT_CHARS] if status in (400, 422) else "",
        )


def _is_stream(response: httpx2.Response) -> bool:
    return "text/event-stream" in response.headers.get("content-type", "")


async def _ignore(_piece: str) -> None:
    """Listen to nothing."""


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content


class _Model(msgspec.Struct, frozen=True):
    id: str


class _Models(msgspec.Struct, frozen=True):
    data: list[_Model]


def heard_whole(content: bytes) -> Heard:
    """Return the answer in the body of a completion.

    Raises:
        CallFailedError: it is none.
    """
    try:
        completion: Completion = COMPLETION.decode(content)
    except UNREADABLE:
        raise CallFailedError(WhyEmbedded.MALFORMED, is_spent=True) from None
    if not completion.choices:
        raise CallFailedError(WhyEmbedded.MALFORMED, is_spent=True)
    choice = completion.choices[0]
    return Heard(
        text=choice.message.content or "",
        usage=completion.usage.usage() if completion.usage else None,
        finish_reason=finish_of(choice.finish_reason),
        is_refused=bool(choice.message.refusal),
    )


def _headers(endpoint: Endpoint) -> Mapping[str, str]:
    """Return every header that is sent."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Accept-Encoding": "identity",
        "User-Agent": "rapport",
    }
    headers |= {name: value.reveal for name, value in endpoint.headers.items()}
    if endpoint.key.reveal:
        if endpoint.api_version:
            headers["api-key"] = endpoint.key.reveal
        else:
            headers["Authorization"] = f"Bearer {endpoint.key.reveal}"
    return headers


class Lines:
    """The process's lines, one for each credential; the longest unused ones are given up."""

    def __init__(
        self,
        *,
        clock: Clock,
        now: Callable[[], float],
        random: Callable[[], float],
        allow_private: bool,
        most: int = LINES,
    ) -> None:
        self._most = most
        self._allow_private = allow_private
        self._clock = clock
        self._now = now
        self._random = random
        self._lines: dict[tuple[str, bool], Line] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._unshow = metrics.before_showing(self._show)

    def _show(self) -> None:
        """Say how many endpoints are left alone; called in a thread."""
        states = Counter(line.breaker.state for line in list(self._lines.values()))
        for state in get_args(State):
            catalog.LLM_BREAKERS.set(states[state], state)

    @staticmethod
    def warm_up() -> None:
        """Read the system's certificates, before a call waits for them; takes some 50 ms."""
        tls()

    @staticmethod
    def check(base_url: str) -> None:
        """Refuse an address that not even the installation may call.

        Raises:
            BaseUrlRefusedError: it may not be called.
        """
        check_base_url(TRUSTED, base_url)

    def find(self, endpoint: Endpoint, *, is_own: bool) -> Line:
        """Return the line to an endpoint.

        Args:
            endpoint: where.
            is_own: a tenant's, not the installation's.

        Raises:
            BaseUrlRefusedError: it may not be called.
        """
        policy = policy_for(is_own=is_own, allow_private=self._allow_private)
        place = (endpoint.credential, policy is PUBLIC)
        line = self._lines.pop(place, None)
        if line is None:
            check_base_url(policy, endpoint.base_url)
            line = Line(endpoint, policy, clock=self._clock, now=self._now, random=self._random)
        self._lines[place] = line  # the youngest comes last
        if len(self._lines) > self._most:
            self._give_up()
        return line

    def _give_up(self) -> None:
        *older, _youngest = self._lines.items()  # that one is about to be used
        for place, line in older:
            if not line.users:
                del self._lines[place]
                task = asyncio.get_running_loop().create_task(line.close())
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
                return

    async def close(self) -> None:
        """Close every line."""
        self._unshow()
        await asyncio.gather(*(line.close() for line in self._lines.values()), *self._closing)
        self._lines.clear()
