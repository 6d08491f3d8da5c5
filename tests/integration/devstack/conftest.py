"""One real stack for the tests of this directory; those that crash supervisors make their own."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.devstack.stack import Stack


@pytest.fixture(scope="session")
def private_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory nobody else may enter, like a home directory on a careful machine."""
    directory = tmp_path_factory.mktemp("private")
    directory.chmod(0o700)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    return directory


@pytest.fixture(scope="session")
def devstack(private_dir: Path) -> Iterator[Stack]:
    with Stack(private_dir / "my ünusual #1 clone?" / ".rapport", {}, durable=False) as stack:
        yield stack
    assert stack.pids == {}
