"""The readers of the last release, as they were shipped, read what this one writes."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import msgspec
import pytest

from tests.support.released import RELEASED
from tests.wire.comparing import reviewed
from tests.wire.record import load
from tests.wire.shapes import sample, structs

READER = """
import importlib, json, sys
import msgspec

refused = {}
for name, samples in json.load(sys.stdin).items():
    module, _, kind = name.rpartition(".")
    struct = getattr(importlib.import_module(module), kind)
    for each in samples:
        try:
            msgspec.json.decode(json.dumps(each).encode(), type=struct)
        except msgspec.MsgspecError as error:
            refused[name] = str(error)
print(json.dumps({"refused": refused, "from": sys.modules["shared"].__path__[0]}))
"""


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, repository_root: Path) -> Path:
    """The shared rooms of the last release, out of the history of this checkout."""
    archived = subprocess.run(
        ["git", "archive", RELEASED, "shared"],
        cwd=repository_root,
        capture_output=True,
        check=False,
    )
    if archived.returncode:
        pytest.skip("the history of this checkout does not reach back to the last release")
    tree = tmp_path_factory.mktemp("released")
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as packed:
        packed.extractall(tree, filter="data")
    return tree


def _refused(tree: Path, samples: dict[str, list[object]]) -> dict[str, str]:
    read = subprocess.run(
        [sys.executable, "-c", READER],
        cwd=tree,
        input=msgspec.json.encode(samples),
        capture_output=True,
        check=False,
    )
    assert read.returncode == 0, read.stderr.decode()
    said = msgspec.json.decode(read.stdout)
    assert said["from"].startswith(str(tree)), "the old code was not what read"
    refused: dict[str, str] = said["refused"]
    return refused


def test_old_readers_read_new_data(released: Path) -> None:
    today = structs()
    known = (load().keys() & today.keys()) - reviewed(load())
    samples = {
        name: [sample(today[name], full=True), sample(today[name], full=False)] for name in known
    }
    assert _refused(released, samples) == {}
    assert len(samples) > 200


def test_a_planted_break_is_refused_by_them(released: Path) -> None:
    refused = _refused(released, {"shared.contracts.jobs.TurnJob": [{"type": "turn"}]})
    assert "simulation_id" in refused["shared.contracts.jobs.TurnJob"]
