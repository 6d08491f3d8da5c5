"""HTTP face of surveys and their forms."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.paging import Page, make_page
from services.api.surveys.batches import SurveyBatchService
from services.api.surveys.schemas import (
    FormList,
    FormPut,
    FormView,
    SurveyBatchCreate,
    SurveyBatchView,
    SurveyCreate,
    SurveyQuery,
    SurveyView,
)
from services.api.surveys.service import SurveyService
from shared.errors import ConflictError, CursorInvalidError, FieldError, NotFoundError
from shared.errors import ValidationFailedError as Invalid
from shared.ids import parse_id

READ = "surveys:read"
WRITE = "surveys:write"

MAX_SLUG = 80


class SurveyRoutes:
    """`/v1/surveys`, `/v1/survey_batches` and `/v1/survey_forms`."""

    def __init__(self, surveys: SurveyService, batches: SurveyBatchService) -> None:
        self._surveys = surveys
        self._batches = batches

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/surveys",
            scope=WRITE,
            body=SurveyCreate,
            answers={201: SurveyView},
            idempotency="accepted",
            problems=(NotFoundError, ConflictError),
        )
    )
    async def create_survey(self, call: Call) -> Answer:
        """Hand in a survey that was delivered, with its answer or before there is one.

        With your own `external_id` a repeat is harmless, and a second request may bring the answer
        to a survey that had none. What customers wrote is not taken.
        """
        body: SurveyCreate = call.body
        survey, replayed = await self._surveys.accept(call.principal, call.claim, body.delivered())
        view = SurveyView.of(survey)
        return Answer(
            body=view,
            status=201,
            headers={"Location": f"/v1/surveys/{view.id}"},
            replayed=replayed,
        )

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/survey_batches",
            scope=WRITE,
            body=SurveyBatchCreate,
            answers={200: SurveyBatchView},
            idempotency="accepted",
            problems=(NotFoundError, ConflictError),
        )
    )
    async def create_survey_batch(self, call: Call) -> Answer:
        """Hand in up to 1,000 surveys: all of them are taken, or none.

        Every one needs your own `external_id`, so that the same request again changes nothing.
        """
        body: SurveyBatchCreate = call.body
        sent = [each.delivered() for each in body.surveys]
        view, replayed = await self._batches.accept(call.principal, call.claim, sent)
        return Answer(body=view, replayed=replayed)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/surveys",
            scope=READ,
            query=SurveyQuery,
            answers={200: Page[SurveyView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_surveys(self, call: Call) -> Answer:
        """List surveys in order of creation, or find one by your own id."""
        query: SurveyQuery = call.query
        learner, conversation = query.learner_id, query.conversation_id
        rows = await self._surveys.list(
            call.principal,
            call.page,
            learner_id=None if learner is None else parse_id("lrn", learner),
            conversation_id=None if conversation is None else parse_id("conv", conversation),
            form=query.form,
            external_id=query.external_id,
        )
        return Answer(body=make_page(rows, call.page, lambda row: row.survey_id, SurveyView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/surveys/{survey_id:svy}",
            scope=READ,
            answers={200: SurveyView},
            problems=(NotFoundError,),
        )
    )
    async def get_survey(self, call: Call) -> Answer:
        """Get a survey."""
        survey = await self._surveys.get(call.principal, call.ids["survey_id"])
        return Answer(body=SurveyView.of(survey))

    @endpoint(Endpoint(method="GET", path="/v1/survey_forms", scope=READ, answers={200: FormList}))
    async def list_survey_forms(self, call: Call) -> Answer:
        """List the kinds of surveys, each with its scale and what counts as positive."""
        forms = await self._surveys.forms(call.principal)
        return Answer(body=FormList(data=tuple(FormView.of(form) for form in forms)))

    @endpoint(
        Endpoint(
            method="PUT",
            path="/v1/survey_forms/{form:@}",
            scope=WRITE,
            body=FormPut,
            answers={200: FormView},
            problems=(ConflictError,),
        )
    )
    async def put_survey_form(self, call: Call) -> Answer:
        """Add a kind of survey, or change which of its values count as positive.

        A change counts for all answers, also earlier ones: they rest on their own scale.
        """
        body: FormPut = call.body
        slug = call.texts["form"]
        if len(slug) > MAX_SLUG or not _is_slug(slug):
            detail = "Small letters and digits in parts that hyphens join"
            error = FieldError(pointer="path:form", code="format", detail=detail)
            raise Invalid(errors=(error,))
        form = await self._surveys.put_form(call.principal, body.form(slug))
        return Answer(body=FormView.of(form))


def _is_slug(text: str) -> bool:
    parts = text.split("-")
    return all(part.isascii() and part.isalnum() and part == part.lower() for part in parts)
