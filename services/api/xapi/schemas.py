"""Requests and answers of `/v1/xapi/statements` and `/v1/lrs`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec

from services.api.fields import utc
from services.api.filters.asked import Moment
from services.api.paging import MOST_ASKED, PageQuery
from services.api.validation import RuleError, broken
from shared.webhooks.outbound import MAX_URL_LENGTH
from shared.xapi.stores import Auth, Standing, Store
from shared.xapi.vocabulary import VERBS, Actor, Verb, Version

MAX_STATEMENTS: Final = 100
"""Of one answer."""

ONE: Final = frozenset({"statementId", "voidedStatementId"})
"""Parameters that ask for one statement."""

_VERBS: Final = {iri: verb for verb, iri in VERBS.items()}

Iri = Annotated[str, msgspec.Meta(pattern="^[A-Za-z][A-Za-z0-9+.-]*:", max_length=500)]
Address = Annotated[
    str, msgspec.Meta(pattern="^https?://[^\\s]+$", min_length=10, max_length=MAX_URL_LENGTH)
]


class StatementQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which statements; the parameters have the names of the specification."""

    limit: Annotated[
        int,
        msgspec.Meta(
            ge=0, le=MOST_ASKED, description="How many at most; 0, and more than 100, mean 100."
        ),
    ] = 0
    statement_id: Annotated[
        UUID | None, msgspec.Meta(description="Only this one; then nothing else may be asked.")
    ] = msgspec.field(name="statementId", default=None)
    voided_statement_id: Annotated[
        UUID | None,
        msgspec.Meta(description="Never found: nothing is ever voided here."),
    ] = msgspec.field(name="voidedStatementId", default=None)
    agent: Annotated[
        Annotated[str, msgspec.Meta(max_length=1000)] | None,
        msgspec.Meta(description="A person: an Agent with an account in JSON, or a learner's id."),
    ] = None
    verb: Annotated[Iri | None, msgspec.Meta(description="IRI of a verb.")] = None
    activity: Annotated[
        Iri | None, msgspec.Meta(description="IRI of what a statement is about.")
    ] = None
    registration: Annotated[
        UUID | None,
        msgspec.Meta(description="The `context.registration` of a simulation or a conversation."),
    ] = None
    related_activities: Annotated[
        bool, msgspec.Meta(description="Look for the activity in the context as well.")
    ] = False
    related_agents: Annotated[
        bool, msgspec.Meta(description="Look for the agent as the authority as well.")
    ] = False
    since: Annotated[Moment | None, msgspec.Meta(description="Stored after this time.")] = None
    until: Annotated[Moment | None, msgspec.Meta(description="Stored at or before this time.")] = (
        None
    )
    ascending: Annotated[
        bool, msgspec.Meta(description="Oldest first; newest first when absent.")
    ] = False
    format: Annotated[
        Literal["exact", "ids", "canonical"],
        msgspec.Meta(description="`ids`: activities and verbs by their IRIs only."),
    ] = "exact"
    attachments: Annotated[
        bool, msgspec.Meta(description="There are none, so this changes nothing.")
    ] = False

    def __post_init__(self) -> None:
        wanted = self.asked() & ONE
        others = self.asked() - ONE - {"format"}
        if len(wanted) == len(ONE):
            detail = "One statement is asked for by one of both"
            raise RuleError(broken("/voidedStatementId", "contradiction", detail))
        if wanted and others:
            detail = "With the id of a statement only format and attachments go"
            raise RuleError(
                *(broken(f"/{name}", "contradiction", detail) for name in sorted(others))
            )

    def asked(self) -> frozenset[str]:
        """Return the names of the parameters that differ from their defaults."""
        return frozenset(
            field.encode_name
            for field in msgspec.structs.fields(self)
            if getattr(self, field.name) != field.default and field.name != "attachments"
        )

    @property
    def verb_name(self) -> Verb | None:
        """Our name of the verb; None when it is no verb of ours, or none is asked for."""
        return None if self.verb is None else _VERBS.get(self.verb)

    @property
    def most(self) -> int:
        """How many statements to answer, 1..100."""
        return min(self.limit or MAX_STATEMENTS, MAX_STATEMENTS)


