"""Settings name every problem; secrets and user text never print."""

import json

import pytest

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
