"""Small files that must never be seen half written."""

import os
from pathlib import Path


def write_private(path: Path, content: bytes, *, lasting: bool = False) -> None:
    """Replace a file in one step; only its owner may read it.

    Args:
        path: The file.
        content: All of it.
        lasting: Whether it must survive a crash of the machine right after the call.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if lasting:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(path)
