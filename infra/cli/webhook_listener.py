"""A receiver on this machine that verifies every delivery and says one line about it."""

import base64
import ipaddress
import json
import threading
from collections.abc import Mapping
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook, WebhookVerificationError
from typing_extensions import override

from infra.cli.errors import CommandError
from shared.clock import Clock, SystemClock

MAX_BODY_BYTES: Final = 64 * 1024
"""Deliveries have 20 KiB at most."""

FORWARD_TIMEOUT_S: Final = 15.0
"""As long as a receiver may take."""

_SIGNED: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


def check_forward(url: str) -> None:
    """Check that deliveries stay on this machine.

    Raises:
        CommandError: not a URL, or of another machine.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if not is_here or parts.scheme not in {"http", "https"}:
        raise CommandError("--forward takes a URL of this machine: http://127.0.0.1:...")


class Listener:
    """Receives on one address; prints to standard output."""

    def __init__(
        self, address: tuple[str, int], *, forward: str | None = None, clock: Clock | None = None
    ) -> None:
        """Take the port; raises `OSError` when it is not free."""
        self._clock = clock or SystemClock()
        self._server = ThreadingHTTPServer(address, _handler_of(self))
        self._server.daemon_threads = True
        self._webhook: Webhook | None = None
        self._forward = forward
        self._client = httpx.Client(timeout=FORWARD_TIMEOUT_S, trust_env=False)
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._enough = threading.Event()
        self._wanted: int | None = None
        self.verified = 0
        self.unverified = 0

    @property
    def port(self) -> int:
        """The port it has."""
        return int(self._server.server_address[1])

    @property
    def summary(self) -> str:
        """What came in all."""
        return f"{self.verified} verified, {self.unverified} not"

    def use(self, secret: str) -> None:
        """Verify with this secret; raises `ValueError` when it is none."""
        prefix, _, key = secret.partition("_")
        if prefix != "whsec" or not base64.b64decode(key, validate=True):
            raise ValueError("not a secret")
        self._webhook = Webhook(secret)

    def listen(self, count: int | None = None) -> None:
        """Receive until interrupted, or until so many deliveries came."""
        self._wanted = count
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            # Waits in slices: on some systems a plain wait cannot be interrupted.
            while not self._enough.wait(0.5):
                pass
        finally:
            self._server.shutdown()
            thread.join()

    def close(self) -> None:
        """Give the port back."""
        self._server.server_close()
        self._client.close()

    def receive(self, headers: Mapping[str, str], body: bytes) -> int:
        """Verify a delivery, print its line, hand it on; return the status to answer."""
        fault = self._fault(headers, body)
        line = _line(body, headers.get("webhook-id", "no webhook-id"), self._clock.now())
        status = 400 if fault else 204
        handed_on = ""
        if fault is None and self._forward is not None:
            status = self._hand_on(headers, body)
            handed_on = f", handed on: {status}"
        with self._lock:
            event_id = headers.get("webhook-id", "")
            again = ", again" if event_id in self._seen else ""
            if fault is None:
                self._seen.add(event_id)
                self.verified += 1
            else:
                self.unverified += 1
            told = "verified" if fault is None else f"NOT VERIFIED: {fault}"
            print(f"{line}  {told}{again}{handed_on}", flush=True)
        return status

    def note_answered(self) -> None:
        """End `listen` once it has answered as many as were wanted."""
        with self._lock:
            if self._wanted is not None and self.verified + self.unverified >= self._wanted:
                self._enough.set()

    def _fault(self, headers: Mapping[str, str], body: bytes) -> str | None:
        if self._webhook is None:
            return "no secret yet"
        try:
            self._webhook.verify(body, dict(headers))
        except WebhookVerificationError as error:
            return str(error).lower() or "it does not verify"
        except (ValueError, RecursionError):  # a signature without a comma, a body that is not JSON
            return "it is malformed"
        return None

    def _hand_on(self, headers: Mapping[str, str], body: bytes) -> int:
        kept = {name: headers[name] for name in _SIGNED}
        kept["content-type"] = headers.get("content-type", "application/json")
        try:
            return self._client.post(self._forward or "", content=body, headers=kept).status_code
        except httpx.HTTPError:
            return 502


def _line(body: bytes, event_id: str, now: datetime) -> str:
    """Return what a delivery says of itself; verified or not, it must not garble the terminal."""
    try:
        event: dict[str, Any] = json.loads(body)
        age_ms = (now - datetime.fromisoformat(event["timestamp"])).total_seconds() * 1000
        told = (event["type"], event_id, event["data"]["id"], f"#{event['sequence']}")
        text = "  ".join((*map(str, told), f"{age_ms:.0f} ms after the event"))
    except (ValueError, TypeError, KeyError, RecursionError):
        text = f"{event_id}  {len(body)} bytes that are no event"
    safe = "".join(each if each.isprintable() else "?" for each in text[:300])
    return f"{now:%H:%M:%S}  {safe}"


def _handler_of(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = FORWARD_TIMEOUT_S

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if not length.isdigit() or int(length) > MAX_BODY_BYTES:
                self._answer(413)
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._answer(listener.receive(headers, self.rfile.read(int(length))))
            listener.note_answered()

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            if status == 413:  # what it sent is still on the line
                self.send_header("Connection", "close")
            self.end_headers()

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: each delivery has its own line."""

    return Handler
