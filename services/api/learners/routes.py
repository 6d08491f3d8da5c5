"""HTTP face of learners."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.learners.schemas import (
    LearnerCreate,
    LearnerQuery,
    LearnerView,
    MembershipsPut,
)
from services.api.learners.service import LearnerService
from services.api.metadata import MetadataPatch
from services.api.paging import Page, make_page
from shared.clock import Clock
from shared.errors import (
    ConflictError,
    CursorInvalidError,
    FieldError,
    NotFoundError,
    ValidationFailedError,
)

READ = "learners:read"
WRITE = "learners:write"


class LearnerRoutes:
    """`/v1/learners`."""

    def __init__(self, learners: LearnerService, clock: Clock) -> None:
        self._learners = learners
        self._clock = clock

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/learners",
            scope=WRITE,
            body=LearnerCreate,
            answers={201: LearnerView},
            idempotency="accepted",
            problems=(NotFoundError, ConflictError),
        )
    )
    async def create_learner(self, call: Call) -> Answer:
        """Make a learner. A person is in one team at a time; reports follow these periods."""
        body: LearnerCreate = call.body
        today = call.principal.today(self._clock.now())
        periods = [each.period(today) for each in body.memberships]
        errors = tuple(
            FieldError(
                pointer=f"/memberships/{index}/to",
                code="out-of-order",
                detail="A membership that starts today ends later",
            )
            for index, each in enumerate(periods)
            if each.end is not None and each.end <= each.start
        )
        if errors:
            raise ValidationFailedError(errors=errors)
        learner, replayed = await self._learners.create(
            call.principal,
            call.claim,
            external_id=body.external_id,
            name=body.name,
            memberships=periods,
            metadata=body.metadata,
        )
        view = LearnerView.of(learner)
        return Answer(
            body=view,
            status=201,
            headers={"Location": f"/v1/learners/{view.id}"},
            replayed=replayed,
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/learners",
            scope=READ,
            query=LearnerQuery,
            answers={200: Page[LearnerView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_learners(self, call: Call) -> Answer:
        """List learners in order of creation, or find one by your own id."""
        query: LearnerQuery = call.query
        page = call.page
        rows = await self._learners.list(call.principal, page, external_id=query.external_id)
        return Answer(body=make_page(rows, page, lambda row: row.learner_id, LearnerView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/learners/{learner_id:lrn}",
            scope=READ,
            answers={200: LearnerView},
            problems=(NotFoundError,),
        )
    )
    async def get_learner(self, call: Call) -> Answer:
        """Get a learner."""
        learner = await self._learners.get(call.principal, call.ids["learner_id"])
        return Answer(body=LearnerView.of(learner))

    @endpoint(
        Endpoint(
            method="PATCH",
            path="/v1/learners/{learner_id:lrn}",
            scope=WRITE,
            body=MetadataPatch,
            answers={200: LearnerView},
            problems=(NotFoundError,),
        )
    )
    async def update_learner(self, call: Call) -> Answer:
        """Change the metadata of a learner; the same change again changes nothing."""
        body: MetadataPatch = call.body
        changed = await self._learners.attach(call.principal, call.ids["learner_id"], body.metadata)
        return Answer(body=LearnerView.of(changed))

    @endpoint(
        Endpoint(
            method="PUT",
            path="/v1/learners/{learner_id:lrn}/memberships",
            scope=WRITE,
            body=MembershipsPut,
            answers={200: LearnerView},
            problems=(NotFoundError,),
        )
    )
    async def put_memberships(self, call: Call) -> Answer:
        """Say anew in which teams a learner is and was; the same again changes nothing.

        The list takes the place of the one before. Reports follow within seconds: what a person
        did counts for the team of that day, also where the past was told otherwise.
        """
        body: MembershipsPut = call.body
        periods = [each.period(each.start) for each in body.memberships]
        learner = await self._learners.move(call.principal, call.ids["learner_id"], periods)
        return Answer(body=LearnerView.of(learner))
