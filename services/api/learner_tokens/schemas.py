"""Requests and answers of `/v1/learner_tokens`."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from services.api.fields import LearnerId, ScenarioRef, SimulationId, public, utc
from services.api.origins.schemas import Origin
from services.api.validation import RuleError, broken
from shared.ids import format_id
from shared.tokens import DEFAULT_TTL_S, MAX_TTL_S, MIN_TTL_S, LearnerToken

TokenScope = Literal["simulations:read", "simulations:write", "scorings:read"]


class TokenCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make a token for one learner, and best for one conversation."""

    learner_id: LearnerId
    simulation_id: Annotated[
        SimulationId | None,
        msgspec.Meta(description="Only this conversation, its scoring and its assessment."),
    ] = None
    scenario: Annotated[
        ScenarioRef | None,
        msgspec.Meta(description="Only this scenario may be started; without a conversation."),
    ] = None
    scopes: Annotated[
        Annotated[list[TokenScope], msgspec.Meta(min_length=1, max_length=3)] | None,
        msgspec.Meta(description="All that your key has of these when absent."),
    ] = None
    ttl_s: Annotated[
        int, msgspec.Meta(ge=MIN_TTL_S, le=MAX_TTL_S, description="Seconds it is good for.")
    ] = DEFAULT_TTL_S
    origin: Annotated[
        Origin | None,
        msgspec.Meta(description="Only from pages of this origin; one of your allowed origins."),
    ] = None

    def __post_init__(self) -> None:
        if self.simulation_id is not None and self.scenario is not None:
            detail = "A token for one conversation starts none"
            raise RuleError(broken("/scenario", "not-allowed", detail))


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """A token; it is shown once and not stored."""

    token: str
    """Goes into `Authorization: Bearer`, like an API key."""
    learner_id: str
    simulation_id: str | None
    scenario: str | None
    """Slug."""
    scopes: list[str]
    origin: str | None
    expires_at: datetime

    @classmethod
    def of(cls, token: LearnerToken, text: str) -> "TokenView":
        """Return the public form."""
        return cls(
            token=text,
            learner_id=format_id("lrn", token.learner_id),
            simulation_id=public("sim", token.simulation_id),
            scenario=None if token.scenario is None else token.scenario[1],
            scopes=sorted(token.scopes),
            origin=token.origin,
            expires_at=utc(token.expires_at),
        )
