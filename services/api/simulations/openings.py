"""What a new simulation begins with: language, scenario version, the customer's first line."""

import asyncio
from typing import Final, Literal
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.idempotency import Claim, find_claim
from services.api.principal import Principal
from services.api.scenarios.refusals import LanguageNotSupportedError
from services.api.simulations.ingredients import ingredients
from services.api.simulations.opening_repository import OpeningRepository, RenderedOpening
from services.api.simulations.records import Mode, Practice
from services.api.simulations.repository import SimulationRepository
from shared.contracts.llm import ModelPolicy, Task, WhyEmbedded
from shared.contracts.scenario import opening_line
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.tx import tenant_tx
from shared.errors import ConflictError, UnavailableError
from shared.intake.language import DEFAULT, is_supported
from shared.llm.ports import LanguageModel, ModelFailedError, Purpose
from shared.log import get_logger
from shared.rendering.opening import Opening, say_in
from shared.rendering.render import Job

log = get_logger()

LIMIT_S: Final = 8.0
"""For the first line, repair included: somebody waits for the answer."""
BEYOND_S: Final = 2.0
"""After that the gateway has given up and settled the bill, whatever the endpoint does."""

_PASSING: Final = frozenset(
    {
        *(WhyEmbedded.BUSY, WhyEmbedded.UNACCOUNTED, WhyEmbedded.BREAKER_OPEN),
        *(WhyEmbedded.TIMEOUT, WhyEmbedded.UNREACHABLE, WhyEmbedded.RATE_LIMITED),
        *(WhyEmbedded.SERVER_ERROR, WhyEmbedded.MALFORMED, WhyEmbedded.REFUSED),
        WhyEmbedded.FAILED_CHECKS,
    }
)
"""Failures after which the same request may well succeed."""


def check_key(principal: Principal, language: str) -> None:
    """Keep a test key out of a conversation that cannot go on without a model.

    Raises:
        ConflictError: it would be marked as a test, and its next line read by nobody.
    """
    if principal.environment == "test" and not is_supported(language):
        raise ConflictError(
            f"The customer speaks `{language}`, which takes a language model, and"
            f" {_REASONS[WhyEmbedded.TEST_KEY]}; go on with a live key"
        )


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out before the simulation is stored."""

    language: str
    practice: Practice | None = None
    """The scenario version whose line was rendered; None: nothing was rendered."""
    rendered: RenderedOpening | None = None

    def line(self, practice: Practice, seed: int) -> str:
        """Return the customer's first line."""
        return self.rendered.text if self.rendered else opening_line(practice.spec, seed)


