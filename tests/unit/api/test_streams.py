"""The loop behind a stream, with a feed from memory: cuts, losses, silence, and its ends. [R-A13]"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.live import MAX_HELD, Channel, LiveReplies, Waiter
from services.api.simulations.stream_pieces import Pieces
from services.api.streams.opening import OpenStreams, StreamsFullError
from services.api.streams.pump import Feed, Pace, Reading, open_stream
from services.api.streams.sse import encode_event
from shared.contracts.live import DELTA_COLUMN, LiveDelta, LiveNews, LiveTurn, delta_row
from shared.db.sealed import SealKey
from shared.errors import NotFoundError, UnauthenticatedError
from tests.support.sse_client import SseEvent, SseReader

KEY = SealKey(uuid4(), b"k" * 32)
SIMULATION = uuid4()


class Said(msgspec.Struct, frozen=True):
    seq: int
    text: str


def delta(seq: int, attempt: int, index: int, text: str) -> LiveDelta:
    row = delta_row(SIMULATION, seq, attempt, index)
    sealed = KEY.seal_text(text, DELTA_COLUMN, row)
    return LiveDelta(seq=seq, attempt=attempt, index=index, text=sealed)


def turn(seq: int) -> LiveTurn:
    raw = msgspec.Raw(b"{}")
    return msgspec.convert(
        {
            "seq": seq,
            "turn_id": uuid4(),
            "text": b"",
            "state": raw,
            "surface": "",
            "acts": raw,
            "causes": raw,
            "engine": "",
            "hint": None,
            "created_at": "2026-11-22T10:00:00Z",
            "status": "open",
            "end_reason": None,
        },
        LiveTurn,
    )


class Memory:
    """What is stored, and who listens: the same for all connections of a client."""

    def __init__(self, replies: list[str]) -> None:
        self.replies = replies
        self.stored = 0
        """Replies that are committed."""


class MemoryFeed(Feed):
    """Tells stored replies by number, and pieces of the one that is being made."""

    def __init__(self, memory: Memory, after: int) -> None:
        self._memory, self._after = memory, after
        self._pieces = Pieces(SIMULATION)

    async def begin(self) -> Reading:
        return await self.read()

    async def read(self) -> Reading:
        memory = self._memory
        chunks = tuple(
            encode_event("turn.completed", Said(seq, memory.replies[seq - 1]), str(seq))
            for seq in range(self._after + 1, memory.stored + 1)
        )
        self._after = memory.stored
        return Reading(chunks=chunks, is_over=memory.stored == len(memory.replies))

    async def hear(self, news: LiveNews) -> Reading:
        if isinstance(news, LiveTurn):
            return await self.read()
        if news.seq <= self._memory.stored:
            return Reading()
        return Reading(chunks=tuple(self._pieces.tell(news, KEY)))


@contextmanager
def held(channel: Channel) -> Iterator[Channel]:
    yield channel


def pace(**fields: object) -> Pace:
    async def check() -> None:
        return

    options = {
        "heartbeat_s": 0.01,
        "check": check,
        "stopping": asyncio.Event(),
        "request_id": "req_1",
        **fields,
    }
    return Pace(**options)  # type: ignore[arg-type]  # options of tests


class Client:
    """A page that shows the conversation; what it shows of a reply may be provisional."""

    def __init__(self) -> None:
        self.reader = SseReader()
        self.text: dict[int, str] = {}
        self.ids: list[str] = []

    def take(self, chunk: bytes) -> None:
        for event in self.reader.feed(chunk):
            self._show(event)

    def _show(self, event: SseEvent) -> None:
        if event.event_id is not None:
            self.ids.append(event.event_id)
        match event.name:
            case "turn.delta":
                self.text[event.data["seq"]] = (
                    self.text.get(event.data["seq"], "") + event.data["text"]
                )
            case "turn.reset":
                self.text[event.data["seq"]] = ""
            case "turn.completed":
                self.text[event.data["seq"]] = event.data["text"]


async def _conversation(
    memory: Memory, channels: list[Channel], tries: list[list[str]], lost: set[int]
) -> AsyncGenerator[None]:
    """Make all replies, one step at a time; some news are lost."""
    number = 0
    for seq in range(1, len(memory.replies) + 1):
        for attempt, pieces in enumerate(tries, 1):
            for index, text in enumerate(pieces):
                number += 1
                if number not in lost:
                    for channel in channels:
                        channel.tell(delta(seq, attempt, index, text))
                yield
        memory.stored = seq
        number += 1
        if number not in lost:
            for channel in channels:
                channel.tell(turn(seq))
        yield


@given(
    replies=st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=4),
    tries=st.lists(st.lists(st.text(max_size=12), max_size=4), max_size=3),
    cuts=st.lists(st.integers(0, 400), max_size=8),
    lost=st.sets(st.integers(1, 30), max_size=12),
)
def test_cuts_and_losses_change_nothing(
    replies: list[str], tries: list[list[str]], cuts: list[int], lost: set[int]
) -> None:
    asyncio.run(_cut(replies, tries, cuts, lost))


async def _cut(replies: list[str], tries: list[list[str]], cuts: list[int], lost: set[int]) -> None:
    memory, channels, client = Memory(replies), list[Channel](), Client()
    making = _conversation(memory, channels, tries, lost)
    for cut in [*cuts, None]:
        channel = Channel()
        channels[:] = [channel]
        feed = MemoryFeed(memory, int(client.reader.last_event_id or 0))
        stream = await open_stream(held(channel), feed, pace())
        left = cut
        async for chunk in stream:
            client.take(chunk if left is None else chunk[:left])
            await anext(making, None)
            left = None if left is None else left - len(chunk)
            if left is not None and left <= 0:
                break
        await stream.aclose()
        client.reader.cut()

    assert client.text == dict(enumerate(replies, 1))
    assert client.ids == [str(number) for number in range(1, len(replies) + 1)]


class TestEnds:
    async def test_a_refusal_comes_before_the_first_byte(self) -> None:
        class Refusing(MemoryFeed):
            async def begin(self) -> Reading:
                raise NotFoundError

        with pytest.raises(NotFoundError):
            await open_stream(held(Channel()), Refusing(Memory([]), 0), pace())

    async def test_silence_is_filled_with_comments(self) -> None:
        memory = Memory(["one"])
        stream = await open_stream(held(Channel()), MemoryFeed(memory, 0), pace())
        reader = SseReader()
        while reader.comments < 3:
            assert reader.feed(await anext(stream)) == []
        memory.stored = 1
        names = [event.name async for chunk in stream for event in reader.feed(chunk)]
        assert names == ["turn.completed", "done"]

    async def test_a_stopping_process_says_nothing_more(self) -> None:
        stopping = asyncio.Event()
        stream = await open_stream(
            held(Channel()), MemoryFeed(Memory(["one"]), 0), pace(stopping=stopping)
        )
        await anext(stream)
        stopping.set()
        assert [chunk async for chunk in stream] == []

    async def test_a_wait_without_news_ends_with_a_problem(self) -> None:
        stream = await open_stream(
            held(Channel()), MemoryFeed(Memory(["one"]), 0), pace(wait_s=0.05)
        )
        reader = SseReader()
        events = [event async for chunk in stream for event in reader.feed(chunk)]
        assert [event.name for event in events] == ["error"]
        assert events[0].data["code"] == "temporary-reduced-capacity"
        assert events[0].data["request_id"] == "req_1"

    async def test_a_key_that_is_no_longer_good_ends_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def check() -> None:
            raise UnauthenticatedError

        monkeypatch.setattr("services.api.streams.pump.LOOK_S", 0.01)
        stream = await open_stream(
            held(Channel()), MemoryFeed(Memory(["one"]), 0), pace(check=check)
        )
        reader = SseReader()
        events = [event async for chunk in stream for event in reader.feed(chunk)]
        assert [event.data["code"] for event in events] == ["unauthenticated"]

    async def test_what_went_wrong_inside_is_not_told(self) -> None:
        class Broken(MemoryFeed):
            async def hear(self, news: LiveNews) -> Reading:
                raise RuntimeError(f"the secret of {news.seq}")

        channel = Channel()
        channel.tell(turn(1))
        stream = await open_stream(held(channel), Broken(Memory(["one"]), 0), pace())
        sent = b"".join([chunk async for chunk in stream])
        assert b'"code":"internal"' in sent
        assert b"secret" not in sent

    async def test_dropping_a_stream_ends_its_listening(self) -> None:
        live = LiveReplies(None)  # type: ignore[arg-type]  # nothing is heard
        tenant_id = uuid4()
        watching = live.watch(tenant_id, SIMULATION)
        stream = await open_stream(watching, MemoryFeed(Memory(["one"]), 0), pace())
        assert live._listening
        await stream.aclose()
        assert not live._listening


class TestOpenStreams:
    def test_one_tenant_cannot_take_all(self) -> None:
        opened, crowded = OpenStreams(most=2), uuid4()
        with opened.one_more(crowded), opened.one_more(crowded):
            with pytest.raises(StreamsFullError) as refused, opened.one_more(crowded):
                pass
            with opened.one_more(uuid4()):
                pass
        with opened.one_more(crowded):
            pass
        assert refused.value.status == 429
        assert refused.value.retry_after_s == 5


class TestChannel:
    async def test_a_slow_reader_loses_pieces_and_never_turns(self) -> None:
        channel = Channel()
        for index in range(MAX_HELD + 50):
            channel.tell(delta(2, 1, index, "x"))
        channel.tell(turn(2))
        heard = [await channel.next(0) for _ in range(MAX_HELD + 1)]
        assert isinstance(heard[-1], LiveTurn)
        assert await channel.next(0) is None

    def test_a_waiting_request_does_not_wake_for_pieces(self) -> None:
        waiter = Waiter(2)
        waiter.tell(delta(2, 1, 0, "x"))
        assert not waiter._event.is_set()
        waiter.tell(turn(2))
        assert waiter.turn is not None


class TestPieces:
    def test_pieces_of_an_earlier_try_are_dropped(self) -> None:
        pieces = Pieces(SIMULATION)
        told = [
            [event.name for event in SseReader().feed(b"".join(pieces.tell(each, KEY)))]
            for each in (delta(2, 2, 0, "a"), delta(2, 1, 1, "b"), delta(2, 3, 0, "c"))
        ]
        assert told == [["turn.delta"], [], ["turn.reset", "turn.delta"]]

    def test_a_piece_that_was_moved_does_not_open(self) -> None:
        moved = msgspec.structs.replace(delta(2, 1, 0, "a"), index=1)
        assert list(Pieces(SIMULATION).tell(moved, KEY)) == []
