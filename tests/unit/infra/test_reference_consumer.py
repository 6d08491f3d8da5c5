"""The consumer that partners copy: whatever deliveries do, it ends with the committed events, each
once, each resource in order.
"""

import importlib.util
import json
import sqlite3
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from services.api.events.catalog import event_example
from shared.contracts.events import EventType
from shared.webhooks.secrets import secret_text
from tests.support.waiting import eventually

PATH = Path(__file__).resolve().parents[3] / "docs/guides/webhooks/consumer.py"
SECRET = secret_text(bytes(range(32)))

Event = dict[str, Any]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_consumer", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


consumer = _load()


class Server:
    """The product, as far as a consumer sees it: committed events, placed one after the other."""

    def __init__(self, owners: Sequence[int], *, page: int = 3) -> None:
        """`owners` has the resource of each event, in order of position."""
        counts: dict[int, int] = defaultdict(int)
        self.events: list[Event] = []
        for position, owner in enumerate(owners, start=1):
            counts[owner] += 1
            prefix = "sim" if counts[owner] < 3 else "scr"  # a scoring goes on counting
            self.events.append(
                {
                    "id": f"evt_{position}",
                    "type": "turn.completed",
                    "sequence": counts[owner],
                    "position": position,
                    "data": {"id": f"{prefix}_{owner}"},
                }
            )
        self.head = 0
        self.hidden: frozenset[int] = frozenset()
        """Positions that the key may not see."""
        self.reads = 0
        self._page = page

    def feed(self, after: int) -> dict[str, Any]:
        self.reads += 1
        upto = min(after + self._page, self.head)
        seen = [event for event in self.events[after:upto] if event["position"] not in self.hidden]
        return {
            "data": seen,
            "next_after": max(upto, after),
            "has_more": upto < self.head,
            "skipped": 0,
        }


class CrashError(Exception):
    """The process dies; what was not committed is gone."""


class CrashingDatabase(sqlite3.Connection):
    """Dies at a statement that a test chooses."""

    statements_left: int | None = None

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        if self.statements_left is not None:
            self.statements_left -= 1
            if self.statements_left < 0:
                self.statements_left = None
                raise CrashError
        return super().execute(*arguments)


def write_down(database: sqlite3.Connection, event: Event) -> None:
    """Handle an event: its effect is a row."""
    database.execute("insert into book values (?)", (json.dumps(event),))


def open_database(path: str | Path = ":memory:") -> CrashingDatabase:
    """Return a database with an empty book."""
    database = sqlite3.connect(path, check_same_thread=False, factory=CrashingDatabase)
    database.execute("create table if not exists book (entry text)")
    return database


def read(database: sqlite3.Connection) -> list[Event]:
    """Return every effect in its order."""
    return [json.loads(row[0]) for row in database.execute("select entry from book")]


def in_order(events: Sequence[Event]) -> dict[str, list[str]]:
    """Return the ids of each resource's events, as they come."""
    found: dict[str, list[str]] = defaultdict(list)
    for event in events:
        found[event["data"]["id"].partition("_")[2]].append(event["id"])
    return found


Step = tuple[str, int]

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(1, 4)),
        st.tuples(st.just("deliver"), st.integers(0, 29)),
        st.tuples(st.just("advance"), st.just(0)),
        st.tuples(st.just("crash"), st.integers(0, 6)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=60,
)


class TestAnyOrder:
    @settings(deadline=None, max_examples=400)
    @given(owners=st.lists(st.integers(0, 2), min_size=1, max_size=30), steps=STEPS)
    def test_ends_with_exactly_the_committed_events_in_order(
        self, owners: list[int], steps: list[Step]
    ) -> None:
        server, database = Server(owners), open_database()
        subject = consumer.Consumer(database, server.feed, write_down)
        for name, number in steps:
            with suppress(CrashError):
                if name == "commit":
                    server.head = min(server.head + number, len(server.events))
                elif name == "deliver" and server.head:
                    subject.receive(server.events[number % server.head])
                elif name == "restart":
                    subject = consumer.Consumer(database, server.feed, write_down)
                elif name == "crash":
                    database.statements_left = number
                elif name == "advance":
                    subject.advance()
        database.statements_left = None
        expected = in_order(server.events)
        for resource, ids in in_order(read(database)).items():
            assert ids == expected[resource][: len(ids)]
        server.head = len(server.events)
        subject.catch_up()

        assert in_order(read(database)) == expected

    @settings(deadline=None, max_examples=50)
    @given(
        owners=st.lists(st.integers(0, 2), min_size=1, max_size=20),
        hidden=st.frozensets(st.integers(1, 20)),
        order=st.randoms(use_true_random=False),
    )
    def test_what_a_key_may_not_see_is_not_waited_for(
        self, owners: list[int], hidden: frozenset[int], order: Any
    ) -> None:
        server, database = Server(owners), open_database()
        server.hidden, server.head = hidden, len(server.events)
        subject = consumer.Consumer(database, server.feed, write_down)
        visible = [event for event in server.events if event["position"] not in hidden]
        for event in order.sample(visible, len(visible)):
            subject.receive(event)
            subject.advance()
        assert in_order(read(database)) == in_order(visible)


