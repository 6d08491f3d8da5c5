"""What the model "says" to a request."""

import json
import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

import msgspec

from infra.llm_fake.asking import Ask
from infra.llm_fake.choosing import Chosen
from infra.llm_fake.instances import minimal
from infra.llm_fake.script import Fault, UsageCount

CHARACTERS_PER_TOKEN: Final = 4

Planner = Callable[[Ask, Random], str]
"""Thinks of an answer to one of our own prompts."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A message and what belongs to it."""

    text: str
    refusal: str | None
    finish: str
    usage: UsageCount | None


def reply(ask: Ask, chosen: Chosen, planners: Mapping[str, Planner]) -> Reply:
    """Return the message that answers a request."""
    answer = chosen.answer
    text = "" if answer.refusal is not None else _text(ask, chosen, planners)
    finish = answer.finish or "stop"
    limit = None if ask.limit is None else ask.limit * CHARACTERS_PER_TOKEN
    if limit is not None and len(text) > limit and answer.fault is not Fault.HUGE:
        text, finish = text[:limit], answer.finish or "length"
    return Reply(
        text=text,
        refusal=answer.refusal,
        finish=finish,
        usage=_usage(ask, answer.usage, answer.refusal or text),
    )


def _text(ask: Ask, chosen: Chosen, planners: Mapping[str, Planner]) -> str:
    answer = chosen.answer
    match answer.fault:
        case Fault.EMPTY:
            return ""
        case Fault.HUGE | Fault.BOMB:
            return "x" * answer.size_bytes
        case Fault.WRONG_SCHEMA:
            return '{"unexpected":[1,"two",null]}'
        case _:
            pass
    if answer.text is not None:
        return _filled(answer.text, ask)
    if answer.json is not msgspec.UNSET:
        return msgspec.json.encode(answer.json).decode()
    return _sensible(ask, chosen.dice, planners)


def _sensible(ask: Ask, dice: Random, planners: Mapping[str, Planner]) -> str:
    planner = planners.get(ask.task)
    if planner is not None:
        return planner(ask, dice)
    schema = ask.schema or (schema_in_words(ask) if ask.wants_json else None)
    if schema is not None:
        return msgspec.json.encode(minimal(schema)).decode()
    if ask.wants_json:
        return "{}"
    opening = dice.choice(("Understood.", "I see.", "All right."))
    return f"{opening} You said: {_short(ask.last)}"


def schema_in_words(ask: Ask) -> dict[str, object] | None:
    """Return a JSON Schema of an object that a message spells out, as those do who ask endpoints
    that know no schemas.
    """
    for said in ask.messages:
        for found in objects_in(said.text):
            if found.get("type") == "object" and "properties" in found:
                return found
            if "$defs" in found and "$ref" in found:
                return found
    return None


def objects_in(text: str) -> list[dict[str, object]]:
    """Return the JSON objects that stand in a text, outermost only, in order."""
    found, start = [], text.find("{")
    while start >= 0:
        try:
            value, end = _JSON.raw_decode(text, start)
        except ValueError:
            start = text.find("{", start + 1)
            continue
        if isinstance(value, dict):
            found.append(value)
        start = text.find("{", end)
    return found


def _filled(text: str, ask: Ask) -> str:
    if "{" not in text:
        return text
    values = {
        "last": ask.last,
        "system": ask.system,
        "model": ask.model,
        "task": ask.task,
        "number": str(ask.number),
    }
    return _PLACES.sub(lambda found: values[found[1]], text)


def _usage(ask: Ask, wanted: bool | UsageCount, said: str) -> UsageCount | None:  # noqa: FBT001 -- as scripts say it
    if isinstance(wanted, UsageCount):
        return wanted
    if not wanted:
        return None
    asked = sum(len(each.text) for each in ask.messages) + 12 * len(ask.messages)
    return UsageCount(
        prompt_tokens=-(-asked // CHARACTERS_PER_TOKEN),
        completion_tokens=-(-len(said) // CHARACTERS_PER_TOKEN),
    )


def _short(text: str) -> str:
    words = text.split()
    return " ".join(words[:12]) + ("..." if len(words) > 12 else "")


_PLACES: Final = re.compile(r"\{(last|system|model|task|number)\}")
_JSON: Final = json.JSONDecoder()
