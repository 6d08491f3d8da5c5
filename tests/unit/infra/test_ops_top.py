"""What `rapport ops top` shows, and how the commands of operators find the product."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from infra.cli.main import main
from infra.cli.ops_screen import age, screen
from services.api.ops.watching_schemas import (
    Busy,
    ConsumerLag,
    FleetLoad,
    Lag,
    Lane,
    Overview,
    Process,
    Stream,
    Times,
)

NOW = datetime(2026, 11, 22, 21, 30, 5, tzinfo=UTC)
SNAPSHOT = Path(__file__).with_name("ops_top.txt")

BUSY = Busy(
    tenant_id="ten_01m80k6vjkes7rsq4v8cydp54z",
    slug="acme",
    status="active",
    waiting=4_312,
    in_flight=40,
    dead=1,
    oldest_age_s=5_400,
    per_minute=1_204.5,
    failed=3,
    refused=12,
    turn_p95_s=0.412,
    month_usd="812.5031",
)
SEEN = Overview(
    at=NOW,
    since=NOW - timedelta(minutes=5, seconds=5),
    tenants={"active": 212, "paused": 1},
    lanes=[
        Lane(kind="flow", waiting=2, in_flight=1, dead=0, tenants=2, oldest_age_s=0.3),
        Lane(kind="score", waiting=4_300, in_flight=32, dead=1, tenants=3, oldest_age_s=5_400),
        Lane(kind="turn", waiting=1, in_flight=14, dead=0, tenants=9, oldest_age_s=0.08),
    ],
    load=[
        FleetLoad(
            kind="turn",
            tenants=61,
            count=5_100,
            per_minute=1_002.3,
            refused=4,
            failed=0,
            seconds=Times(p50=0.1812, p95=0.5312, p99=1.204),
        ),
        FleetLoad(
            kind="webhook",
            tenants=12,
            count=1,
            per_minute=0.2,
            refused=0,
            failed=1,
            seconds=Times(p50=None, p95=None, p99=None),
        ),
    ],
    busy=[
        BUSY,
        msgspec.structs.replace(
            BUSY,
            slug="a-customer-with-quite-a-long-name-of-its-own",
            status="paused",
            waiting=0,
            in_flight=0,
            dead=0,
            failed=0,
            turn_p95_s=None,
            month_usd="0",
        ),
    ],
    busy_total=31,
    processes=[
        Process(
            id=f"proc_{number}",
            service=service,
            version="0.1.0",
            started_at=NOW,
            seen_at=NOW,
            is_alive=is_alive,
            facts={},
        )
        for number, (service, is_alive) in enumerate(
            [("api", True), ("api", True), ("orchestrator", True), ("sim-worker", False)]
        )
    ],
    lag=Lag(
        outbox_waiting=3,
        outbox_oldest_age_s=0.2,
        consumers=[ConsumerLag(consumer="reporting", tenants=2, events=120, oldest_age_s=95)],
        streams=[Stream(stream="WORK_SCORE", messages=4_332, consumers=3)],
        temporal={"temporal_answers": 1, "temporal_activity_tasks": 4},
    ),
    stuck=2,
    month_usd="1204.271",
    calls_in_flight=4,
    failing_endpoints=0,
)


def _rendered(seen: Overview, note: str = "", *, width: int = 120) -> str:
    console = Console(width=width, no_color=True, highlight=False)
    with console.capture() as capture:
        console.print(screen(seen, note))
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


class TestScreen:
    def test_it_looks_as_it_did(self) -> None:
        assert _rendered(SEEN) == SNAPSHOT.read_text(encoding="utf-8")

    def test_it_fits_a_narrow_terminal(self) -> None:
        lines = _rendered(SEEN, width=80).splitlines()
        assert max(map(len, lines)) <= 80
        assert any("acme" in line and "4,312" in line and "812.50" in line for line in lines)

    def test_an_idle_product_needs_nobody(self) -> None:
        idle = Overview(
            at=NOW,
            since=NOW,
            tenants={},
            lanes=[],
            load=[],
            busy=[],
            busy_total=0,
            processes=[],
            lag=Lag(
                outbox_waiting=0,
                outbox_oldest_age_s=0,
                consumers=[],
                streams=[Stream(stream="WORK_TURN", messages=None, consumers=None)],
                temporal={"temporal_answers": 0},
            ),
            stuck=0,
            month_usd="0",
            calls_in_flight=0,
            failing_endpoints=0,
        )
        text = _rendered(idle, "the product does not answer")
        assert "Needs you nothing" in text
        assert "NATS does not answer" in text
        assert "Temporal does not answer" in text
        assert "nothing says that it lives" in text
        assert "the product does not answer" in text

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            (0, "0.0 s"),
            (9.94, "9.9 s"),
            (75, "75 s"),
            (600, "10 min"),
            (9000, "2.5 h"),
            (1e6, "11.6 d"),
        ],
    )
    def test_ages_are_short(self, seconds: float, text: str) -> None:
        assert age(seconds) == text


class _Product(BaseHTTPRequestHandler):
    """Answers as the operators' API would, to one key."""

    def do_GET(self) -> None:
        if self.headers["Authorization"] != "Bearer rk_ops_good":
            self._answer(401, b'{"detail": "A valid API key is required"}')
        elif self.path.startswith("/ops/v1/overview?minutes=5&sort=oldest_age&limit=15"):
            self._answer(200, msgspec.json.encode(SEEN))
        else:
            self._answer(404, b"?")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def product() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Product)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAPPORT_OPS_KEY", raising=False)


class TestCommand:
    def test_it_finds_the_product_that_runs_here(
        self, product: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        up = {"api_url": product, "ops_key": "rk_ops_good"}
        (tmp_path / "up.json").write_text(json.dumps(up))
        assert main(["--data-dir", str(tmp_path), "ops", "top", "--once"]) == 0
        shown = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines()) + "\n"
        assert shown == SNAPSHOT.read_text(encoding="utf-8")

    def test_a_key_may_be_in_a_file_or_in_the_environment(
        self,
        product: str,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "key").write_text("rk_ops_good\n")
        base = ["--data-dir", str(tmp_path), "ops", "--url", product]
        assert main([*base, "--key-file", str(tmp_path / "key"), "top", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["stuck"] == 2
        monkeypatch.setenv("RAPPORT_OPS_KEY", "rk_ops_good")
        assert main([*base, "top", "--json"]) == 0

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ([], "nothing runs here"),
            (["--url", "http://127.0.0.1:9"], "give an operator's key"),
            (["--key-file", "/nowhere/key"], "No such file"),
        ],
    )
    def test_what_is_missing_is_said_in_one_line(
        self,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
        told: str,
    ) -> None:
        assert main(["--data-dir", str(tmp_path), "ops", *arguments, "top", "--once"]) == 1
        said = capsys.readouterr().err
        assert told in said
        assert said.count("\n") == 1

    def test_refusals_and_silence(
        self,
        product: str,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("RAPPORT_OPS_KEY", "rk_ops_bad")
        base = ["--data-dir", str(tmp_path), "ops", "--url"]
        assert main([*base, product, "top", "--once"]) == 1
        assert "A valid API key is required" in capsys.readouterr().err
        assert main([*base, "http://127.0.0.1:9", "top", "--once"]) == 1
        assert "does not answer" in capsys.readouterr().err
