"""What every worker that drafts does around the model: questions that are counted, and an outcome
for every way in which it can end.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from shared.contracts.llm import WhyEmbedded
from shared.db.pool import Database
from shared.db.sealed import TenantKey
from shared.db.tx import tenant_tx
from shared.drafting.asking import Questions, Rest, StoppedError
from shared.drafting.stored import ASKED_TOO_OFTEN, DraftBook, Outcome, Report
from shared.llm.ports import LanguageModel, ModelFailedError

Drafted = TypeVar("Drafted")


class DraftDesk:
    """Puts the questions of operations to the model of a process."""

    def __init__(self, database: Database, model: LanguageModel | None, rest: Rest) -> None:
        self._database = database
        self._model = model
        self._rest = rest

    async def draft(
        self,
        tenant: TenantKey,
        operation_id: UUID,
        work: Callable[[Questions], Awaitable[tuple[Outcome, Drafted]]],
    ) -> tuple[Outcome, Drafted | None]:
        """Return what `work` makes with its questions; a model that fails is an outcome as well."""
        if self._model is None:
            return Outcome(failure_code=WhyEmbedded.NO_MODEL.value), None

        async def take() -> int | None:
            async with tenant_tx(self._database, tenant.tenant_id) as connection:
                return await DraftBook(connection, tenant).take_question(operation_id)

        questions = Questions(
            self._model, tenant.tenant_id, operation_id, tenant, take, rest=self._rest
        )
        try:
            return await work(questions)
        except (ModelFailedError, StoppedError) as error:
            code = error.why.value if isinstance(error, ModelFailedError) else ASKED_TOO_OFTEN
            return Outcome(failure_code=code, report=Report(calls=questions.calls)), None
