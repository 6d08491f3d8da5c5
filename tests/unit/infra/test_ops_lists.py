"""What the thin commands of operators ask for, print, and end with."""

import argparse
from typing import Any

import msgspec
import pytest

from infra.cli import ops_lists
from infra.cli.errors import CommandError

TENANT = "ten_01m80k6vjkes7rsq4v8cydp54z"
JOB = "job_01m80k6vjkes7rsq4v8cydp54z"
AT = "2026-11-22T21:30:00Z"
ROW = {"slug": "acme", "status": "active", "plan": "trial", "time_zone": "UTC", "created_at": AT}


class _Client:
    """Answers in turn, and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[Any, ...]] = []

    def get(self, path: str, kind: type[Any], **params: Any) -> Any:
        self.asked.append((path, params))
        return msgspec.convert(self._answers.pop(0), kind)

    def post(self, path: str, kind: type[Any], body: Any = None) -> Any:
        self.asked.append((path, body))
        return msgspec.convert(self._answers.pop(0), kind)

    def text(self, path: str, **params: Any) -> str:
        self.asked.append((path, params))
        return str(self._answers.pop(0))


def _run(name: str, client: _Client, **options: Any) -> int:
    given = {"tenant": None, "type": None, "id": None, "limit": 20, "status": None} | options
    done: int = getattr(ops_lists, name)(client, argparse.Namespace(**given))
    return done


def test_tenants_of_all_pages(capsys: pytest.CaptureFixture[str]) -> None:
    client = _Client(
        {"data": [{"id": "ten_1", **ROW}], "next_cursor": "more"},
        {"data": [{"id": "ten_2", **ROW}], "next_cursor": None},
    )
    assert _run("tenants", client) == 0
    assert capsys.readouterr().out.splitlines() == [
        "id     slug  state   plan",
        "ten_1  acme  active  trial",
        "ten_2  acme  active  trial",
    ]
    assert [params["cursor"] for _, params in client.asked] == [None, "more"]


def test_stuck_things_and_none(capsys: pytest.CaptureFixture[str]) -> None:
    one = {
        "tenant_id": TENANT,
        "id": JOB,
        "what": "job",
        "detail": "turn",
        "since": AT,
        "starts": 0,
        "reason": "no sim-worker runs",
        "can_retry": True,
    }
    assert _run("stuck", _Client({"data": [one], "total": 3})) == 1
    said = capsys.readouterr().out
    assert "no sim-worker runs" in said
    assert "and 2 more" in said
    assert _run("stuck", _Client({"data": [], "total": 0})) == 0
    assert capsys.readouterr().out == "none\n"


def test_dead_letters(capsys: pytest.CaptureFixture[str]) -> None:
    letter = {
        "tenant_id": TENANT,
        "id": JOB,
        "lane": "score",
        "type": "score",
        "starts": 5,
        "failure_code": "worker-crashed",
        "created_at": AT,
        "died_at": AT,
        "can_replay": True,
        "told": "the scoring failed",
    }
    client = _Client({"data": [letter], "next_cursor": "x"})
    assert _run("dead", client, type="score") == 1
    assert "worker-crashed  yes     the scoring failed" in capsys.readouterr().out
    assert client.asked[0][1]["type"] == "score"


def test_processes_that_vanished(capsys: pytest.CaptureFixture[str]) -> None:
    one = {"service": "api", "version": "0.1.0", "started_at": AT, "seen_at": AT, "facts": {}}
    rows = [{"id": "proc_1", "is_alive": True, **one}, {"id": "proc_2", "is_alive": False, **one}]
    assert _run("workers", _Client({"data": rows, "versions": {}})) == 1
    assert "vanished 21:30:00" in capsys.readouterr().out


def test_webhooks(capsys: pytest.CaptureFixture[str]) -> None:
    one = {
        "tenant_id": TENANT,
        "endpoint_id": "whe_1",
        "status": "disabled",
        "disabled_reason": "failing",
        "disabled_at": AT,
        "failing_since": AT,
        "failures": 9,
        "last_success_at": None,
        "waiting": 4,
        "oldest_age_s": 7200.0,
        "latency_p95_ms": 320,
        "last_status_code": 503,
        "last_result": "failed",
    }
    assert _run("webhooks", _Client({"data": [one], "total": 1})) == 0
    assert "failing  9         4        2.0 h   503   320 ms" in capsys.readouterr().out


def test_a_retry_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    client = _Client({"id": "scr_1", "did": "started_again", "words": "It has a new job"})
    assert _run("retry", client, tenant=TENANT, id="scr_1") == 0
    assert capsys.readouterr().out == "scr_1: It has a new job\n"
    assert client.asked == [(f"/tenants/{TENANT}/retry", {"id": "scr_1"})]


def test_replays_of_one_and_of_many(capsys: pytest.CaptureFixture[str]) -> None:
    done = {"tenant_id": TENANT, "id": JOB, "outcome": "replayed", "words": "It is due again"}
    client = _Client(done, {"data": [done | {"outcome": "refused"}]})
    assert _run("replay", client, tenant=TENANT, id=JOB) == 0
    assert _run("replay", client, type="score", limit=5) == 1
    assert client.asked == [
        (f"/tenants/{TENANT}/dead_letters/{JOB}/replay", None),
        ("/dead_letters/replay", {"tenant_id": None, "type": "score", "limit": 5}),
    ]
    assert "refused" in capsys.readouterr().out
    with pytest.raises(CommandError, match="--tenant"):
        _run("replay", client, id=JOB)


def test_usage_is_printed_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    client = _Client("tenant_id,turns\r\nten_1,5\r\n")
    assert _run("usage", client, month="2026-10") == 0
    assert capsys.readouterr().out == "tenant_id,turns\r\nten_1,5\r\n"
    assert client.asked == [("/usage.csv", {"month": "2026-10"})]
