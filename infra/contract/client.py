"""Generates a Python client from the document, as a partner would."""

import subprocess
import sys
from pathlib import Path
from typing import Final

TIMEOUT_S: Final = 300.0

PACKAGE: Final = "rapport_client"

_CONFIG: Final = f"""package_name_override: {PACKAGE}
project_name_override: rapport-client
post_hooks: []
content_type_overrides:
  text/event-stream: text/plain
"""


def generate(document: Path, folder: Path) -> str:
    """Write a client package into `folder`; return what the generator said.

    Raises:
        subprocess.CalledProcessError: the generator refused the document.
    """
    config = folder / "client.yaml"
    config.write_text(_CONFIG, encoding="utf-8")
    done = subprocess.run(
        [
            Path(sys.executable).with_name("openapi-python-client"),
            "generate",
            f"--path={document}",
            f"--config={config}",
            f"--output-path={folder / PACKAGE}",
            "--meta=none",
            "--overwrite",
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    return done.stdout + done.stderr
