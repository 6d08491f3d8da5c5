"""Runs schemathesis with all of its checks over an app in this process, or over a running product."""

import asyncio
import copy
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.engine import Status, events, from_schema
from schemathesis.openapi.checks import JsonSchemaError, RejectedPositiveData

from services.api.versions.changes import CURRENT
from tests.support.openapi_cases import Json, Sample, operations_in

SEED: Final = 20_261_119

PHASES: Final = ("examples", "coverage", "fuzzing", "stateful")

STREAM: Final = "GET /v1/simulations/{simulation_id}/events"

CHECKS = {
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "positive_data_acceptance",
    "negative_data_rejection",
    "use_after_free",
    "ensure_resource_availability",
    "missing_required_header",
    "ignored_auth",
    "unsupported_method",
    "allow_header_conformance",
}
"""Those that must have run; a release of schemathesis that renames one shall not lose it."""

FIXED: Final = {
    "header.Prefer": "wait=0",  # waiting is tested elsewhere; here nobody works, so it only waits
    "header.Api-Version": CURRENT,  # the document describes the newest; others have golden files
}

RULES: Final = frozenset(
    {
        "blank", "contradiction", "does-not-fit", "duplicate", "exactly-one",
        "language-not-supported", "no-words", "not-allowed", "not-found", "nul-character",
        "one-speaker", "out-of-order", "overlap", "required", "too-few-words", "unknown-scope",
        "beyond-own",
    }
)  # fmt: skip
"""Codes of fields that fit their schemas and do not fit each other, what is stored, or what a
conversation is: no schema says that, so a schema-valid request may be refused with them. U+0000 is
in no text here, and saying so would take a pattern per text; what is blank differs between engines
of patterns (U+001C is white space in Python only).
"""

_CASES_OF_REPORTS: Final = {
    (f"GET /v1/reports/{view}", f"query:{name}", "out-of-range"): "days have bounds together"
    for view, names in (
        ("learners/{learner_id}/practice", ("from", "to")),
        ("teams/{team_id}/practice", ("from", "to")),
        ("teams/{team_id}/outcomes", ("from", "to")),
        ("outcomes/correlations", ("from", "to")),
    )
    for name in names
}

_CASES_OF_SURVEYS: Final = {
    (label, f"{place}/{field}", code): why
    for label, place in (("POST /v1/surveys", ""), ("POST /v1/survey_batches", "/surveys/*"))
    for field, code, why in (
        ("learner_id", "missing", "a conversation may say whose it was instead"),
        ("score", "missing", "when it was answered is said of answers only"),
        ("score", "out-of-range", "each form has its own scale"),
        ("delivered_at", "out-of-range", "schemas do not bound times"),
        ("delivered_at", "in-the-future", "the bound moves with the days"),
        ("answered_at", "out-of-range", "schemas do not bound times"),
        ("answered_at", "in-the-future", "the bound moves with the days"),
    )
}

_CASES_OF_CONTACTS: Final = {
    (label, f"{place}{field}", "missing"): why
    for label, place in (
        ("PUT /v1/scorings/{scoring_id}/contact", ""),
        ("POST /v1/scorings", "/conversation/contact"),
        ("POST /v1/rubrics/{rubric_id}/dry-runs", "/conversations/*/contact"),
    )
    for field, why in (
        ("", "every field may be absent, not all of them"),
        ("/talk_s", "hold and after-work come with it"),
    )
}

