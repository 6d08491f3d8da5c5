"""Settings name every problem; secrets and user text never print."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shared import log
from shared.config import ConfigError, Secret, describe, load

GOOD = {
    "RAPPORT_DATABASE_URL": "postgresql://u:hidden@h/d",
    "RAPPORT_NATS_URL": "nats://u:hidden@h",
    "RAPPORT_MASTER_KEY": "hidden",
}


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load({"RAPPORT_API_PORT": "eighty", "RAPPORT_NATS_URL": "nats://h"})
    for variable in ("RAPPORT_DATABASE_URL", "RAPPORT_MASTER_KEY", "RAPPORT_API_PORT"):
        assert variable in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("API_PORT", "65536"),
        ("API_PORT", "-1"),
        ("WORKER_SLOTS", "0"),
        ("DATABASE_POOL", "0"),
        ("TURN_WAIT_S", "nan"),
        ("TURN_WAIT_S", "inf"),
        ("JOB_LEASE_S", "0"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_values_that_could_not_work_are_refused(variable: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"RAPPORT_{variable} is not a valid value"):
        load({**GOOD, f"RAPPORT_{variable}": text})


def test_values_are_read_and_secrets_never_print() -> None:
    settings = load({**GOOD, "RAPPORT_TURN_WAIT_S": "2.5", "RAPPORT_API_PORT": "9000"})
    assert (settings.turn_wait_s, settings.api_port) == (2.5, 9000)
    assert settings.master_key.reveal == "hidden"
    assert "hidden" not in f"{settings!r} {settings} {Secret('hidden')}"


def test_every_setting_is_described() -> None:
    rows = describe()
    assert len({row.variable for row in rows}) == len(rows) >= 15
    assert all(row.meaning and row.variable.startswith("RAPPORT_") for row in rows)


def test_forbidden_fields_are_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    line = log._redact(None, "info", {"event": "turn.stored", "text": "my secret", "seq": 3})
    assert json.loads(json.dumps(line)) == {"event": "turn.stored", "text": "[redacted]", "seq": 3}


@pytest.fixture
def restored() -> Iterator[None]:
    """Leaves logging as it was, whatever the test configures."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:], root.level = handlers, level


def _fail() -> None:
    try:
        raise ValueError("DETAIL: Failing row contains (my secret)")
    except ValueError as error:
        raise RuntimeError("about my secret") from error


@pytest.mark.usefixtures("restored")
def test_an_exception_shows_its_type_and_place_and_never_its_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logging.getLogger().handlers.clear()  # the test runner's, else ours would not be taken
    log.configure("test")
    try:
        _fail()
    except RuntimeError:
        log.get_logger().exception("job.crashed", job_id="1")
        logging.getLogger("some.library").exception("task failed")
    ours, *theirs = capsys.readouterr().err.splitlines()
    line = json.loads(ours)
    assert (line["event"], line["service"], line["job_id"]) == ("job.crashed", "test", "1")
    for shown in (line["exception"], json.loads(theirs[0])["exception"]):
        assert "secret" not in shown
        assert "builtins.RuntimeError" in shown
        assert "builtins.ValueError" in shown
        assert "_fail" in shown
    library = json.loads(theirs[0])
    assert len(theirs) == 1
    assert (library["event"], library["service"]) == ("library.said", "test")
    assert (library["level"], library["detail"]) == ("error", "task failed")
