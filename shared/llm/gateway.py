"""The gateway: the only way from this product to a language model."""

import asyncio
import random as random_numbers
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from shared.clock import Clock
from shared.config import ConfigError, Settings
from shared.contracts.llm import Message, ModelPolicy, Task, WhyEmbedded
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import UnsealError
from shared.errors import NotFoundError
from shared.ids import IdMaker
from shared.llm.attempt import Call, Check
from shared.llm.calling import Caller, Spoken
from shared.llm.failures import BaseUrlRefusedError
from shared.llm.ledger import DayBook, PostgresLedger
from shared.llm.names import LearnerNames
from shared.llm.ports import (
    Answer,
    ChatAnswer,
    ChatRequest,
    Listener,
    ModelFailedError,
    Structured,
)
from shared.llm.records import (
    DayBounds,
    Ledger,
    NameBook,
    Redactor,
    SettingsBook,
    TenantModel,
)
from shared.llm.schema import schema_of
from shared.llm.settings import TenantSettings
from shared.llm.structured import ask_structured
from shared.log import get_logger
from shared.redaction.redactor import PatternRedactor
from shared.tenancy.book import LimitsBook
from shared.tenancy.limits import Defaults

if TYPE_CHECKING:  # brings the openai package along
    from shared.llm.client import Line, Lines

log = get_logger()

Found = TypeVar("Found")

CHANCE: Final = random_numbers.Random()  # noqa: S311 -- only spreads the breakers' rests
"""Where the composition roots get it from."""

TROUBLE: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that died between two statements
    OSError,
    TimeoutError,
    UnsealError,
    NotFoundError,
    msgspec.DecodeError,
)
"""What keeps settings, or a name, from being found."""