BY_CASE: Final[Mapping[tuple[str, str, str], str]] = {
    **_CASES_OF_REPORTS,
    **_CASES_OF_SURVEYS,
    **_CASES_OF_CONTACTS,
    ("PUT /v1/survey_forms/{form}", "path:form", "format"): "keys of paths take more characters",
    ("POST /v1/api_keys", "/expires_at", "out-of-range"): "the bound moves with the days",
    ("PATCH /v1/api_keys/{key_id}", "/expires_at", "out-of-range"): "likewise",
    ("POST /v1/api_keys", "/expires_at", "time-zone"): "schemas do not ask for a time zone",
    ("PATCH /v1/api_keys/{key_id}", "/expires_at", "time-zone"): "likewise",
    ("PUT /v1/settings/identity", "/role_claim", "missing"): "roles are found by a claim",
    ("PUT /v1/survey_forms/{form}", "/scale", "out-of-range"): "NPS and CES have fixed scales",
    ("PUT /v1/survey_forms/{form}", "/positive", "missing"): "CSAT needs them",
    ("PUT /v1/survey_forms/{form}", "/positive", "conflict"): "of NPS and CES they are fixed",
    ("PUT /v1/survey_forms/{form}", "/positive/*", "out-of-range"): "they are on its scale",
    ("POST /v1/goals", "/skill", "missing"): "a score is that of a skill",
    ("POST /v1/goals", "/target", "out-of-range"): "attempts have a lower bound than scores",
    ("POST /v1/goals", "/starts_on", "out-of-range"): "schemas do not bound dates",
    ("POST /v1/goals", "/due_on", "out-of-range"): "schemas do not bound dates",
    ("PATCH /v1/goals/{goal_id}", "/target", "out-of-range"): "as when it is made",
    ("PATCH /v1/goals/{goal_id}", "/due_on", "out-of-range"): "schemas do not bound dates",
    (
        "POST /v1/simulations/{simulation_id}/branches",
        "/from_seq",
        "out-of-range",
    ): "the range ends where the conversation does",
    (
        "POST /v1/simulation_batches",
        "/repeat",
        "out-of-range",
    ): "the product with scenarios and profiles has the bound",
    (
        "POST /v1/simulation_batches/estimate",
        "/repeat",
        "out-of-range",
    ): "as the batch itself",
    ("POST /v1/scenario_drafts", "/text", "missing"): "a transcript may come in turns instead",
    ("POST /v1/scenario_drafts", "/turns", "too-long"): "the turns are counted together",
    ("POST /v1/simulations", "/profile", "missing"): "autopilot needs one, nothing else has it",
    ("PUT /v1/lrs", "/auth/username", "missing"): "one kind of sign-in needs it",
    (
        "GET /v1/reports/teams/{team_id}/trend",
        "query:to",
        "out-of-range",
    ): "from and to have a bound together",
    (
        "GET /v1/reports/teams/{team_id}/trend",
        "query:from",
        "out-of-range",
    ): "schemas do not bound dates",
    (
        "POST /v1/webhook_endpoints/{endpoint_id}/recover",
        "/since",
        "out-of-range",
    ): "the bound moves with the days",
    ("POST /v1/webhook_endpoints", "/url", "format"): "engines differ in what \\s is",
    (
        "PATCH /v1/webhook_endpoints/{endpoint_id}",
        "/url",
        "format",
    ): "engines differ in what \\s is",
    ("PUT /v1/lrs", "/url", "format"): "engines differ in what \\s is",
    ("POST /v1/learners", "/memberships/*/from", "out-of-range"): "schemas do not bound dates",
    ("POST /v1/learners", "/memberships/*/to", "out-of-range"): "schemas do not bound dates",
    (
        "PUT /v1/learners/{learner_id}/memberships",
        "/memberships/*/from",
        "out-of-range",
    ): "schemas do not bound dates",
    (
        "PUT /v1/learners/{learner_id}/memberships",
        "/memberships/*/to",
        "out-of-range",
    ): "schemas do not bound dates",
}
"""Fields that are refused with a code of the schema, for a reason that the schema cannot say."""

FLOAT: Final = re.compile(r"Expected int( \| null)?, got float")
"""JSON Schema takes 1.0 for an integer. We do not: what writes 1.0 will write 1.5."""

ONE_BY_ONE: Final = {
    "POST /v1/scoring_batches": "conversations ->",
}
"""Parts of a body that are checked each for itself: the answer names the wrong ones, takes the
others, and is a 202.
"""


class Bridge:
    """Lets an app of one event loop serve the requests that another one brings."""

    def __init__(self, app: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._app, self._loop = app, loop

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return  # the app was started by its fixture
        here = asyncio.get_running_loop()

        async def receive_there() -> Any:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(receive(), here))

        async def send_there(message: Any) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(send(message), here))

        served = self._app(scope, receive_there, send_there)
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(served, self._loop))


class Report:
    """What a run did and found."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}
        """How each can be seen again, by what it is."""
        self.requests = 0
        self.checks: Counter[str] = Counter()
        self.called: dict[str, set[str]] = {}
        """Operations by phase."""

    def take(self, event: Any) -> None:
        """Note an event of the engine."""
        if isinstance(event, events.NonFatalError | events.FatalError):
            where = getattr(event, "label", "")
            self.faults[f"error: {where}: {getattr(event, 'value', event)!r}"[:500]] = ""
        if isinstance(event, events.ScenarioFinished):
            recorder = event.recorder
            self.requests += len(recorder.interactions)
            called = self.called.setdefault(event.phase.value, set())
            called.update(node.value.operation.label for node in recorder.cases.values())
            for case_id, found in recorder.checks.items():
                answer = recorder.interactions[case_id].response
                for check in found:
                    self.checks[check.name] += 1
                    if check.status is Status.FAILURE and check.failure_info is not None:
                        self._fault(check, answer)

    def _fault(self, check: Any, answer: Any) -> None:
        failure = check.failure_info.failure
        detail = re.sub(r"curl.*|[a-z]+_[0-9a-z]{26}", "", failure.message)[:400]
        title = f"{check.name}: {failure.operation}: {failure.title}: {detail}"
        told = "" if answer is None else answer.text[:1000]
        if isinstance(failure, RejectedPositiveData):
            told = f"{_unexplained(failure.operation, answer.json())[:5]}\n  {told}"
        self.faults.setdefault(title, f"{told}\n  {check.failure_info.code_sample[:3000]}")


def run(schema: Any) -> Report:
    """Run the phases; to be called outside of the app's event loop."""
    report = Report()
    for event in from_schema(schema).execute():
        report.take(event)
    return report


