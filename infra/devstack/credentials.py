"""The generated secrets of one data directory: made once, readable by its owner only."""

import base64
import secrets
from collections.abc import Iterable
from pathlib import Path

import msgspec
from typing_extensions import override

from infra.devstack.errors import DevstackError
from infra.devstack.files import write_private


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Every secret the embedded stack needs. Never printed, never logged."""

    postgres_superuser: str
    """Password of the role `postgres`, which owns the database and runs migrations."""
    postgres_login: str
    """Password of the login role that the services connect as; the migrations set it."""
    master_key: str
    """32 random bytes in base64: `RAPPORT_MASTER_KEY`, which wraps the tenants' keys."""
    nats: dict[str, str]
    """One NATS password per user of `nats_users`."""

    @override
    def __repr__(self) -> str:
        return "Credentials(...)"


def load_credentials(path: Path, nats_users: Iterable[str]) -> Credentials:
    """Return the secrets in `path`; what is missing is made up first and stored.

    Raises:
        DevstackError: the file cannot be read, written or understood.
    """
    try:
        known = msgspec.json.decode(path.read_bytes(), type=dict[str, object])
    except FileNotFoundError:
        known = {}
    except (OSError, msgspec.MsgspecError) as error:
        raise DevstackError(f"{path}: cannot be read ({error})") from error
    try:
        complete = msgspec.convert(_completed(known, nats_users), Credentials)
    except msgspec.ValidationError as error:
        raise DevstackError(f"{path}: is damaged ({error})") from error
    content = msgspec.json.format(msgspec.json.encode(complete))
    if msgspec.to_builtins(complete) != known:
        write_private(path, content, lasting=True)
    return complete


def _completed(known: dict[str, object], nats_users: Iterable[str]) -> dict[str, object]:
    stored = known.get("nats")
    nats = stored if isinstance(stored, dict) else {}
    made: dict[str, object] = {
        "postgres_superuser": _password(),
        "postgres_login": _password(),
        "master_key": _key(),
    }
    return made | known | {"nats": {user: _password() for user in nats_users} | nats}


def _password() -> str:
    return secrets.token_hex(16)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
