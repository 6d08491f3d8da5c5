# /// script
# requires-python = ">=3.11"
# dependencies = ["standardwebhooks>=1.1"]
# ///
"""A webhook consumer to copy: no event is lost, none counts twice, each resource stays in order.

Deliveries may come twice, late, in another order, or not at all. So:

1. Verify the signature, store the event by its `id`, answer 204. Nothing else happens before.
2. Handle the events of a resource in the order of `sequence`.
3. When a number is missing, read the feed: `GET /v1/events?after=<where we are>`. It has every
   event of the last 30 days in order of `position`. What it does not have below the position it was
   read up to was never meant for us.

Handling an event and noting that it was handled are one transaction, so an effect in this database
happens once.

    API_KEY=rk_... WEBHOOK_SECRET=whsec_... python consumer.py http://127.0.0.1:8080
"""

import argparse
import http.client
import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks import Webhook, WebhookVerificationError

Event = dict[str, Any]
Handle = Callable[[sqlite3.Connection, Event], None]
Feed = Callable[[int], dict[str, Any]]
"""Takes `after`; returns the answer of `GET /v1/events`."""

CATCH_UP_S = 60.0
"""Seconds between two looks at the feed when nothing seems to be missing: the last delivery of all
may be the one that was lost.
"""

MAX_BODY_BYTES = 65_536
"""A delivery has 20 KiB at most."""

SCHEMA = """
create table if not exists events (
  id       text primary key,       -- what duplicates are recognized by; keep it for 30 days
  resource text not null,
  sequence integer not null,
  position integer not null,
  body     text not null,
  is_done  integer not null default 0
);
create index if not exists events_waiting on events (resource, sequence) where is_done = 0;
create table if not exists resources (resource text primary key, sequence integer not null);
create table if not exists feed (after integer not null);
insert into feed select 0 where not exists (select 1 from feed);
"""


class Consumer:
    """Stores what arrives, and handles it in order. May be called from several threads."""

    def __init__(self, database: sqlite3.Connection, feed: Feed, handle: Handle) -> None:
        self._database = database
        self._feed = feed
        self._handle = handle
        self._lock = threading.Lock()
        with database:
            database.executescript(SCHEMA)

    def receive(self, event: Event) -> None:
        """Store a delivered event; a duplicate changes nothing."""
        with self._lock, self._database:
            self._store(event)

    def advance(self) -> None:
        """Handle what can be handled, and fetch what is missing for the rest."""
        if self._handle_ready():
            self.catch_up()

    def catch_up(self) -> None:
        """Read the feed to its end: at the start, and from time to time."""
        while self._read_page():
            pass
        self._handle_ready()

    def _store(self, event: Event) -> None:
        self._database.execute(
            "insert or ignore into events (id, resource, sequence, position, body)"
            " values (?, ?, ?, ?, ?)",
            (
                event["id"],
                # A simulation and its scoring count together: their ids differ in the prefix only.
                event["data"]["id"].partition("_")[2],
                event["sequence"],
                event["position"],
                json.dumps(event),
            ),
        )

    def _read_page(self) -> bool:
        """Store the next page of the feed; say whether there are more."""
        with self._lock:
            (after,) = self._database.execute("select after from feed").fetchone()
        page = self._feed(after)  # without the lock: deliveries need not wait for the network
        if after and page["skipped"]:
            say(f"{page['skipped']} events are older than the feed: compare all you have")
        with self._lock, self._database:
            for event in page["data"]:
                self._store(event)
            self._database.execute("update feed set after = ?", (page["next_after"],))
        return bool(page["has_more"])

    def _handle_ready(self) -> bool:
        """Handle what can be handled; say whether something waits for what is missing."""
        while True:
            with self._lock, self._database:
                if not self._handle_next():
                    break
        with self._lock:
            waiting = self._database.execute("select 1 from events where is_done = 0 limit 1")
            return waiting.fetchone() is not None

    def _handle_next(self) -> bool:
        """Handle an event whose predecessor was handled, or which the feed has been read past: then
        nothing can come before it any more. Say whether there was one.
        """
        row = self._database.execute(
            "select e.id, e.resource, e.sequence, e.body from events e"
            " left join resources r on r.resource = e.resource"
            " where e.is_done = 0 and (e.sequence <= coalesce(r.sequence, 0) + 1"
            "                          or e.position <= (select after from feed))"
            " order by e.resource, e.sequence limit 1"
        ).fetchone()
        if row is None:
            return False
        event_id, resource, sequence, body = row
        self._handle(self._database, json.loads(body))
        self._database.execute("update events set is_done = 1 where id = ?", (event_id,))
        self._database.execute(
            "insert into resources values (?, ?) on conflict (resource)"
            " do update set sequence = max(sequence, excluded.sequence)",
            (resource, sequence),
        )
        return True


def http_feed(api_url: str, api_key: str) -> Feed:
    """Return the feed of a tenant over HTTP; the key needs the scope `events:read`."""
    url = urlsplit(api_url)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection

    def read(after: int) -> dict[str, Any]:
        connection = kind(url.netloc, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {api_key}"}
            path = f"{url.path.rstrip('/')}/v1/events?after={after}&limit=500"
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise OSError(f"the feed answers {response.status}: {answer.get('detail')}")
        return answer

    return read


def make_server(address: tuple[str, int], secret: str, consumer: Consumer) -> ThreadingHTTPServer:
    """Return a server that verifies, stores, answers, and only then lets events be handled."""
    webhook = Webhook(secret)
    wake = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            # The exact bytes: what was parsed and written anew does not verify.
            length = min(int(self.headers.get("content-length", 0)), MAX_BODY_BYTES)
            body = self.rfile.read(length)
            try:
                event = webhook.verify(body, {k.lower(): v for k, v in self.headers.items()})
            except (WebhookVerificationError, ValueError):
                self._answer(400)
                return
            if event["type"] != "test.ping":  # a test is not part of the feed
                consumer.receive(event)
            self._answer(204)
            wake.set()

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    def work() -> None:
        step = consumer.catch_up
        while True:
            try:
                step()
            except Exception as error:  # what is stored is tried again
                say(f"not handled yet: {type(error).__name__}: {error}")
                time.sleep(1)
                continue
            step = consumer.advance if wake.wait(CATCH_UP_S) else consumer.catch_up
            wake.clear()

    threading.Thread(target=work, daemon=True).start()
    return ThreadingHTTPServer(address, Handler)


def show(_database: sqlite3.Connection, event: Event) -> None:
    """Handle an event: replace this by what you want to happen, in the same database."""
    say(f"{event['position']:>5}  {event['type']}  {event['data']['id']}  #{event['sequence']}")


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="Receive, order and complete Rapport's events.")
    parser.add_argument("api", help="where the API is: https://...")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--database", default="events.sqlite")
    options = parser.parse_args()
    database = sqlite3.connect(options.database, check_same_thread=False)
    feed = http_feed(options.api, os.environ["API_KEY"])
    consumer = Consumer(database, feed, show)
    address = ("127.0.0.1", options.port)  # behind your own TLS
    make_server(address, os.environ["WEBHOOK_SECRET"], consumer).serve_forever()


if __name__ == "__main__":
    main()
