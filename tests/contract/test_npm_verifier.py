"""The receivers' own verifier in JavaScript, unmodified, takes what we sign and refuses the rest."""

import json
import subprocess
from datetime import UTC, datetime

import pytest

from infra.contract.linting import LintError, installed, node_home
from shared.webhooks.secrets import secret_text
from shared.webhooks.signing import sign

SECRET, OTHER_SECRET = bytes(range(32)), bytes(range(1, 33))
PRIVATE = bytes(range(2, 34))
BODY = b'{"type":"test.ping","id":"evt_01k9x4j5z8f7vr2m0q3c6d1b9h"}'

VERIFY = """
const {Webhook} = require('standardwebhooks');
const {secret, body, headers} = JSON.parse(process.argv[1]);
try { new Webhook(secret).verify(body, headers); console.log('verified'); }
catch (error) { console.log(error.name); }
"""


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("secret", "body", "said"),
    [
        (SECRET, BODY, "verified"),
        (OTHER_SECRET, BODY, "verified"),
        (PRIVATE, BODY, "WebhookVerificationError"),
        (SECRET, BODY + b" ", "WebhookVerificationError"),
    ],
    ids=["current secret", "second secret", "foreign secret", "changed body"],
)
def test_standardwebhooks_of_npm(secret: bytes, body: bytes, said: str) -> None:
    try:
        room = installed()
    except LintError as error:
        pytest.skip(f"left out, the package is not here and cannot be fetched: {error}")
    now = datetime.now(UTC)  # the verifier compares with the clock of its machine
    headers = sign("evt_1", now, BODY, secrets=[SECRET, OTHER_SECRET], private_keys=[PRIVATE])
    given = {"secret": secret_text(secret), "body": body.decode(), "headers": headers}

    done = subprocess.run(
        [str(node_home() / "bin" / "node"), "-e", VERIFY, json.dumps(given)],
        cwd=room,
        capture_output=True,
        check=True,
        text=True,
    )

    assert done.stdout.strip() == said
