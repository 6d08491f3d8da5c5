"""The application: services from the context, endpoints from the features, one edge around them."""

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from services.api.assessments.disputes import DisputeService
from services.api.assessments.routes import AssessmentRoutes
from services.api.assessments.service import AssessmentService
from services.api.auth import Authenticator
from services.api.batches.routes import BatchRoutes
from services.api.batches.service import BatchService
from services.api.context import ProcessContext
from services.api.edge import Edge
from services.api.endpoint import Endpoint, Handler, endpoints_of, route_handler
from services.api.health import Readiness, health_handlers
from services.api.learners.routes import LearnerRoutes
from services.api.learners.service import LearnerService
from services.api.live import LiveReplies
from services.api.openapi import openapi_handlers
from services.api.operations.routes import OperationRoutes
from services.api.operations.service import OperationService
from services.api.ops import ops_handlers
from services.api.problem_pages import problem_handlers
from services.api.problems import answer_exception
from services.api.reports.routes import ReportRoutes
from services.api.reports.service import ReportService
from services.api.rubrics.routes import RubricRoutes
from services.api.rubrics.service import RubricService
from services.api.scenarios.routes import ScenarioRoutes
from services.api.scenarios.service import ScenarioService
from services.api.scorings.batch_routes import ScoringBatchRoutes
from services.api.scorings.batches import ScoringBatchService
from services.api.scorings.routes import ScoringRoutes
from services.api.scorings.service import ScoringService
from services.api.scorings.settling import RolesService
from services.api.simulations.branches import BranchService
from services.api.simulations.result_routes import ResultRoutes
from services.api.simulations.routes import SimulationRoutes
from services.api.simulations.service import SimulationService
from services.api.simulations.turns import TurnService
from services.api.skills.routes import SkillRoutes
from services.api.skills.service import SkillService
from services.api.teams.routes import TeamRoutes
from services.api.teams.service import TeamService


def create_app(context: ProcessContext) -> Litestar:
    """Return the ASGI application of a process."""
    authenticator = Authenticator(context.database, context.clock)
    endpoints = _endpoints(context)
    handlers: list[HTTPRouteHandler] = [
        *(route_handler(contract, handler, authenticator) for contract, handler in endpoints),
        *health_handlers(Readiness(context.database, context.nats)),
        *ops_handlers(authenticator, context.database, context.clock),
        *problem_handlers(),
        *openapi_handlers(endpoints),
    ]
    app = Litestar(
        route_handlers=handlers,
        exception_handlers={Exception: answer_exception},
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    app.asgi_handler = Edge(app.asgi_handler, context.ids)
    return app


def _endpoints(context: ProcessContext) -> list[tuple[Endpoint, Handler]]:
    teams = TeamService(context)
    live = LiveReplies(context.nats)
    assessments = AssessmentService(context)
    operations = OperationService(context)
    skills = SkillService(context)
    routes: tuple[object, ...] = (
        TeamRoutes(teams),
        LearnerRoutes(LearnerService(context), context.clock),
        ScenarioRoutes(ScenarioService(context)),
        RubricRoutes(RubricService(context)),
        SkillRoutes(skills),
        SimulationRoutes(SimulationService(context), TurnService(context, live)),
        ResultRoutes(BranchService(context)),
        BatchRoutes(BatchService(context)),
        OperationRoutes(operations),
        ScoringRoutes(ScoringService(context), RolesService(context), context.clock),
        ScoringBatchRoutes(ScoringBatchService(context), operations),
        AssessmentRoutes(assessments, DisputeService(context, assessments), skills),
        ReportRoutes(ReportService(context.nats), teams, skills, context.clock),
    )
    return [pair for each in routes for pair in endpoints_of(each)]
