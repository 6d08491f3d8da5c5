"""Saying later how a contact went: whether it was resolved is often known days afterwards."""

from uuid import UUID

from services.api.context import ProcessContext
from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.principal import Principal
from services.api.scorings.contact_schemas import ContactPut
from services.api.scorings.records import Contact, Scoring
from services.api.scorings.repository import ScoringRepository
from services.api.scorings.routes import WRITE
from services.api.scorings.schemas import ScoringView
from shared.db.tx import tenant_tx
from shared.errors import ConflictError, NotFoundError


class ContactService:
    """Notes how contacts went."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def put(self, principal: Principal, scoring_id: UUID, contact: Contact) -> Scoring:
        """Note how the conversation of a scoring went, in place of what was said before.

        Raises:
            NotFoundError: no such scoring for this caller.
            ConflictError: a simulation is no contact.
        """
        context = self._context
        bounds = principal.bounds(context.clock.now())
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = ScoringRepository(connection, bounds, tenant)
            scoring = await repository.lock(scoring_id)
            if scoring.heard is None:
                raise ConflictError("A simulation is no contact with a customer")
            await repository.put_contacts([(scoring.heard.conversation_id, contact)])
            return await repository.get(scoring_id)


class ContactRoutes:
    """`/v1/scorings/{scoring_id}/contact`."""

    def __init__(self, contacts: ContactService) -> None:
        self._contacts = contacts

    @endpoint(
        Endpoint(
            method="PUT",
            path="/v1/scorings/{scoring_id:scr}/contact",
            scope=WRITE,
            body=ContactPut,
            answers={200: ScoringView},
            problems=(NotFoundError, ConflictError),
        )
    )
    async def put_contact(self, call: Call) -> Answer:
        """Say how the contact went, in place of what was said before; it is not judged again."""
        body: ContactPut = call.body
        changed = await self._contacts.put(call.principal, call.ids["scoring_id"], body.contact())
        return Answer(body=ScoringView.of(changed))