class StatementResult(msgspec.Struct, frozen=True, kw_only=True):
    """Statements; with `statementId` the answer is the one statement itself."""

    statements: tuple[dict[str, Any], ...]
    more: str
    """Where the rest is; empty when there is none."""


class AuthWrite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How we sign in at your store."""

    kind: Literal["basic", "bearer"]
    username: Annotated[
        Annotated[str, msgspec.Meta(pattern="^[^:\\x00-\\x1f]*$", max_length=200)] | None,
        msgspec.Meta(description="With `basic` only."),
    ] = None
    secret: Annotated[
        str,
        msgspec.Meta(
            pattern="^[\\x20-\\x7e]+$",
            max_length=2000,
            description="Password or token; never shown again.",
        ),
    ]

    def __post_init__(self) -> None:
        if self.kind == "basic" and self.username is None:
            raise RuleError(broken("/username", "missing", "Basic needs a user name"))
        if self.kind == "bearer" and self.username is not None:
            raise RuleError(broken("/username", "not-allowed", "Only basic has a user name"))

    def auth(self) -> Auth:
        """Return what is stored."""
        return Auth(kind=self.kind, username=self.username or "", secret=self.secret)


class LrsPut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where statements go; this replaces what was set before, secret included."""

    url: Annotated[
        Address,
        msgspec.Meta(description="xAPI endpoint; statements are posted to `<url>/statements`."),
    ]
    auth: AuthWrite | None = None
    version: Annotated[Version, msgspec.Meta(description="Of xAPI.")] = "1.0.3"
    actor: Annotated[
        Actor,
        msgspec.Meta(description="By which id people are named; in `/v1/xapi/statements` too."),
    ] = "learner_id"
    home_page: Annotated[
        Address | None,
        msgspec.Meta(description="Of the people's accounts: the system that knows these ids."),
    ] = None
    enabled: Annotated[bool, msgspec.Meta(description="false: nothing is sent.")] = True

    def store(self) -> Store:
        """Return what is stored."""
        return Store(
            url=self.url.rstrip("/"),
            auth=None if self.auth is None else self.auth.auth(),
            version=self.version,
            actor=self.actor,
            home_page=self.home_page,
            enabled=self.enabled,
        )


class LrsView(msgspec.Struct, frozen=True, kw_only=True):
    """Your learning record store, and how the sending goes."""

    url: str
    auth: Literal["basic", "bearer"] | None
    username: str | None
    version: Version
    actor: Actor
    home_page: str | None
    enabled: bool
    failures: int
    """Tries that failed since the last success."""
    last_error: str | None
    """Class of the last failure, for example `timeout` or `status-401`."""
    last_success_at: datetime | None
    rejected: int
    """Statements that your store refused for good; they are not sent again."""
    next_attempt_at: datetime | None
    """When it is tried again; null while nothing fails."""
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, standing: Standing) -> "LrsView":
        """Return the public form; without the secret."""
        store, last = standing.store, standing.last_success_at
        auth = store.auth
        return cls(
            url=store.url,
            auth=None if auth is None else auth.kind,
            username=None if auth is None or auth.kind == "bearer" else auth.username,
            version=store.version,
            actor=store.actor,
            home_page=store.home_page,
            enabled=store.enabled,
            failures=standing.failures,
            last_error=standing.last_error,
            last_success_at=None if last is None else utc(last),
            rejected=standing.rejected,
            next_attempt_at=utc(standing.next_attempt_at) if standing.failures else None,
            created_at=utc(standing.created_at),
            updated_at=utc(standing.updated_at),
        )


class LrsDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """That nothing is sent any more."""

    deleted: bool = True


def bare(statement: Mapping[str, Any]) -> dict[str, Any]:
    """Return a statement in the format `ids`."""
    kept = dict(statement)
    kept["verb"] = {"id": statement["verb"]["id"]}
    kept["object"] = _bare_activity(statement["object"])
    context = statement["context"]
    if "contextActivities" in context:
        others = {
            name: [_bare_activity(each) for each in found]
            for name, found in context["contextActivities"].items()
        }
        kept["context"] = {**context, "contextActivities": others}
    return kept


def _bare_activity(activity: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in activity.items() if name != "definition"}
