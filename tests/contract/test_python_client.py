"""A client generated from the document drives a whole product."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.contract.client import PACKAGE, generate
from tests.contract.conftest import Access
from tests.contract.validation import Json, operations

PROGRAM = Path(__file__).with_name("partner_client.py")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def client(document_text: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the generated package."""
    folder = tmp_path_factory.mktemp("client")
    document = folder / "openapi.json"
    document.write_bytes(document_text)
    assert "WARNING" not in generate(document, folder)
    return folder


def test_every_operation_has_a_function(client: Path, document: Json) -> None:
    modules = {path.stem for path in (client / PACKAGE / "api").rglob("*.py")}

    assert operations(document).keys() <= modules


def test_it_leads_a_conversation(client: Path, access: Access) -> None:
    keys = {"RAPPORT_URL": access.url, "RAPPORT_API_KEY": access.key, "PYTHONPATH": str(client)}
    done = subprocess.run(
        [sys.executable, PROGRAM],
        env=os.environ | keys,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "customer: " in done.stdout
    assert re.search(r"criteria: [1-9]", done.stdout)
    assert "refused: 404 not-found" in done.stdout
