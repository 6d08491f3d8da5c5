"""The quickstarts work as they stand: their code blocks are run against a whole product."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.contract.linting import node_home
from tests.contract.conftest import Access

TIMEOUT_S = 90


def _code(root: Path, name: str, language: str) -> str:
    page = (root / f"docs/quickstarts/{name}.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"```{language}\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) >= 3
    return "\n".join(blocks)


def _run(command: list[str | Path], access: Access) -> str:
    keys = {"RAPPORT_URL": access.url, "RAPPORT_API_KEY": access.key}
    done = subprocess.run(
        command,
        env=os.environ | keys,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not on this machine")
def test_curl(repository_root: Path, access: Access, tmp_path: Path) -> None:
    script = tmp_path / "quickstart.sh"
    script.write_text("set -eu\n" + _code(repository_root, "curl", "sh"))

    told = _run(["sh", script], access)

    assert re.search(r"^assessment asm_[0-9a-z]{26}$", told, flags=re.MULTILINE)
    assert '"reply":{"id":"turn_' in told
    assert '"criteria":[{' in told


def test_python(repository_root: Path, access: Access, tmp_path: Path) -> None:
    script = tmp_path / "quickstart.py"
    script.write_text(_code(repository_root, "python", "python"))

    told = _run([sys.executable, script], access)

    assert told.count("customer:") >= 2
    assert "overall:" in told


def test_javascript(repository_root: Path, access: Access, tmp_path: Path) -> None:
    script = tmp_path / "quickstart.mjs"
    script.write_text(_code(repository_root, "javascript", "js"))

    told = _run([node_home() / "bin/node", script], access)

    assert told.count("customer:") == 2
    assert "overall:" in told
