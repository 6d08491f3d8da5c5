"""Dry runs: sample conversations scored by a rubric before anybody is; the judges are asked."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import msgspec
from nats.errors import Error as NatsError

from services.api.context import ProcessContext
from services.api.principal import Principal
from services.api.rubrics.authoring import MAX_VERSION, check_key
from services.api.rubrics.drafts import DraftRepository
from services.api.rubrics.refusals import RubricFaultsError
from shared.contracts.questions import ERROR_CODE_HEADER
from shared.contracts.rubric import RubricSpec
from shared.contracts.subjects import JUDGE_DRY_RUN
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError, PayloadTooLargeError, UnavailableError
from shared.library.findings import Finding
from shared.library.rubric_dry_run import (
    PATIENCE_S,
    DryRunQuery,
    DryRunReply,
    Sample,
    unscorable,
)
from shared.library.rubric_lint import lint
from shared.log import get_logger

log = get_logger()

RETRY_AFTER_S = 5
"""Seconds in which the judges have worked off what they had in hand."""

_REPLY = msgspec.json.Decoder(DryRunReply)


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What a dry run came to."""

    rubric_id: UUID
    slug: str
    version: int | None
    """None: the draft was tried out."""
    revision: int | None
    """Of the draft."""
    findings: tuple[Finding, ...]
    reply: DryRunReply


class TrialService:
    """Asks the judges over one NATS request subject; nothing is stored anywhere."""

    def __init__(self, context: ProcessContext) -> None:
        self._database = context.database
        self._keys = context.keys
        self._client = context.nats

    async def run(
        self,
        principal: Principal,
        rubric_id: UUID,
        samples: Sequence[Sample],
        *,
        version: int | None,
    ) -> Tried:
        """Try out a version, or the draft.

        Raises:
            ScopeMissingError: the key is bound.
            NotFoundError: no such rubric or version.
            RubricFaultsError: nothing can be scored by it.
            PayloadTooLargeError: rubric and conversations are more than one message holds.
            UnavailableError: the judges do not answer in time.
        """
        check_key(principal)
        slug, revision, spec, own = await self._find(principal, rubric_id, version)
        findings = await asyncio.to_thread(lint, spec, tenant_skills=own)
        if unscorable(findings):
            raise RubricFaultsError(findings)
        query = DryRunQuery(rubric=spec, samples=tuple(samples))
        return Tried(
            rubric_id=rubric_id,
            slug=slug,
            version=version,
            revision=revision,
            findings=findings,
            reply=await self._ask(query),
        )

    async def _find(
        self, principal: Principal, rubric_id: UUID, version: int | None
    ) -> tuple[str, int | None, RubricSpec, frozenset[str]]:
        if version is not None and version > MAX_VERSION:
            raise NotFoundError
        async with tenant_tx(self._database, principal.tenant_id) as connection:
            tenant = await self._keys.tenant(connection, principal.tenant_id)
            repository = DraftRepository(connection, tenant)
            own = await repository.own_skills()
            if version is None:
                draft = await repository.get(rubric_id)
                return draft.slug, draft.revision, draft.spec, own
            published = await repository.get_version(rubric_id, version)
            return published.spec.slug, None, published.spec, own

    async def _ask(self, query: DryRunQuery) -> DryRunReply:
        payload = msgspec.json.encode(query)
        if len(payload) > self._client.max_payload:
            raise PayloadTooLargeError("Rubric and conversations together are too large to try out")
        try:
            message = await self._client.request(JUDGE_DRY_RUN, payload, timeout=PATIENCE_S)
        except (NatsError, OSError, TimeoutError) as error:
            log.warning("dry_run.unanswered", error=type(error).__name__)
            raise _unavailable() from None
        refusal = (message.headers or {}).get(ERROR_CODE_HEADER)
        if refusal is not None:
            log.warning("dry_run.refused", refusal=refusal)
            raise _unavailable()
        return _REPLY.decode(message.data)


def _unavailable() -> UnavailableError:
    return UnavailableError(
        "The judges could not answer in time; fewer or shorter conversations take less",
        retry_after_s=RETRY_AFTER_S,
    )