def assert_clean(report: Report, document: Json, phases: Sequence[str] = PHASES) -> None:
    """Check that a run found nothing, and that it looked everywhere."""
    shown = "\n".join(f"{title}\n  {how}" for title, how in sorted(report.faults.items()))
    assert not report.faults, shown[:20_000]
    labels = {f"{each.method} {each.template}" for each in operations_in(document)}
    assert set(report.called) >= set(phases)
    assert report.called["examples"] | report.called["fuzzing"] >= labels
    assert set(report.checks) >= CHECKS


def acquainted(document: Json, samples: Sequence[Sample]) -> Json:
    """Return the document with examples that a furnished tenant can really send."""
    known = copy.deepcopy(document)
    for sample in samples:
        each = sample.operation
        raw = known["paths"][each.template][each.method.lower()]
        values = {"path": sample.path, "query": sample.query}
        for parameter in raw["parameters"]:
            given = values.get(parameter["in"], {})
            if parameter["name"] in given:
                parameter["example"] = given[parameter["name"]]
        if sample.body is not None:
            content = raw["requestBody"]["content"]["application/json"]
            content["examples"] = {"known": {"value": sample.body}}
    return known


def configured(
    key: str,
    *,
    examples: int,
    steps: int,
    covered: Sequence[str] | None = None,
    url: str = "http://testserver",
) -> SchemathesisConfig:
    """Return the settings of a run; `covered` are the only operations whose every limit is tried."""
    return SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "base-url": url,
            "auth": {"openapi": {"api_key": {"bearer": key}}},
            "continue-on-failure": True,
            "request-timeout": 20,
            "generation": {
                "deterministic": True,
                "database": "none",
                "max-examples": examples,
                "no-shrink": True,
            },
            "parameters": dict(FIXED),
            "phases": {
                "coverage": {"enabled": covered is None or len(covered) > 0},
                "stateful": {"max-steps": steps},
            },
            "checks": {"enabled": True},
            "operations": _operations(covered),
        }
    )


def _operations(covered: Sequence[str] | None) -> list[Json]:
    # A stream of what still goes on ends with the patience of who reads it.
    found: list[Json] = [{"include-name": STREAM, "request-timeout": 1}]
    if covered:
        off = {"phases": {"coverage": {"enabled": False}}}
        found.append({"exclude-operation-id": list(covered), **off})
    return found


_used: set[str] = set()


@schemathesis.hook  # type: ignore[untyped-decorator]  # theirs
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Replace an `Idempotency-Key` that another request had: it would be refused as reused."""
    key = (case.headers or {}).get("Idempotency-Key")
    if key is None:
        return
    if key in _used:
        case.headers["Idempotency-Key"] = f"fuzz-{len(_used)}"
    _used.add(case.headers["Idempotency-Key"])


@schemathesis.hook  # type: ignore[untyped-decorator]  # theirs
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Keep every failure except those of a check that is wrong for the operation."""
    label = case.operation.label
    if isinstance(failure, RejectedPositiveData):
        problem = response.json()
        return not (_is_beyond_schemas(label, problem) or _breaks_a_pattern(case, problem))
    if isinstance(failure, AcceptedNegativeData) and label in ONE_BY_ONE:
        return ONE_BY_ONE[label] not in failure.message
    # OpenAPI 3.1 describes a stream as a text; the check reads that as the schema of each event.
    # What events hold is validated where streams are tested.
    return not (isinstance(failure, JsonSchemaError) and label == STREAM and "SSE" in failure.title)


def _is_beyond_schemas(label: str, problem: Json) -> bool:
    """Whether a request was refused for what no schema can say."""
    if problem["code"] in {"cursor-invalid", "model-required"}:  # of ours; not in every setting
        return True
    return bool(problem.get("errors")) and not _unexplained(label, problem)


def _unexplained(label: str, problem: Json) -> list[Json]:
    """Return the wrong fields that a schema should have told of."""
    return [
        each
        for each in problem.get("errors", [])
        if not (
            each["code"] in RULES
            or (label, re.sub(r"/\d+(?=/|$)", "/*", each["pointer"]), each["code"]) in BY_CASE
            or FLOAT.fullmatch(each["detail"])
        )
    ]


def _breaks_a_pattern(case: Any, problem: Json) -> bool:
    """Whether what was taken for valid has headers that do not fit their documented patterns.

    The coverage phase fills headers with `0`, whatever their pattern.
    """
    patterns = {
        f"header:{each['name']}": (each["schema"].get("pattern", ""), each["name"])
        for each in case.operation.definition.raw["parameters"]
    }
    found = [patterns.get(each["pointer"]) for each in problem.get("errors", [])]
    return bool(found) and all(
        each is not None and not re.search(each[0], str((case.headers or {}).get(each[1], "")))
        for each in found
    )
