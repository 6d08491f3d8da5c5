"""Whom an `agent` parameter means."""

from typing import Annotated, Literal, NamedTuple
from uuid import UUID

import msgspec

from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.errors import FieldError, ValidationFailedError
from shared.ids import InvalidIdError, parse_id
from shared.xapi.statements import Form
from shared.xapi.vocabulary import AUTHORITY, Actor

_SQL = Queries("services.api.xapi")


class Nobody(Exception):  # noqa: N818  (an answer, no failure)
    """The agent is well formed, and none of this tenant's people."""


class _Account(msgspec.Struct, frozen=True, kw_only=True):
    home_page: str = msgspec.field(name="homePage")
    name: Annotated[str, msgspec.Meta(min_length=1)]


class _Agent(msgspec.Struct, frozen=True, kw_only=True):
    """An Agent or an identified Group of the specification: known by exactly one of the four."""

    kind: Literal["Agent", "Group"] = msgspec.field(name="objectType", default="Agent")
    account: _Account | None = None
    mbox: Annotated[str, msgspec.Meta(pattern="^mailto:[^@]+@[^@]+$")] | None = None
    mbox_sha1sum: Annotated[str, msgspec.Meta(pattern="^[0-9a-fA-F]{40}$")] | None = None
    openid: Annotated[str, msgspec.Meta(pattern="^https?://")] | None = None

    def __post_init__(self) -> None:
        known_by = (self.account, self.mbox, self.mbox_sha1sum, self.openid)
        if sum(each is not None for each in known_by) != 1:
            raise ValueError("an agent is known by exactly one of four")


_AGENT = msgspec.json.Decoder(_Agent)


class Voice(NamedTuple):
    """How a tenant's statements speak."""

    form: Form
    actor: Actor

    @property
    def authority(self) -> tuple[str, str]:
        """Home page and name of who vouches for the statements."""
        return (self.form.base_iri, AUTHORITY)


async def find_person(
    connection: Connection, tenant: TenantKey, text: str | None, voice: Voice, *, is_broad: bool
) -> UUID | None:
    """Return the learner that is asked for; None when nobody in particular is.

    With `is_broad` the authority of all statements stands for everybody.

    Raises:
        Nobody: there is no such person.
        ValidationFailedError: neither an Agent nor a learner's id.
    """
    if text is None:
        return None
    if not text.startswith("{"):
        return _learner(text)
    try:
        agent = _AGENT.decode(text)
    except msgspec.DecodeError:
        raise _unreadable() from None
    account = agent.account
    if account is None or agent.kind == "Group":  # neither names anybody in our statements
        raise Nobody
    if is_broad and (account.home_page, account.name) == voice.authority:
        return None
    if account.home_page != voice.form.home_page:
        raise Nobody
    return await _holder(connection, tenant, account, voice.actor)


async def _holder(
    connection: Connection, tenant: TenantKey, account: _Account, actor: Actor
) -> UUID:
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
    detail = "An Agent in JSON, known by exactly one identifier, or a learner's id"
    return ValidationFailedError(
        errors=(FieldError(pointer="query:agent", code="format", detail=detail),)
    )
