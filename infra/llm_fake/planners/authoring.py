"""Drafts: the example of the prompt, fitted to what was asked for."""

import json
import re
from random import Random
from typing import Any, Final

from infra.llm_fake.asking import Ask
from infra.llm_fake.planners.reading import data_of

_EXAMPLE: Final = re.compile(r"```json\n(.*?)\n```", re.DOTALL)
_LINE: Final = re.compile(r"[^\W\d_]{4,}")
_ENTRY: Final = re.compile(r"(\w+) \((good|bad)\): (.*)", re.DOTALL)

MAX_CRITERIA: Final = 12
STEM: Final = 5
"""Letters by which words are compared."""

_COMMON: Final = frozenset(
    {"point", "with", "that", "what", "when", "from", "they", "this", "have"}
)


def scenario_draft(ask: Ask, dice: Random) -> str:  # noqa: ARG001 -- planners share a form
    """Return the prompt's own example with the wanted title, role and temper."""
    outline = _example(ask)
    wanted = data_of(ask, "wanted", "source").get("wanted", {})
    outline |= {name: wanted[name] for name in ("title", "role", "temper") if name in wanted}
    return json.dumps(outline, ensure_ascii=False)


def rubric_draft(ask: Ask, dice: Random) -> str:  # noqa: ARG001 -- planners share a form
    """Return a form with a criterion for each line of the scorecard that shares words with an
    indicator; the other lines are named as unmapped.
    """
    data = data_of(ask, "scorecard", "indicators")
    outline = _example(ask)
    known = {m[1]: (m[2], m[3]) for each in data.get("indicators", ()) if (m := _ENTRY.match(each))}
    criteria: list[dict[str, Any]] = []
    gaps: list[dict[str, str]] = []
    for line in _lines(str(data.get("scorecard", ""))):
        keys = _closest(line, known)
        if keys and len(criteria) < MAX_CRITERIA:
            criteria.append(_criterion(line, keys, known, data.get("skills", ())))
        else:
            gaps.append({"source": line, "why": "No indicator shares a word with it."})
    if criteria:
        outline["sections"] = [{"title": "The conversation", "weight": 100, "criteria": criteria}]
    for place, one in enumerate(criteria):
        one["weight"] = 100 * (place + 1) // len(criteria) - 100 * place // len(criteria)
    outline["unmapped"] = gaps
    outline["title"] = data.get("title") or outline.get("title", "Scorecard")
    return json.dumps(outline, ensure_ascii=False)


def _example(ask: Ask) -> dict[str, Any]:
    found = _EXAMPLE.search(ask.system)
    example: dict[str, Any] = json.loads(found[1]) if found else {}
    return example


def _lines(scorecard: str) -> list[str]:
    lines = (line.strip().lstrip("-*0123456789.) \t") for line in scorecard.splitlines())
    return [line[:800] for line in lines if len(line.split()) >= 2]


def _stems(text: str) -> set[str]:
    return {word[:STEM].lower() for word in _LINE.findall(text)} - _COMMON


def _closest(line: str, known: dict[str, tuple[str, str]]) -> list[str]:
    """Return the two good indicators that share most words with the line."""
    wanted = _stems(line)
    found = []
    for key, (polarity, definition) in known.items():
        shared = wanted & _stems(f"{definition} {key.replace('_', ' ')}")
        if polarity == "good" and shared:
            found.append((-len(shared), key))
    return [key for _, key in sorted(found)[:2]]


def _criterion(
    line: str, keys: list[str], known: dict[str, tuple[str, str]], skills: list[str]
) -> dict[str, Any]:
    name = keys[0].replace("_", " ")
    shared = [skill for skill in skills if _stems(skill.replace(".", " ")) & _stems(line)]
    return {
        "title": name[:1].upper() + name[1:],
        "help_text": known[keys[0]][1],
        "source": line,
        "skill": next(iter([*shared, *skills]), "communicate.clarity"),
        "weight": 0,
        "indicators": keys,
        "fails_form": [],
        "is_critical": False,
    }
