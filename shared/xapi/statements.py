"""From what happened to statements: pure, so the same event makes the same bytes every time."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from shared.contracts.base import Record
from shared.contracts.events import EventType
from shared.contracts.scoring import JudgeResult
from shared.ids import format_id
from shared.xapi.vocabulary import (
    ASSESSMENT,
    NAMESPACE,
    SIMULATION,
    STATEMENT_VERSIONS,
    VERBS,
    Verb,
    Version,
)

PLATFORM: Final = "Rapport"

MAX_SCORE: Final = 100

NOT_COMPLETED: Final = frozenset({"failed", "cancelled"})
"""End reasons of simulations that nobody finished."""

Statement = dict[str, Any]

_VERSION_BIT: Final = 76
"""Where the version of a UUID begins, from its end."""


class NoAttemptError(ValueError):
    """A registration that no statement has."""


class Form(Record, frozen=True, kw_only=True):
    """How statements are written for one tenant."""

    base_iri: str
    """Without a slash at its end; activities and extensions begin with it."""
    home_page: str
    """Of the actors' accounts."""
    version: Version


class Played(Record, frozen=True, kw_only=True):
    """What a simulation runs on."""

    scenario_id: UUID
    title: str
    version: int
    language: str


class Judged(Record, frozen=True, kw_only=True):
    """A revision of an assessment."""

    assessment_id: UUID
    revision: int
    rubric_id: UUID
    rubric_title: str
    rubric_version: int
    source: str
    result: JudgeResult


class Happening(Record, frozen=True, kw_only=True):
    """An event, with what a statement about it says."""

    event_id: UUID
    type: EventType
    resource_id: UUID
    sequence: int
    position: int
    occurred_at: datetime
    actor: str
    """Name of the person's account; never an e-mail address of ours."""
    played: Played | None = None
    judged: Judged | None = None
    end_reason: str | None = None
    duration: timedelta | None = None


def statements_of(happening: Happening, form: Form) -> tuple[Statement, ...]:
    """Return what is said about an event, in order; nothing where there is nothing to say."""
    return tuple(_whole(happening, form, verb, result) for verb, result in _said(happening, form))


def statement_id(event_id: UUID, verb: Verb) -> str:
    """Return the id of a statement: the same for ever, so that a store keeps it once."""
    return str(uuid5(NAMESPACE, f"{event_id}/{verb}"))


def registration(resource_id: UUID) -> str:
    """Return what all statements about one attempt have in common.

    It is the id of the simulation or scoring, marked as version 4: many stores take none above 5.
    """
    return str(_as_version(resource_id, 4))


def attempt(registered: UUID) -> UUID:
    """Return the simulation or scoring behind a registration.

    Raises:
        NoAttemptError: it is none of ours.
    """
    if registered.version != 4:
        raise NoAttemptError
    return _as_version(registered, 7)


def _as_version(value: UUID, version: int) -> UUID:
    return UUID(int=value.int & ~(0xF << _VERSION_BIT) | version << _VERSION_BIT)


def scenario_iri(base_iri: str, scenario_id: UUID) -> str:
    """Return the activity of a scenario, in any version."""
    return f"{base_iri}/scenarios/{format_id('scn', scenario_id)}"


def rubric_iri(base_iri: str, rubric_id: UUID) -> str:
    """Return the activity of a rubric, in any version."""
    return f"{base_iri}/rubrics/{format_id('rub', rubric_id)}"


def agent(home_page: str, name: str) -> dict[str, Any]:
    """Return a person as an account: no address, no name."""
    return {"objectType": "Agent", "account": {"homePage": home_page, "name": name}}


def timestamp(moment: datetime) -> str:
    """Return a time as statements write it: UTC, milliseconds."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def _said(happening: Happening, form: Form) -> Iterator[tuple[Verb, dict[str, Any] | None]]:
    judged = happening.judged
    match happening.type:
        case EventType.SIMULATION_STARTED if happening.played is not None:
            yield "attempted", None
        case EventType.SIMULATION_ENDED if happening.end_reason not in NOT_COMPLETED:
            yield "completed", _completion(happening)
        case EventType.SCORING_COMPLETED | EventType.SCORING_REVISED if judged is not None:
            if judged.result.overall is None:
                return  # too little was observed: a statement without a number says nothing
            yield "scored", _result(judged, form)
            passed = None if judged.result.form is None else judged.result.form.passed
            if passed is not None:
                verb: Verb = "passed" if passed else "failed"
                yield verb, {**_result(judged, form), "success": passed}
        case _:
            return


def _whole(
    happening: Happening, form: Form, verb: Verb, result: dict[str, Any] | None
) -> Statement:
    statement: Statement = {
        "id": statement_id(happening.event_id, verb),
        "actor": agent(form.home_page, happening.actor),
        "verb": {"id": VERBS[verb], "display": {"en-US": verb}},
        "object": _activity(happening, form),
    }
    if result is not None:
        statement["result"] = result
    statement["context"] = _context(happening, form)
    statement["timestamp"] = timestamp(happening.occurred_at)
    statement["version"] = STATEMENT_VERSIONS[form.version]
    return statement


def _completion(happening: Happening) -> dict[str, Any]:
    result: dict[str, Any] = {"completion": True}
    if happening.duration is not None:
        seconds = max(happening.duration.total_seconds(), 0.0)
        result["duration"] = f"PT{seconds:.2f}S"
    return result


def _result(judged: Judged, form: Form) -> dict[str, Any]:
    overall = judged.result.overall or 0
    extensions = f"{form.base_iri}/extensions"
    return {
        "score": {
            "scaled": overall / MAX_SCORE,
            "raw": overall,
            "min": 0,
            "max": MAX_SCORE,
        },
        "extensions": {
            f"{extensions}/assessment": format_id("asm", judged.assessment_id),
            f"{extensions}/revision": judged.revision,
            f"{extensions}/skills": {
                each.skill: {"status": each.status.value, "score": each.score}
                for each in judged.result.skills
                if each.opportunities
            },
            f"{extensions}/roots": {
                each.root: each.score for each in judged.result.roots if each.score is not None
            },
        },
    }


def _activity(happening: Happening, form: Form) -> dict[str, Any]:
    played, judged = happening.played, happening.judged
    if played is not None:
        iri = scenario_iri(form.base_iri, played.scenario_id)
        return _described(iri, SIMULATION, {played.language: played.title})
    if judged is None:
        raise AssertionError("an event is about a simulation or about an assessment")
    return _rubric(judged, form)


def _rubric(judged: Judged, form: Form) -> dict[str, Any]:
    iri = rubric_iri(form.base_iri, judged.rubric_id)
    return _described(iri, ASSESSMENT, {"en": judged.rubric_title})


def _described(iri: str, kind: str, name: Mapping[str, str]) -> dict[str, Any]:
    return {
        "objectType": "Activity",
        "id": iri,
        "definition": {"type": kind, "name": dict(name)},
    }


def _context(happening: Happening, form: Form) -> dict[str, Any]:
    played, judged = happening.played, happening.judged
    context: dict[str, Any] = {
        "registration": registration(happening.resource_id),
        "platform": PLATFORM,
    }
    if played is not None:
        context["revision"] = str(played.version)
        context["language"] = played.language
    elif judged is not None:
        context["revision"] = str(judged.rubric_version)
    if judged is not None:
        extensions = f"{form.base_iri}/extensions"
        context["extensions"] = {
            f"{extensions}/source": judged.source,
            f"{extensions}/rubric_version": judged.rubric_version,
        }
        if played is not None:
            context["contextActivities"] = {"other": [_rubric(judged, form)]}
    return context