class TestEconomy:
    def test_without_gaps_the_feed_is_not_read(self) -> None:
        server = Server([1, 2, 1, 1, 2])
        server.head = 5
        subject = consumer.Consumer(open_database(), server.feed, write_down)
        for event in server.events:
            subject.receive(event)
            subject.advance()
        assert server.reads == 0

    def test_events_older_than_the_feed_are_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        answers = iter(
            [
                {"data": [], "next_after": 5, "has_more": False, "skipped": 5},
                {"data": [], "next_after": 9, "has_more": False, "skipped": 4},
            ]
        )
        subject = consumer.Consumer(open_database(), lambda _after: next(answers), write_down)
        subject.catch_up()
        assert capsys.readouterr().out == ""
        subject.catch_up()
        assert "4 events are older" in capsys.readouterr().out


class TestServer:
    """The script's own server: signatures, answers, and the work after the answer."""

    @pytest.fixture
    def running(self, tmp_path: Path) -> Iterator[Callable[[Server], tuple[str, Path]]]:
        made: list[Any] = []

        def run(server: Server) -> tuple[str, Path]:
            path = tmp_path / "events.sqlite"
            subject = consumer.Consumer(open_database(path), server.feed, write_down)
            listening = consumer.make_server(("127.0.0.1", 0), SECRET, subject)
            thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
            thread.start()
            made.append((listening, thread))
            return f"http://127.0.0.1:{listening.server_address[1]}/", path

        yield run
        for listening, thread in made:
            listening.shutdown()
            thread.join()
            listening.server_close()

    async def test_a_lost_delivery_is_fetched(
        self, running: Callable[[Server], tuple[str, Path]]
    ) -> None:
        server = Server([1, 1, 1])
        url, path = running(server)
        await eventually(lambda: server.reads == 1)  # at the start
        server.head = 3
        async with httpx.AsyncClient(trust_env=False) as client:
            last = server.events[2]
            assert (await _send(client, url, last)).status_code == 204
            assert (await _send(client, url, last)).status_code == 204
        await eventually(lambda: len(_written(path)) == 3)

        assert [event["sequence"] for event in _written(path)] == [1, 2, 3]

    async def test_what_does_not_verify_is_refused(
        self, running: Callable[[Server], tuple[str, Path]]
    ) -> None:
        url, path = running(Server([1]))
        event = Server([1]).events[0]
        other = secret_text(b"x" * 32)
        async with httpx.AsyncClient(trust_env=False) as client:
            forged = await _send(client, url, event, other)
            unsigned = await client.post(url, json=event)
            no_comma = await client.post(
                url,
                json=event,
                headers={
                    "webhook-id": "evt_1",
                    "webhook-timestamp": str(int(datetime.now(UTC).timestamp())),
                    "webhook-signature": "v1",
                },
            )
        assert [each.status_code for each in (forged, unsigned, no_comma)] == [400] * 3
        assert _written(path) == []

    async def test_a_ping_is_answered_and_not_stored(
        self, running: Callable[[Server], tuple[str, Path]]
    ) -> None:
        url, path = running(Server([]))
        ping = {"id": "evt_p", "type": "test.ping", "data": {"id": "whe_1"}}
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await _send(client, url, ping)).status_code == 204
        assert _written(path) == []


def test_it_reads_every_field_it_needs_from_a_real_event() -> None:

    event = msgspec.to_builtins(event_example(EventType.SCORING_COMPLETED))
    database = open_database()
    subject = consumer.Consumer(database, Server([]).feed, write_down)
    subject.receive(event)
    subject.advance()
    assert read(database) == [event]


async def _send(
    client: httpx.AsyncClient, url: str, event: Event, secret: str = SECRET
) -> httpx.Response:
    body, at = json.dumps(event), datetime.now(UTC)
    headers = {
        "webhook-id": event["id"],
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event["id"], at, body),
    }
    return await client.post(url, content=body, headers=headers)


def _written(path: Path) -> list[Event]:
    database = sqlite3.connect(path)
    try:
        return read(database)
    finally:
        database.close()
