"""`rapport webhooks listen`: verifies with the standard library, one line per delivery."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from infra.cli.main import main
from infra.cli.webhook_listener import Listener
from infra.devstack.ports import choose_port
from services.api.events.catalog import event_example
from shared.contracts.events import EventType
from shared.webhooks.secrets import secret_text

SECRET = secret_text(bytes(range(32)))
NOW = datetime.now(UTC)
BODY = json.dumps(
    {
        "id": event_example(EventType.SCORING_COMPLETED).id,
        "type": "scoring.completed",
        "timestamp": (NOW - timedelta(milliseconds=1200)).isoformat(),
        "sequence": 3,
        "position": 9,
        "data": {"resource": "scoring", "id": "scr_1", "url": "/v1/scorings/scr_1"},
    }
).encode()


class StandingClock:
    def now(self) -> datetime:
        return NOW


def signed(body: bytes = BODY, event_id: str = "evt_1", secret: str = SECRET) -> dict[str, str]:
    at = datetime.now(UTC)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, at, body.decode()),
        "content-type": "application/json",
    }


class Receiver:
    """A loopback server that notes requests and answers as told."""

    def __init__(self, answers: dict[str, tuple[int, Any]]) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _handle(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.seen.append((self.command, self.path, headers, body))
                status, answer = answers[self.command]
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = _handle  # noqa: N815  (the name that http.server calls)
            do_DELETE = _handle  # noqa: N815

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def make(**answers: tuple[int, Any]) -> Receiver:
        made.append(Receiver(answers))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener(("127.0.0.1", 0), clock=StandingClock())
    made.use(SECRET)
    yield made
    made.close()


class TestLines:
    def test_a_verified_delivery(
        self, listener: Listener, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert listener.receive(signed(), BODY) == 204
        line = capsys.readouterr().out.strip()
        assert line == (
            f"{NOW:%H:%M:%S}  scoring.completed  evt_1  scr_1  #3  1200 ms after the event  verified"
        )

    def test_a_duplicate_says_so(
        self, listener: Listener, capsys: pytest.CaptureFixture[str]
    ) -> None:
        listener.receive(signed(), BODY)
        assert listener.receive(signed(), BODY) == 204
        assert capsys.readouterr().out.strip().endswith("verified, again")

    @pytest.mark.parametrize(
        ("headers", "body"),
        [
            (signed(secret=secret_text(b"x" * 32)), BODY),
            (signed(), BODY + b" "),
            (signed() | {"webhook-timestamp": "1000000000"}, BODY),
            (signed() | {"webhook-signature": "no comma"}, BODY),
            ({}, BODY),
            (signed(), b"\xff\xfe"),
            (signed(b"[" * 5000), b"[" * 5000),
            ({"webhook-id": "\x1b[31mred"}, b"{}"),
        ],
    )
    def test_what_does_not_verify(
        self,
        listener: Listener,
        capsys: pytest.CaptureFixture[str],
        headers: dict[str, str],
        body: bytes,
    ) -> None:
        assert listener.receive(headers, body) == 400
        said = capsys.readouterr().out
        assert "NOT VERIFIED" in said
        assert "\x1b" not in said
        assert listener.unverified == 1


class TestCommand:
    def test_without_a_product(
        self, capsys: pytest.CaptureFixture[str], receiver: Callable[..., Receiver]
    ) -> None:
        behind = receiver(POST=(202, {}))
        port = choose_port()
        sender = threading.Thread(target=_send, args=(f"http://127.0.0.1:{port}/", 2))
        sender.start()
        options = ["--count", "2", "--port", str(port), "--forward", behind.url]
        code = main(["webhooks", "listen", "--secret", SECRET, *options])
        sender.join()

        said = capsys.readouterr().out
        assert code == 0, said
        assert said.count("verified, handed on: 202") == 2
        assert said.strip().endswith("2 verified, 0 not")
        _, _, headers, body = behind.seen[0]
        assert body == BODY
        assert Webhook(SECRET).verify(body, headers)

    def test_an_unverified_delivery_is_a_failure(self) -> None:
        port = choose_port()
        url = f"http://127.0.0.1:{port}/"
        sender = threading.Thread(target=_send, args=(url, 1, secret_text(b"x" * 32)))
        sender.start()
        code = main(["webhooks", "listen", "--secret", SECRET, "--count", "1", "--port", str(port)])
        sender.join()
        assert code == 1

    def test_registers_and_deletes(
        self,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        receiver: Callable[..., Receiver],
    ) -> None:
        product = receiver(POST=(201, {"id": "whe_1", "secret": SECRET}), DELETE=(200, {}))
        _up(tmp_path, product.url)
        port = choose_port()
        sender = threading.Thread(target=_send, args=(f"http://127.0.0.1:{port}/", 1))
        sender.start()
        options = ["--count", "1", "--port", str(port), "--type", "scoring.completed"]
        code = main(["--data-dir", str(tmp_path), "webhooks", "listen", *options])
        sender.join()

        assert code == 0, capsys.readouterr().out
        assert [seen[:2] for seen in product.seen] == [
            ("POST", "/v1/webhook_endpoints"),
            ("DELETE", "/v1/webhook_endpoints/whe_1"),
        ]
        asked = json.loads(product.seen[0][3])
        assert asked["url"] == f"http://127.0.0.1:{port}/"
        assert asked["event_types"] == ["scoring.completed"]
        assert product.seen[0][2]["authorization"] == "Bearer rk_live_x"

    @pytest.mark.parametrize(
        ("status", "answer", "told"),
        [
            (400, {"errors": [{"pointer": "/url"}]}, "RAPPORT_WEBHOOK_ALLOW_PRIVATE"),
            (409, {"code": "webhook-endpoints-full", "detail": "Too many"}, "Too many"),
            (500, "oops", "500"),
        ],
    )
    def test_a_refusal_is_told(
        self,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        receiver: Callable[..., Receiver],
        status: int,
        answer: Any,
        told: str,
    ) -> None:
        _up(tmp_path, receiver(POST=(status, answer)).url)
        assert main(["--data-dir", str(tmp_path), "webhooks", "listen"]) == 1
        assert told in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ([], "no product runs here"),
            (["--secret", "hush"], "whsec_"),
            (["--secret", "whsec_?"], "whsec_"),
            (["--secret", SECRET, "--forward", "http://example.com/"], "this machine"),
            (["--secret", SECRET, "--forward", "file:///etc/passwd"], "this machine"),
            (["--secret", SECRET, "--forward", "http://127.0.0.1.example.com/"], "this machine"),
        ],
    )
    def test_what_cannot_be_done_is_one_line(
        self,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
        told: str,
    ) -> None:
        code = main(["--data-dir", str(tmp_path), "webhooks", "listen", *arguments])
        said = capsys.readouterr().err
        assert code == 1
        assert told in said
        assert said.count("\n") == 1


def _send(url: str, count: int, secret: str = SECRET) -> None:
    """Deliver, as soon as somebody listens."""
    with httpx.Client(trust_env=False, transport=httpx.HTTPTransport(retries=8)) as client:
        for number in range(count):
            client.post(url, content=BODY, headers=signed(event_id=f"evt_{number}", secret=secret))


def _up(data_dir: Path, url: str) -> None:
    up = {"api_url": url, "api_key": "rk_live_x", "ops_key": "rk_ops_x", "pids": {}}
    (data_dir / "up.json").write_text(json.dumps(up))
