"""`rapport restore` says what is left to be done: the database that knew of the erasures is lost."""

from pathlib import Path
from typing import Any

import pytest

from infra import backup as files
from infra import provision
from infra.cli import backup
from infra.provision import settings_for
from services.orchestrator.recovery import Recovered


def test_it_names_the_command_that_erases_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        return None

    async def recovered(*_: Any) -> Recovered:
        return Recovered(simulations=1, scorings=2, parts=3)

    monkeypatch.setattr(files, "restore", nothing)
    monkeypatch.setattr(provision, "provision", nothing)
    monkeypatch.setattr(backup, "_recover", recovered)
    settings = settings_for("postgresql://nowhere/x", "")
    assert backup._restore(Path("x.dump"), settings, login_password=None) == 0
    said = capsys.readouterr().out
    assert "rapport privacy reapply" in said
    assert "to be started again: 1 simulations" in said
    assert "rapport privacy reapply" in Path("docs/backups.md").read_text(encoding="utf-8")