class Gateway:
    """The language model of a process; see `shared.llm.ports.LanguageModel`."""

    def __init__(
        self,
        settings: SettingsBook,
        ledger: Ledger,
        redactor: Redactor,
        *,
        clock: Clock,
        ids: IdMaker,
        random: Callable[[], float],
        allow_private: bool = False,
        names: NameBook | None = None,
    ) -> None:
        """Connect to nothing yet.

        Args:
            settings: tenants' settings.
            ledger: where money is set aside.
            redactor: takes personal data out.
            clock: for what is recorded.
            ids: of calls.
            random: numbers in [0, 1), for the breakers' rests.
            allow_private: tenants' endpoints may stand in private networks.
            names: whose names are taken out besides those of a request; None: nobody's.
        """
        self._settings = settings
        self._caller = Caller(ledger, redactor, clock, ids)
        self._ledger = ledger
        self._clock = clock
        self._random = random
        self._allow_private = allow_private
        self._names = names
        self._lines: Lines | None = None

    async def close(self) -> None:
        """Close every connection; calls under way must have ended."""
        if self._lines is not None:
            await self._lines.close()
        await self._ledger.close()

    async def policy(self, tenant_id: UUID) -> ModelPolicy | None:
        """Return how the tenant uses its model; None when there is no endpoint at all.

        Raises:
            ModelFailedError: UNACCOUNTED: that cannot be found out.
        """
        tenant = await self._tenant(tenant_id)
        return tenant.policy if tenant is not None else None

    async def endpoint(self, tenant_id: UUID) -> str:
        """Return a word for the tenant's endpoint; see `LanguageModel.endpoint`.

        Raises:
            ModelFailedError: UNACCOUNTED: that cannot be found out.
        """
        tenant = await self._tenant(tenant_id)
        return tenant.endpoint.fingerprint if tenant is not None else ""

    async def _tenant(self, tenant_id: UUID) -> TenantModel | None:
        try:
            return await self._settings.find(tenant_id)
        except TROUBLE as error:
            log.warning("llm.settings_unknown", error=type(error).__name__)
            raise ModelFailedError(WhyEmbedded.UNACCOUNTED) from error

    async def chat(self, request: ChatRequest, listener: Listener | None = None) -> ChatAnswer:
        """Ask; see `LanguageModel.chat`. What a listener raises of its own comes through.

        Raises:
            ModelFailedError: no answer.
        """
        call, line = await self._prepare(request)
        spoken = await self._caller.call(call, line, listener)
        return ChatAnswer(text=spoken.text, call=spoken.note, is_cut=spoken.is_cut)

    async def structured(self, request: ChatRequest, kind: type[Answer]) -> Structured[Answer]:
        """Ask for an answer of this form; see `LanguageModel.structured`.

        Raises:
            ModelFailedError: no answer of that form.
        """
        call, line = await self._prepare(request)
        schema = schema_of(kind)

        async def ask(messages: tuple[Message, ...], check: Check) -> Spoken:
            fitted = Call(
                request=call.request,
                tenant=call.tenant,
                model=call.model,
                messages=messages,
                temperature=call.temperature,
                deadline=call.deadline,
                schema=schema,
                check=check,
            )
            return await self._caller.call(fitted, line, None)

        line.users += 1  # between the two calls as well
        try:
            return await ask_structured(ask, call.messages, schema, kind)
        finally:
            line.users -= 1

    async def _prepare(self, request: ChatRequest) -> "tuple[Call, Line]":
        deadline = asyncio.get_running_loop().time() + request.deadline_s
        tenant = await self._found(deadline, self._settings.find(request.purpose.tenant_id))
        if tenant is None:
            raise ModelFailedError(WhyEmbedded.NO_MODEL)
        task = request.purpose.task
        if request.purpose.environment == "test":
            raise ModelFailedError(WhyEmbedded.TEST_KEY)
        if task in tenant.policy.disabled:
            raise ModelFailedError(WhyEmbedded.DISABLED)
        model = tenant.policy.model_for(task, tenant.fallback_model)
        if model is None:
            raise ModelFailedError(WhyEmbedded.NO_MODEL)
        is_own_choice = request.temperature is None and task is Task.WORDING
        call = Call(
            request=await self._named(request, tenant, deadline),
            tenant=tenant,
            model=model,
            messages=request.prompt.messages,
            temperature=tenant.policy.temperature if is_own_choice else request.temperature,
            deadline=deadline,
        )
        return call, await self._line(tenant)

    async def _named(
        self, request: ChatRequest, tenant: TenantModel, deadline: float
    ) -> ChatRequest:
        """Have the learner's name taken out as well, whoever asks."""
        purpose = request.purpose
        if self._names is None or purpose.learner_id is None or not tenant.policy.is_redacted:
            return request
        finding = self._names.find(purpose.tenant_id, purpose.learner_id, request.key)
        name = await self._found(deadline, finding)
        if name is None:
            return request
        return msgspec.structs.replace(request, names=(*request.names, name))

    async def _found(self, deadline: float, finding: Awaitable[Found]) -> Found:
        """Return what the database knows; a call waits no longer for it than for its answer."""
        try:
            async with asyncio.timeout_at(deadline):
                return await finding
        except TROUBLE as error:
            log.warning("llm.settings_unknown", error=type(error).__name__)
            raise ModelFailedError(WhyEmbedded.UNACCOUNTED) from error

    async def _line(self, tenant: TenantModel) -> "Line":
        if self._lines is None:
            # Half a second of processor time, which a process without a model never spends.
            kind = await asyncio.to_thread(_lines_class)
            if self._lines is None:  # nobody else was quicker meanwhile
                self._lines = kind(
                    clock=self._clock,
                    now=asyncio.get_running_loop().time,
                    random=self._random,
                    allow_private=self._allow_private,
                )
        try:
            return self._lines.find(tenant.endpoint, is_own=tenant.is_own)
        except BaseUrlRefusedError:
            raise ModelFailedError(WhyEmbedded.UNREACHABLE) from None


def _lines_class() -> "type[Lines]":
    """Import what only a process with a model pays for, and warm it up."""
    from shared.llm.client import Lines  # noqa: PLC0415 -- see above

    Lines.warm_up()
    return Lines


def gateway(
    settings: Settings,
    database: Database,
    keys: KeyRing,
    *,
    clock: Clock,
    ids: IdMaker,
    random: Callable[[], float] = CHANCE.random,
) -> Gateway:
    """Build the gateway of a process.

    Raises:
        ConfigError: a setting of the installation's endpoint cannot be used.
    """
    book = TenantSettings(settings, database, keys)
    if settings.llm_base_url:
        _check(settings)
    return Gateway(
        book,
        PostgresLedger(database, clock, bounds=_plan_bounds(settings, database)),
        PatternRedactor(),
        clock=clock,
        ids=ids,
        random=random,
        allow_private=settings.llm_allow_private,
        names=LearnerNames(database),
    )


def _plan_bounds(settings: Settings, database: Database) -> DayBook:
    limits = LimitsBook(database, Defaults.of(settings))

    async def bounds(tenant_id: UUID) -> DayBounds:
        own = await limits.of(tenant_id)
        return DayBounds(
            max_in_flight=own.model_calls, tokens=own.tokens_per_day, microusd=own.microusd_per_day
        )

    return bounds


def _check(settings: Settings) -> None:
    """Refuse an address that cannot be called; pay now what the first call would pay for."""
    try:
        _lines_class().check(settings.llm_base_url)
    except BaseUrlRefusedError as error:
        raise ConfigError(f"RAPPORT_LLM_BASE_URL: {error}") from None
