"""Each rule catches what it is for, spares what it should, and the repository obeys all of them."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from infra.checks import __main__ as command
from infra.checks import python_rules, sql_rules, workflow_fingerprints
from infra.checks.python_rules import check_acquire, check_logs, check_purity, check_size
from infra.checks.repository import check_repository
from infra.checks.source import Source, Violation

TABLES = frozenset({"turns", "jobs"})


def _python(text: str, path: str = "services/api/teams/service.py") -> Source:
    return Source(path, dedent(text))


def _rules(violations: Iterator[Violation]) -> list[str]:
    return [violation.rule for violation in violations]


def test_the_repository_obeys(repository_root: Path) -> None:
    assert check_repository(repository_root) == []


def test_a_violation_prints_where_what_and_why() -> None:
    (found,) = check_size(Source("shared/long.py", "x\n" * 401))
    assert str(found) == "shared/long.py:401 file-size 401 lines, 400 are the most"


class TestAcquire:
    @pytest.mark.parametrize(
        "text",
        [
            "async def f(pool):\n    async with pool.acquire() as c:\n        pass",
            "async def f(self):\n    c = await self._database.app.acquire()",
            "import asyncpg\nasync def f(url):\n    await asyncpg.connect(url)",
            "from asyncpg import create_pool as new\nasync def f(url):\n    await new(url)",
        ],
    )
    def test_catches(self, text: str) -> None:
        assert _rules(check_acquire(_python(text))) == ["pool-acquire"]

    @pytest.mark.parametrize("path", ["shared/db/tx.py", "services/orchestrator/relay.py"])
    def test_spares_the_owner_and_the_listed(self, path: str) -> None:
        source = _python("async def f(pool):\n    await pool.acquire()", path)
        assert _rules(check_acquire(source)) == []

    def test_an_exception_that_nobody_needs_is_a_violation(self) -> None:
        source = _python("x = 1", "services/orchestrator/relay.py")
        assert _rules(check_acquire(source)) == ["pool-acquire"]


class TestPurity:
    @pytest.mark.parametrize(
        "text",
        [
            "from datetime import datetime\nx = datetime.now()",
            "import datetime as d\nx = d.datetime.utcnow()",
            "from datetime import date\nx = date.today()",
            "import time\nx = time.time()",
            "from time import monotonic as clock\nx = clock()",
            "from uuid import uuid4\nfield(default_factory=uuid4)",
            "import uuid\nx = uuid.uuid4()",
            "import random\nx = random.choice([1])",
            "from random import shuffle\nshuffle([1])",
            "import random\nx = random.Random()",
            "import secrets\nx = secrets.token_hex()",
            "import os\nx = os.urandom(3)",
        ],
    )
    @pytest.mark.parametrize("room", python_rules.PURE)
    def test_catches(self, text: str, room: str) -> None:
        assert _rules(check_purity(_python(text, f"{room}/x.py"))) == ["impure"]

    @pytest.mark.parametrize(
        "text",
        [
            "from random import Random\nx = Random(seed)",
            "import random\ndef f(rng: random.Random) -> None: ...",
            "from datetime import datetime\ndef f(now: datetime) -> None: ...",
            "from temporalio import workflow\nx = workflow.now()",
            "class A:\n    def f(self):\n        return self.random.choice([1])",
        ],
    )
    def test_spares(self, text: str) -> None:
        assert _rules(check_purity(_python(text, "shared/workflows/x.py"))) == []

    def test_other_rooms_may_read_the_clock(self) -> None:
        assert _rules(check_purity(_python("import time\nx = time.time()"))) == []


class TestLogs:
    @pytest.mark.parametrize(
        "call",
        [
            'log.info(f"job.{kind}")',
            'log.info("Job finished")',
            'log.info("finished")',
            'log.warning("job." + kind)',
            "log.error(EVENT)",
            "log.exception()",
            'workflow.logger.info("Scoring started")',
            'self.logger.debug("x: %s", 1)',
        ],
    )
    def test_catches_events_without_a_literal_name(self, call: str) -> None:
        assert _rules(check_logs(_python(call))) == ["log-event"]

    @pytest.mark.parametrize(
        "call",
        [
            'log.info("turn.stored", text=turn.text)',
            'log.warning("learner.made", external_id=x)',
            'log.info("key.made", key=x)',
            'log.info("team.made", **{"name": x})',
            'workflow.logger.info("turn.stored", extra={"quote": x})',
            "log.bind(email=x)",
            "structlog.contextvars.bind_contextvars(api_key=x)",
        ],
    )
    def test_catches_fields_that_may_hold_text_names_or_keys(self, call: str) -> None:
        assert _rules(check_logs(_python(call))) == ["log-field"]

    @pytest.mark.parametrize(
        "call",
        [
            'log.info("job.republished", job_id=str(job_id), attempt=2)',
            'log.exception("lane.list_failed")',
            'workflow.logger.info("scoring.already_started")',
            "log.bind(tenant_id=x)",
            "bind_contextvars(service=x)",
            "math.log(3)",
            'parser.error("bad usage")',
        ],
    )
    def test_spares(self, call: str) -> None:
        assert _rules(check_logs(_python(call))) == []


class TestSize:
    @pytest.mark.parametrize(
        ("path", "lines", "rules"),
        [
            ("shared/a.py", 400, []),
            ("shared/a.py", 401, ["file-size"]),
            ("tests/unit/test_a.py", 600, []),
            ("tests/unit/test_a.py", 601, ["file-size"]),
        ],
    )
    def test_limits(self, path: str, lines: int, rules: list[str]) -> None:
        assert _rules(check_size(Source(path, "x = 1\n" * lines))) == rules


class TestQueries:
    @staticmethod
    def _check(
        statement: str, name: str = "some", path: str = "services/x/queries.sql"
    ) -> list[Violation]:
        text = f"-- name: {name}\n-- Why.\n{statement}\n"
        return list(sql_rules.check_queries(Source(path, text), TABLES))

    @pytest.mark.parametrize(
        "statement",
        [
            "select * from turns where turn_id = $1",
            "select tenant_id from turns where turn_id = $2",
            "delete from jobs",
            "update jobs set attempt = 1 where job_id = $2",
            "insert into turns (turn_id) values ($1)",
            "insert into turns (tenant_id, seq) select tenant_id, 1 from jobs",
            "select 1 from unnest($1::int[]) as u, app.turns t",
            "select 1 from other o join jobs j on true",
            "select 1 from turns -- where tenant_id = $1",
            "select 'tenant_id = $1' from turns",
        ],
    )
    def test_catches(self, statement: str) -> None:
        assert [found.rule for found in self._check(statement)] == ["tenant-id"]

    @pytest.mark.parametrize(
        "statement",
        [
            "select * from turns where tenant_id = $1",
            "update jobs j set attempt = 1 where j.tenant_id = $1",
            "insert into turns (tenant_id, seq) values ($1, $2)",
            "insert into turns (tenant_id, seq) select $1, s from unnest($2::int[]) as s",
            "select 1 from ops_keys where key_id = $1",
        ],
    )
    def test_spares(self, statement: str) -> None:
        assert self._check(statement) == []

    def test_names_the_line_and_the_query(self) -> None:
        text = "-- name: fine\n-- Why.\nselect 1\n\n-- name: bad\n-- Why.\nselect 1 from jobs\n"
        (found,) = sql_rules.check_queries(Source("services/x/queries.sql", text), TABLES)
        assert (found.line, found.message.split()[0]) == (5, "bad")

    def test_spares_the_listed_and_reports_the_ones_listed_for_nothing(self) -> None:
        path = "services/reporting/queries.sql"
        assert self._check("select position from jobs", "unread", path) == []
        (found,) = self._check("select 1 from jobs where tenant_id = $1", "unread", path)
        assert found.message == "unread needs no exception: drop it"

    def test_reads_tenant_tables_from_the_migrations(self) -> None:
        text = (
            "create table app.a (\n  tenant_id uuid not null,\n  x int\n);\n"
            "create table app.b (\n  b_id uuid\n);\n"
            "create table report.c (\n  tenant_id  uuid primary key\n);\n"
        )
        assert sql_rules.tenant_tables([Source("m.sql", text)]) == {"a", "c"}


WORKFLOW = """
from temporalio import workflow
from shared.workflows import activity_api

