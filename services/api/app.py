"""The application: services from the context, endpoints from the features, one edge around them."""

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from services.api.addresses import ClientAddresses
from services.api.api_keys.routes import KeyRoutes
from services.api.api_keys.service import KeyService
from services.api.assessments.disputes import DisputeService
from services.api.assessments.listing import ListingService
from services.api.assessments.listing_routes import AssessmentListRoutes
from services.api.assessments.routes import AssessmentRoutes
from services.api.assessments.service import AssessmentService
from services.api.auth import Authenticator
from services.api.batches.routes import BatchRoutes
from services.api.batches.service import BatchService
from services.api.context import ProcessContext
from services.api.cors import Cors
from services.api.edge import Edge
from services.api.endpoint import (
    DEADLINE_S,
    Desk,
    Endpoint,
    Handler,
    endpoints_of,
    route_handler,
)
from services.api.estimates.routes import EstimateRoutes
from services.api.estimates.service import EstimateService
from services.api.events.routes import EventRoutes
from services.api.events.service import EventService
from services.api.expanding import Expander
from services.api.exports.report_routes import ReportExportRoutes
from services.api.exports.report_service import ReportExportService
from services.api.exports.routes import ExportRoutes
from services.api.exports.service import ExportService
from services.api.goals.routes import GoalRoutes
from services.api.goals.service import GoalService
from services.api.health import health_handlers
from services.api.idempotency import Claims
from services.api.identity.reader import IdentityReader
from services.api.identity.routes import IdentityRoutes
from services.api.identity.service import IdentityService
from services.api.key_uses import KeyUses
from services.api.learner_tokens.access import TokenGate
from services.api.learner_tokens.routes import TokenRoutes
from services.api.learner_tokens.service import TokenService
from services.api.learners.routes import LearnerRoutes
from services.api.learners.service import LearnerService
from services.api.limit_routes import LimitRoutes
from services.api.limits import RequestLimiter
from services.api.live import LiveReplies
from services.api.llm_settings.routes import LlmSettingsRoutes
from services.api.llm_settings.service import LlmSettingsService
from services.api.openapi import openapi_handlers
from services.api.operations.routes import OperationRoutes
from services.api.operations.service import OperationService
from services.api.ops.handlers import ops_handlers
from services.api.options import options_handlers
from services.api.origins.book import OriginBook
from services.api.origins.routes import OriginRoutes
from services.api.origins.service import OriginService
from services.api.paging import Cursors
from services.api.privacy.routes import PrivacyRoutes
from services.api.privacy.service import PrivacyService
from services.api.problem_pages import problem_handlers
from services.api.problems import answer_exception
from services.api.programs.routes import ProgramRoutes
from services.api.programs.service import ProgramService
from services.api.rates import PostgresRates
from services.api.reference_page import reference_page
from services.api.report_settings.routes import ReportSettingsRoutes
from services.api.report_settings.service import ReportSettingsService
from services.api.reports.documents_routes import DocumentRoutes
from services.api.reports.documents_service import DocumentService
from services.api.reports.outcomes_routes import OutcomeRoutes
from services.api.reports.practice_routes import PracticeReportRoutes
from services.api.reports.roi_routes import RoiRoutes
from services.api.reports.routes import ReportRoutes
from services.api.reports.service import ReportService
from services.api.reports.table_routes import TableRoutes
from services.api.retention.routes import RetentionRoutes
from services.api.retention.service import RetentionService
from services.api.rubric_drafts.routes import RubricDraftRoutes
from services.api.rubrics.routes import RubricRoutes
from services.api.rubrics.service import RubricService
from services.api.scenario_drafts.routes import ScenarioDraftRoutes
from services.api.scenario_drafts.service import DraftingService
from services.api.scenarios.routes import ScenarioRoutes
from services.api.scenarios.service import ScenarioService
from services.api.scim.door import scim_handlers
from services.api.scorings.batch_routes import ScoringBatchRoutes
from services.api.scorings.batches import ScoringBatchService
from services.api.scorings.contacts import ContactRoutes, ContactService
from services.api.scorings.routes import ScoringRoutes
from services.api.scorings.service import ScoringService
from services.api.scorings.settling import RolesService
from services.api.shedding import Shedding
from services.api.simulations.branches import BranchService
from services.api.simulations.result_routes import ResultRoutes
from services.api.simulations.routes import SimulationRoutes
from services.api.simulations.service import SimulationService
from services.api.simulations.stream_routes import StreamRoutes
from services.api.simulations.stream_service import StreamService
from services.api.simulations.turns import TurnService
from services.api.skills.routes import SkillRoutes
from services.api.skills.service import SkillService
from services.api.surveys.batches import SurveyBatchService
from services.api.surveys.routes import SurveyRoutes
from services.api.surveys.service import SurveyService
from services.api.teams.routes import TeamRoutes
from services.api.teams.service import TeamService
from services.api.trail.routes import TrailRoutes
from services.api.trail.service import TrailService
from services.api.trail.watch import Watch
from services.api.usage.routes import UsageRoutes
from services.api.usage.service import UsageService
from services.api.users.routes import UserRoutes
from services.api.users.service import UserService
from services.api.versions.routes import VersionRoutes
from services.api.versions.service import VersionService
from services.api.webhooks.deliveries import DeliveryService
from services.api.webhooks.delivery_routes import DeliveryRoutes
from services.api.webhooks.recovery import RecoveryService
from services.api.webhooks.routes import WebhookRoutes
from services.api.webhooks.secrets import SecretService
from services.api.webhooks.service import WebhookService
from services.api.xapi.lrs import LrsService
from services.api.xapi.routes import XapiRoutes
from services.api.xapi.service import StatementService
from shared.db.keys import read_master_key
from shared.tokens import TokenSecrets