class Openings:
    """Finds or makes the first lines of customers who speak another language."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def prepare(
        self,
        principal: Principal,
        claim: Claim | None,
        *,
        scenario: str,
        learner_id: UUID,
        mode: Mode,
        seed: int,
        language: str | None,
    ) -> Prepared:
        """Settle the language, and have the first line put into it; in English nothing is to do.

        Raises:
            LanguageNotSupportedError: no usable model, or a scripted learner, who speaks English.
            NotFoundError: no such learner or scenario for this caller.
            UnavailableError: the model did not say the line in time; nothing is stored.
        """
        spoken = await self._language(principal.tenant_id, mode, language)
        if is_supported(spoken):
            return Prepared(language=spoken)
        context = self._context
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            if claim is not None and await find_claim(connection, principal.tenant_id, claim):
                return Prepared(language=spoken)  # the simulation exists, with its first line
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            bounds = principal.bounds(context.clock.now())
            repository = SimulationRepository(connection, bounds, tenant)
            _, practice = await ingredients(repository, learner_id, scenario)
            line = opening_line(practice.spec, seed)
            known = await self._repository(connection, tenant).find(practice, spoken, line)
        await self._check(principal, mode, spoken)
        text = known or await self._say(principal.tenant_id, tenant, practice, line, spoken)
        return Prepared(
            language=spoken,
            practice=practice,
            rendered=RenderedOpening(line=line, text=text, is_new=known is None),
        )

    async def keep(self, connection: Connection, tenant: TenantKey, prepared: Prepared) -> None:
        """Remember a line that was made for this simulation, in its transaction."""
        practice, rendered = prepared.practice, prepared.rendered
        if practice is not None and rendered is not None and rendered.is_new:
            now = self._context.clock.now()
            repository = self._repository(connection, tenant)
            await repository.insert(practice, prepared.language, rendered, now)

    def _repository(self, connection: Connection, tenant: TenantKey) -> OpeningRepository:
        return OpeningRepository(connection, tenant)

    async def _language(self, tenant_id: UUID, mode: Mode, asked: str | None) -> str:
        if asked is not None:
            return asked
        model = self._context.model
        if model is None or mode == "autopilot":
            return DEFAULT
        policy = await _policy(model, tenant_id)
        return DEFAULT if policy is None else policy.language

    async def _check(self, principal: Principal, mode: Mode, language: str) -> None:
        """Refuse what no model may speak; raises `LanguageNotSupportedError`."""
        if mode == "autopilot":
            raise _refused(language, "scripted learners speak English")
        model = self._context.model
        policy = None if model is None else await _policy(model, principal.tenant_id)
        if policy is None:
            raise _refused(language, _REASONS[WhyEmbedded.NO_MODEL])
        if principal.environment == "test":
            raise _refused(language, _REASONS[WhyEmbedded.TEST_KEY])
        if not {Task.WORDING, Task.APPRAISAL}.isdisjoint(policy.disabled):
            raise _refused(language, _REASONS[WhyEmbedded.DISABLED])

    async def _say(
        self, tenant_id: UUID, tenant: TenantKey, practice: Practice, line: str, language: str
    ) -> str:
        context = self._context
        if context.model is None:
            raise AssertionError("checked before")
        environment: Literal["live"] = "live"  # a test key was refused before
        job = Job(
            purpose=Purpose(tenant_id=tenant_id, task=Task.WORDING, environment=environment),
            key=tenant,
            language=language,
            boundary=context.random(16).hex(),
            deadline_s=LIMIT_S,
        )
        persona = practice.spec.persona
        opening = Opening(language=language, line=line, name=persona.name, style=persona.style)
        try:
            async with asyncio.timeout(LIMIT_S + BEYOND_S):
                text, _ = await say_in(context.model, job, opening)
        except TimeoutError:
            raise _unavailable(WhyEmbedded.TIMEOUT) from None
        except ModelFailedError as failed:
            log.info("opening.failed", why=failed.why.value, language=language)
            if failed.why in _PASSING:
                raise _unavailable(failed.why) from failed
            raise _refused(language, _REASONS.get(failed.why, failed.why.value)) from failed
        return text


_REASONS: Final = {
    WhyEmbedded.NO_MODEL: "no language model is configured",
    WhyEmbedded.TEST_KEY: "test keys never spend money on a model",
    WhyEmbedded.DISABLED: "this tenant turned off wording or appraisal by the model",
    WhyEmbedded.BUDGET: "the budget for the model is used up",
    WhyEmbedded.UNAUTHORIZED: "the model's endpoint does not take the key",
    WhyEmbedded.REJECTED: "the model's endpoint says that the request is wrong",
}


async def _policy(model: LanguageModel, tenant_id: UUID) -> ModelPolicy | None:
    """Return how the tenant uses its model; raises `UnavailableError` when nobody can tell."""
    try:
        return await model.policy(tenant_id)
    except ModelFailedError as failed:
        detail = f"The settings of the language model cannot be read now ({failed.why.value})"
        raise UnavailableError(detail, retry_after_s=5) from failed


def _refused(language: str, reason: str) -> LanguageNotSupportedError:
    detail = f"A customer who speaks `{language}` needs a language model: {reason}"
    return LanguageNotSupportedError(language, pointer="/language", detail=detail)


def _unavailable(why: WhyEmbedded) -> UnavailableError:
    return UnavailableError(
        f"The model did not say the customer's first line ({why.value}); nothing was stored",
        retry_after_s=5,
    )