NAME = "ToyWorkflow"

@workflow.defn(name=NAME)
class Toy:
    @workflow.run
    async def run(self, order):
        await workflow.execute_activity(activity_api.FIRST, order, activity_id="a")
        if order.long:
            await workflow.sleep(5)
        await self._rest()

    async def _rest(self):
        await workflow.execute_activity(activity_api.SECOND, 1, start_to_close_timeout=T)
"""
STUBS = 'FIRST = "toy.first"\nSECOND = "toy.second"\n'


def _fingerprints(workflow: str = WORKFLOW, stubs: str = STUBS) -> dict[str, list[str]]:
    return workflow_fingerprints.fingerprints(
        [
            Source("shared/workflows/activity_api.py", stubs),
            Source("shared/workflows/toy.py", workflow),
        ]
    )


class TestFingerprints:
    def test_reads_commands_in_order_with_their_branches(self) -> None:
        assert _fingerprints() == {
            "ToyWorkflow": [
                "run: execute_activity('toy.first', activity_id='a')",
                "run: if order.long: sleep(5)",
                "run: self._rest()",
                "_rest: execute_activity('toy.second')",
            ]
        }

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("        if order.long:", "        if order.short:"),
            ("workflow.sleep(5)", "workflow.sleep(6)"),
            ('activity_id="a"', 'activity_id="b"'),
            ("activity_api.SECOND", "activity_api.FIRST"),
            (
                "        await self._rest()",
                "        await workflow.sleep(1)\n        await self._rest()",
            ),
            ("        await self._rest()", "        pass"),
            ("        if order.long:", "        if workflow.patched('x'):"),
            ('NAME = "ToyWorkflow"', 'NAME = "OtherWorkflow"'),
        ],
    )
    def test_a_changed_command_is_a_violation(self, old: str, new: str) -> None:
        assert old in WORKFLOW
        changed = _fingerprints(WORKFLOW.replace(old, new))
        found = list(workflow_fingerprints.compare(_fingerprints(), changed))
        assert {violation.rule for violation in found} == {"workflow-fingerprint"}

    def test_a_renamed_activity_is_a_violation(self) -> None:
        changed = _fingerprints(stubs=STUBS.replace("toy.first", "toy.begin"))
        (found,) = workflow_fingerprints.compare(_fingerprints(), changed)
        assert "command 1 was `run: execute_activity('toy.first'" in found.message
        assert "--update-fingerprints" in found.message
        assert "patched" in found.message

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("start_to_close_timeout=T", "start_to_close_timeout=U, retry_policy=P"),
            ("        await self._rest()", "        # why\n        await self._rest()"),
            ("async def run(self, order):", 'async def run(self, order):\n        """Doc."""'),
        ],
    )
    def test_timeouts_and_comments_may_change(self, old: str, new: str) -> None:
        assert old in WORKFLOW
        assert _fingerprints(WORKFLOW.replace(old, new)) == _fingerprints()


class TestCommand:
    @pytest.fixture
    def checkout(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for folder in ("shared/workflows", "services", "infra", "tests/workflows"):
            (tmp_path / folder).mkdir(parents=True)
        (tmp_path / "shared/workflows/activity_api.py").write_text(STUBS)
        (tmp_path / "shared/workflows/toy.py").write_text(WORKFLOW)
        monkeypatch.setattr(command, "ROOT", tmp_path)
        return tmp_path

    def test_fails_then_passes_once_the_baseline_is_taken(
        self, checkout: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert command.main([]) == 1
        assert "tests/workflows/fingerprints.json:1 workflow-fingerprint" in capsys.readouterr().out
        assert command.main(["--update-fingerprints"]) == 0
        assert command.main([]) == 0

    def test_finds_a_violation_in_any_room(
        self, checkout: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        command.main(["--update-fingerprints"])
        (checkout / "services/a.py").write_text('log.info("Hello")\n')
        (checkout / "services/queries.sql").write_text("-- name: a\n-- Why.\nselect 1 from turns\n")
        (checkout / "infra/migrations").mkdir()
        (checkout / "infra/migrations/0001.sql").write_text(
            "create table app.turns (\n  tenant_id uuid\n);\n"
        )
        capsys.readouterr()
        assert command.main([]) == 1
        assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [
            ["services/a.py:1", "log-event"],
            ["services/queries.sql:1", "tenant-id"],
        ]

    def test_refuses_unknown_arguments(self) -> None:
        assert command.main(["--what"]) == 2