WAIT_REST_S = 30.0
"""Seconds a request has beyond the longest wait for a reply."""


def create_app(context: ProcessContext) -> Litestar:
    """Return the ASGI application of a process."""
    settings, master_key = context.settings, read_master_key(context.settings)
    secrets = TokenSecrets(master_key)
    uses = KeyUses(context.database)
    authenticator = Authenticator(
        context.database, context.clock, secrets, uses=uses, reader=IdentityReader(context)
    )
    hash_key = context.hash_key or master_key
    origins = OriginBook(context.database, hash_key)
    versions = VersionService(context.database)
    watch = Watch(context.database, context.clock)
    desk = Desk(
        authenticator=authenticator,
        cursors=Cursors(master_key),
        claims=Claims(hash_key),
        versions=versions,
        limiter=RequestLimiter(
            context.limits, PostgresRates(context.admission or context.database), context.random
        ),
        addresses=ClientAddresses(settings.trusted_proxies),
        deadline_s=max(DEADLINE_S, settings.turn_wait_s + WAIT_REST_S),
        gate=TokenGate(context.database, origins),
        watch=watch,
    )
    manners: tuple[object, ...] = (
        VersionRoutes(versions),
        LimitRoutes(context),
        TokenRoutes(TokenService(context, secrets, origins)),
        OriginRoutes(OriginService(context, origins)),
        LlmSettingsRoutes(LlmSettingsService(context)),
        UsageRoutes(UsageService(context), context.clock),
        EstimateRoutes(EstimateService(context)),
        KeyRoutes(KeyService(context), context.clock),
        UserRoutes(UserService(context)),
        IdentityRoutes(IdentityService(context)),
        TrailRoutes(TrailService(context)),
        RetentionRoutes(RetentionService(context)),
    )
    endpoints = [
        *_endpoints(context, authenticator),
        *(pair for each in manners for pair in endpoints_of(each)),
    ]
    handlers: list[HTTPRouteHandler] = [
        *options_handlers(endpoints),  # first: else the framework makes its own
        *(route_handler(contract, handler, desk) for contract, handler in endpoints),
        *health_handlers(context),
        *ops_handlers(context, desk),
        *scim_handlers(context, desk),
        *problem_handlers(),
        *openapi_handlers(endpoints, page=reference_page),
    ]
    app = Litestar(
        route_handlers=handlers,
        exception_handlers={Exception: answer_exception},
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    app.state.trail_watch = watch
    app.state.key_uses = uses  # what is noted is written once more when the process stops
    admitted = Shedding(app.asgi_handler, context.shedder)
    app.asgi_handler = Edge(Cors(admitted, origins), context.ids)
    return app


def _endpoints(
    context: ProcessContext, authenticator: Authenticator
) -> list[tuple[Endpoint, Handler]]:
    teams = TeamService(context)
    live = LiveReplies(context.nats)
    simulations, turns = SimulationService(context), TurnService(context, live)
    streams = StreamService(context, simulations, turns, live, authenticator)
    assessments = AssessmentService(context)
    operations = OperationService(context)
    drafts = DraftingService(context)
    skills = SkillService(context)
    expander = Expander(context, skills)
    reports = ReportService(context.nats)
    programs = ProgramService(context)
    routes: tuple[object, ...] = (
        TeamRoutes(teams),
        LearnerRoutes(LearnerService(context), context.clock),
        ScenarioRoutes(ScenarioService(context)),
        RubricRoutes(RubricService(context)),
        ScenarioDraftRoutes(drafts, operations),
        RubricDraftRoutes(drafts, operations),
        SkillRoutes(skills),
        SimulationRoutes(simulations, turns, streams, expander),
        StreamRoutes(streams),
        ResultRoutes(BranchService(context)),
        BatchRoutes(BatchService(context), operations),
        OperationRoutes(operations),
        ScoringRoutes(ScoringService(context), RolesService(context), expander, context.clock),
        ContactRoutes(ContactService(context)),
        SurveyRoutes(SurveyService(context), SurveyBatchService(context)),
        ScoringBatchRoutes(ScoringBatchService(context), operations),
        AssessmentRoutes(assessments, DisputeService(context, assessments), skills, expander),
        ExportRoutes(ExportService(context, skills)),
        AssessmentListRoutes(ListingService(context), skills, expander),
        EventRoutes(EventService(context)),
        WebhookRoutes(WebhookService(context), SecretService(context)),
        DeliveryRoutes(DeliveryService(context), RecoveryService(context), context.clock),
        XapiRoutes(StatementService(context), LrsService(context), context.clock),
        ReportRoutes(reports, teams, context.clock),
        TableRoutes(reports, teams, LearnerService(context), context.clock),
        ReportSettingsRoutes(ReportSettingsService(context)),
        GoalRoutes(GoalService(context, skills)),
        PracticeReportRoutes(
            reports, teams, LearnerService(context), ReportSettingsService(context), context.clock
        ),
        ProgramRoutes(programs),
        OutcomeRoutes(reports, teams, context.clock),
        RoiRoutes(reports, programs),
        DocumentRoutes(reports, teams, DocumentService(context), context.clock),
        ReportExportRoutes(ReportExportService(context, reports)),
        PrivacyRoutes(PrivacyService(context)),
    )
    return [pair for each in routes for pair in endpoints_of(each)]
