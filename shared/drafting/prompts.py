"""Prompts for drafting: what the model reads, and the hash that names it."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from uuid import UUID

import msgspec

from shared.contracts.llm import Message, Prompt
from shared.contracts.rubric import Polarity
from shared.drafting.outline import ScenarioOutline
from shared.drafting.rubric_outline import RubricOutline
from shared.drafting.wanted import RubricWanted, ScenarioWanted
from shared.library.findings import Finding
from shared.library.indicators import load_indicators
from shared.library.skills import Seen, load_skills
from shared.llm.schema import version_of

SCENARIO_PROMPT = "scenario_draft.md"
RUBRIC_PROMPT = "rubric_draft.md"

MAX_FINDINGS = 25
"""Findings of one round; the first ones are the worst."""

_EXAMPLE = re.compile(r"```json\n(.*?)\n```", re.DOTALL)


@cache
def prompt_text(name: str) -> str:
    """Return a prompt of this package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def example_of(name: str) -> bytes:
    """Return the example in a prompt, as JSON: a valid answer."""
    found = _EXAMPLE.search(prompt_text(name))
    if found is None:
        raise ValueError(f"{name} holds no example")
    return found.group(1).encode()


def scenario_prompt(
    wanted: ScenarioWanted, source: str, operation_id: UUID, earlier: Sequence["Round"] = ()
) -> Prompt:
    """Return what the model reads to draft a scenario.

    Args:
        wanted: what the author asked for.
        source: the author's text, or the conversation without personal data.
        operation_id: makes the boundary: it did not exist when the source was written.
        earlier: what was answered before and what was wrong with it.
    """
    decided = {
        name: getattr(wanted, name)
        for name in ("title", "role", "temper", "difficulty")
        if getattr(wanted, name) is not None
    }
    data = {"kind": wanted.kind, "wanted": decided, "source": source}
    return _prompt(SCENARIO_PROMPT, ScenarioOutline, data, operation_id, earlier)


def rubric_prompt(
    wanted: RubricWanted,
    operation_id: UUID,
    tenant_skills: Iterable[str],
    earlier: Sequence["Round"] = (),
) -> Prompt:
    """Return what the model reads to draft a rubric; arguments as in `scenario_prompt`.

    `tenant_skills` are keys that the tenant added to the taxonomy.
    """
    data = {
        "scorecard": wanted.text,
        "title": wanted.title,
        "indicators": _indicators(),
        "skills": [*_skills(), *sorted(tenant_skills)],
    }
    return _prompt(RUBRIC_PROMPT, RubricOutline, data, operation_id, earlier)


class Round(msgspec.Struct, frozen=True):
    """One answer of the model, and what was wrong with it."""

    answer: msgspec.Struct
    findings: tuple[Finding, ...]


def _prompt(
    name: str,
    answer: type[msgspec.Struct],
    data: object,
    operation_id: UUID,
    earlier: Sequence[Round],
) -> Prompt:
    boundary = hashlib.sha256(operation_id.bytes + name.encode()).hexdigest()[:24]
    messages = [
        Message(role="system", content=prompt_text(name)),
        Message(role="user", content=_between(boundary, data)),
    ]
    for one in earlier:
        messages += [
            Message(role="assistant", content=msgspec.json.encode(one.answer).decode()),
            Message(role="user", content=_between(boundary, {"faults": _told(one.findings)})),
        ]
    return Prompt(messages=tuple(messages), version=version_of(prompt_text(name), answer))


def _between(boundary: str, data: object) -> str:
    return f"BEGIN {boundary}\n{msgspec.json.encode(data).decode()}\nEND {boundary}"


def _told(findings: Iterable[Finding]) -> list[str]:
    lines = [f"{one.code} at {one.path}: {one.message}. {one.advice}" for one in findings]
    return lines[:MAX_FINDINGS]


def _indicators() -> list[str]:
    good = "good"
    return [
        f"{key} ({good if one.polarity is Polarity.GOOD else 'bad'}): {one.definition}"
        for key, one in load_indicators().items()
    ]


def _skills() -> list[str]:
    return [key for key, skill in load_skills().items() if Seen.TRANSCRIPT in skill.seen]
