"""Whom an `agent` parameter means."""

from typing import Annotated
from uuid import UUID

import msgspec

from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.errors import FieldError, ValidationFailedError
from shared.ids import InvalidIdError, parse_id
from shared.xapi.vocabulary import Actor

_SQL = Queries("services.api.xapi")


class Nobody(Exception):  # noqa: N818  (an answer, no failure)
    """The agent is well formed, and none of this tenant's people."""


class _Account(msgspec.Struct, frozen=True, kw_only=True):
    home_page: str = msgspec.field(name="homePage")
    name: Annotated[str, msgspec.Meta(min_length=1)]


class _Agent(msgspec.Struct, frozen=True, kw_only=True):
    account: _Account


_AGENT = msgspec.json.Decoder(_Agent)


async def find_person(
    connection: Connection, tenant: TenantKey, text: str | None, home_page: str, actor: Actor
) -> UUID | None:
    """Return the learner that is asked for; None when nobody in particular is.

    Raises:
        Nobody: there is no such person.
        ValidationFailedError: neither an Agent with an account nor a learner's id.
    """
    if text is None:
        return None
    if not text.startswith("{"):
        return _learner(text)
    try:
        account = _AGENT.decode(text).account
    except msgspec.DecodeError:
        raise _unreadable() from None
    if account.home_page != home_page:
        raise Nobody
    if actor == "learner_id":
        try:
            return parse_id("lrn", account.name)
        except InvalidIdError:
            raise Nobody from None
    found: UUID | None = await connection.fetchval(
        _SQL["find_by_external_id"], tenant.tenant_id, tenant.lookup(account.name)
    )
    if found is None:
        raise Nobody
    return found


def _learner(text: str) -> UUID:
    try:
        return parse_id("lrn", text)
    except InvalidIdError:
        raise _unreadable() from None


def _unreadable() -> ValidationFailedError:
    detail = "An Agent with an account in JSON, or a learner's id"
    return ValidationFailedError(
        errors=(FieldError(pointer="query:agent", code="format", detail=detail),)
    )
