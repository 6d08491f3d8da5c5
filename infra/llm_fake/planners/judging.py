"""Answers indicators by looking for words, with what was said as proof."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any, Final

import msgspec

from infra.llm_fake.asking import Ask
from infra.llm_fake.planners.reading import data_of
from shared.yaml_files import read_yaml

MAX_QUOTES: Final = 3
MAX_WORDS: Final = 25
"""Of one quote."""

_SENTENCE: Final = re.compile(r"[^.!?\n]+[.!?]*")

_Json = dict[str, Any]


@cache
def patterns() -> dict[str, re.Pattern[str]]:
    """Return the words that stand for an indicator, by its key."""
    rows: list[dict[str, str]] = read_yaml(files("infra.llm_fake.planners") / "judging.yaml")
    found: dict[str, list[str]] = {}
    for row in rows:
        for key in row["keys"].split():
            found.setdefault(key, []).append(row["words"])
    return {key: re.compile("|".join(each), re.IGNORECASE) for key, each in found.items()}


def judge(ask: Ask, dice: Random) -> str:  # noqa: ARG001 -- planners share a form
    """Return a verdict for each indicator; `insufficient` for those without words to look for."""
    data = data_of(ask, "transcript", "indicators")
    turns = [turn for turn in data.get("transcript", ()) if turn.get("role") == "agent"]
    answers = [_answer(indicator, turns) for indicator in data.get("indicators", ())]
    return msgspec.json.encode({"answers": answers}).decode()


def _answer(indicator: _Json, turns: list[_Json]) -> _Json:
    key = str(indicator["key"])
    pattern = patterns().get(key)
    quotes = [] if pattern is None else list(_quotes(pattern, turns))
    verdict = "met" if quotes else "not_met"
    reason = "words that stand for it" if quotes else "no such words"
    if pattern is None:
        verdict, reason = "insufficient", "no words to look for"
    return {"key": key, "evidence": quotes[:MAX_QUOTES], "reason": reason, "verdict": verdict}


def _quotes(pattern: re.Pattern[str], turns: list[_Json]) -> Iterator[_Json]:
    """Yield one sentence of each turn that holds such words."""
    for turn in turns:
        for sentence in _SENTENCE.finditer(str(turn["text"])):
            if pattern.search(sentence[0]):
                yield {"turn_id": turn["id"], "quote": _cut(sentence[0].strip())}
                break


def _cut(sentence: str) -> str:
    """Return the first words as they stand, so that the quote is verbatim."""
    ends = [word.end() for word in re.finditer(r"\S+", sentence)]
    return sentence[: ends[MAX_WORDS - 1]] if len(ends) > MAX_WORDS else sentence
