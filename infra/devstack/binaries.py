"""Where the wheels put their programs."""

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from infra.devstack.errors import DevstackError


def find_program(package: str, program: str) -> Path:
    """Return the program that an installed wheel brought.

    Raises:
        DevstackError: the wheel is not installed, or brings no such program.
    """
    try:
        installed = files(package) or []
    except PackageNotFoundError:
        installed = []
    for file in installed:
        if file.name == program:
            path = Path(str(file.locate())).resolve()
            if path.is_file():
                return path
    raise DevstackError(f"{program} is missing: install the package {package}")
