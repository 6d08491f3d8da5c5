"""What the specification demands of a statement, written down from its text, not from our code.

ADL xAPI 1.0.3, part two (Data), sections 2.1 to 2.6 and 4; IEEE 9274.1.1 (2.0) agrees on all of
these. Yields a sentence for every rule that a statement breaks.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

PROPERTIES = {
    "id", "actor", "verb", "object", "result", "context", "timestamp", "stored", "authority",
    "version", "attachments",
}  # fmt: skip
RESULT = {"score", "success", "completion", "response", "duration", "extensions"}
CONTEXT = {
    "registration", "instructor", "team", "contextActivities", "revision", "platform", "language",
    "statement", "extensions", "contextAgents", "contextGroups",
}  # fmt: skip
DEFINITION = {
    "name", "description", "type", "moreInfo", "interactionType", "correctResponsesPattern",
    "choices", "scale", "source", "target", "steps", "extensions",
}  # fmt: skip
UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
LANGUAGE = re.compile("[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
DURATION = re.compile(r"P(?=[\dT])(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d{1,2})?S)?)?")
TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
IDENTIFIERS = {"mbox", "mbox_sha1sum", "openid", "account"}


def broken_rules(statement: Mapping[str, Any]) -> list[str]:
    """Return every rule that a statement breaks, in words."""
    return [
        *_nothing_empty(statement, "statement"),
        *_unknown(statement, PROPERTIES, "statement"),
        *_statement(statement),
    ]


def _statement(statement: Mapping[str, Any]) -> Iterator[str]:
    for name in ("actor", "verb", "object"):
        if name not in statement:
            yield f"a statement has {name}"
    if "id" in statement and not UUID.fullmatch(statement["id"]):
        yield "the id is a UUID of RFC 4122, in lower case"
    for name in ("timestamp", "stored"):
        if name in statement:
            yield from _time(statement[name], name)
    if "version" in statement and not re.fullmatch(r"(1\.0|2\.0)\.\d+", statement["version"]):
        yield "version is 1.0.x or 2.0.x"
    yield from _agent(statement.get("actor", {}), "actor")
    if "authority" in statement:
        yield from _agent(statement["authority"], "authority")
    yield from _verb(statement.get("verb", {}))
    yield from _activity(statement.get("object", {}), "object")
    if "result" in statement:
        yield from _result(statement["result"])
    if "context" in statement:
        yield from _context(statement["context"])


def _nothing_empty(value: Any, where: str) -> Iterator[str]:
    """2.2: null is allowed in extensions only; no object is empty outside of them."""
    if value is None:
        yield f"{where} is null"
    elif isinstance(value, Mapping):
        if not value:
            yield f"{where} is empty"
        for name, inner in value.items():
            if name != "extensions":
                yield from _nothing_empty(inner, f"{where}.{name}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _nothing_empty(inner, f"{where}[{number}]")


def _unknown(value: Mapping[str, Any], known: set[str], where: str) -> Iterator[str]:
    for name in value.keys() - known:
        yield f"{where} has no property {name}"


def _agent(agent: Mapping[str, Any], where: str) -> Iterator[str]:
    if agent.get("objectType", "Agent") != "Agent":
        yield f"{where} is an Agent"
    if len(agent.keys() & IDENTIFIERS) != 1:
        yield f"{where} has exactly one inverse functional identifier"
    account = agent.get("account")
    if account is not None:
        if account.keys() != {"homePage", "name"}:
            yield f"{where}.account has homePage and name"
        yield from _iri(account.get("homePage", ""), f"{where}.account.homePage")
        if not isinstance(account.get("name"), str):
            yield f"{where}.account.name is a string"


def _verb(verb: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(verb, {"id", "display"}, "verb")
    yield from _iri(verb.get("id", ""), "verb.id")
    yield from _language_map(verb.get("display", {"en": "x"}), "verb.display")


def _activity(activity: Mapping[str, Any], where: str) -> Iterator[str]:
    yield from _unknown(activity, {"objectType", "id", "definition"}, where)
    if activity.get("objectType", "Activity") != "Activity":
        yield f"{where} is an Activity"
    yield from _iri(activity.get("id", ""), f"{where}.id")
    definition = activity.get("definition")
    if definition is None:
        return
    yield from _unknown(definition, DEFINITION, f"{where}.definition")
    for name in ("name", "description"):
        if name in definition:
            yield from _language_map(definition[name], f"{where}.definition.{name}")
    if "type" in definition:
        yield from _iri(definition["type"], f"{where}.definition.type")


def _result(result: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(result, RESULT, "result")
    for name in ("success", "completion"):
        if name in result and not isinstance(result[name], bool):
            yield f"result.{name} is a boolean"
    if "duration" in result and not DURATION.fullmatch(result["duration"]):
        yield "result.duration is an ISO 8601 duration of at most hundredths of a second"
    yield from _extensions(result.get("extensions", {}), "result.extensions")
    score = result.get("score")
    if score is None:
        return
    yield from _unknown(score, {"scaled", "raw", "min", "max"}, "result.score")
    for name, value in score.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"result.score.{name} is a number"
    if not -1 <= score.get("scaled", 0) <= 1:
        yield "scaled is between -1 and 1"
    low, high = score.get("min"), score.get("max")
    if low is not None and high is not None and not low < high:
        yield "min is less than max"
    if "raw" in score and not (
        score.get("min", score["raw"]) <= score["raw"] <= score.get("max", score["raw"])
    ):
        yield "raw is between min and max"


def _context(context: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(context, CONTEXT, "context")
    if "registration" in context and not UUID.fullmatch(context["registration"]):
        yield "context.registration is a UUID of RFC 4122"
    for name in ("revision", "platform"):
        if name in context and not isinstance(context[name], str):
            yield f"context.{name} is a string"
    if "language" in context and not LANGUAGE.fullmatch(context["language"]):
        yield "context.language is a tag of RFC 5646"
    yield from _extensions(context.get("extensions", {}), "context.extensions")
    for kind, activities in context.get("contextActivities", {}).items():
        if kind not in {"parent", "grouping", "category", "other"}:
            yield f"contextActivities has no {kind}"
        for number, activity in enumerate(activities):
            yield from _activity(activity, f"contextActivities.{kind}[{number}]")


def _extensions(extensions: Mapping[str, Any], where: str) -> Iterator[str]:
    for name in extensions:
        yield from _iri(name, where)


def _language_map(value: Mapping[str, Any], where: str) -> Iterator[str]:
    for tag, text in value.items():
        if not LANGUAGE.fullmatch(tag):
            yield f"{where} has keys of RFC 5646"
        if not isinstance(text, str):
            yield f"{where} has texts"


def _iri(text: str, where: str) -> Iterator[str]:
    parts = urlsplit(text)
    if not parts.scheme or not (parts.netloc or parts.path) or re.search(r"[\s<>\"{}|\\^`]", text):
        yield f"{where} is an absolute IRI"


def _time(text: str, where: str) -> Iterator[str]:
    if not TIME.fullmatch(text) or text.endswith("-00:00"):
        yield f"{where} is a timestamp of RFC 3339 with a zone"
        return
    try:
        datetime.fromisoformat(text)
    except ValueError:
        yield f"{where} is no time that there is"
