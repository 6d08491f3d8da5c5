"""The name of the rules: changes whenever code or phrase data that decide a score change."""

import hashlib
from importlib import resources

ENGINE_NAME = "embedded-1"
"""Bumped by hand when results before and after must not be compared."""

_PACKAGES = (
    "services.scoring_worker.judging",
    "services.scoring_worker.judging.detectors",
    "shared.dialogue",
)


def _digest() -> str:
    """Hash the sources of the rules, read once at import; line endings do not matter."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        files = (item for item in resources.files(package).iterdir() if item.is_file())
        for item in sorted(files, key=lambda file: file.name):
            if item.name.endswith((".py", ".yaml", ".json")):
                digest.update(f"{package}/{item.name}\n".encode())
                digest.update(item.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:12]


ENGINE_VERSION = f"{ENGINE_NAME}+{_digest()}"
"""Pinned by every assessment."""
