"""What the customer may take up from the learner's own words: closed lists and figures only."""

import re
from collections.abc import Iterable

from services.sim_worker.engine.appraisal import Reading
from services.sim_worker.engine.bank import BANK
from shared.contracts.dialogue import Act
from shared.contracts.simulation import PersonaState, Promise
from shared.dialogue.lexicon import LEXICON
from shared.dialogue.segments import fold

_AMOUNT = re.compile(
    r"\$\s?\d[\d,]*(?:\.\d\d)?(?![\d.,]*\d)|(?<![\w.,])\d[\d,]*(?:\.\d+)?\s?(?:percent|%|dollars)(?!\w)"
)
_OFFERS = (Act.OFFER, Act.OFFER_CHOICE, Act.CONCEDE, Act.NEXT_STEP, Act.GIVE_AWAY)
_HOUR = re.compile(
    r",? (?:at|by|before|around) (?:(?:half|quarter) (?:past|to) )?"
    r"(?:noon|midnight|\d{1,2}(?::\d\d)?(?: ?[ap]m)?|one|two|three|four|five|six|seven|eight|nine"
    r"|ten|eleven|twelve)(?!\w)"
)
"""An hour behind a day: `tomorrow at ten`."""
_UNIT = re.compile(r"(?<=\d) (?:minutes?|hours?|(?:working |business )?days?|weeks?|months?)(?!\w)")
"""The unit behind a bare number: `within 3 hours`."""
_STOP = re.compile(r"[.?!;](?!\d)|$")
_TOKEN = re.compile(r"[a-z]+")
_ARTICLE = re.compile(r"\b(?:an?|another|one) ([a-z-]+(?: [a-z-]+)?)")
_VAGUE_TIME = re.compile(r"while |before (?:we|you) |right |this (?:call|minute|moment|second)")
"""Beginnings of times that nobody repeats as a date: `while we talk`."""
_NAMED_DAY = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b")


def day(reading: Reading) -> str:
    """Return the day or hour in the learner's promise; "" for none."""
    if Act.NEXT_STEP not in reading.strengths:
        return ""
    spans = [span for span in reading.analysis.acts if span.act is Act.NEXT_STEP]
    folded = fold(reading.text)
    found = next(filter(None, (_time(folded, span.start, span.end) for span in spans[::-1])), None)
    if found is None:
        return ""
    more = _HOUR.match(folded, found.end()) or _UNIT.match(folded, found.end())
    said = folded[found.start() : (more or found).end()]
    return _NAMED_DAY.sub(lambda name: name.group().capitalize(), said)


def _time(folded: str, start: int, end: int) -> re.Match[str] | None:
    """Return the first repeatable time from `start` to the end of the sentence behind `end`."""
    stop = _STOP.search(folded, end)
    times = LEXICON.times.finditer(folded, start, stop.start() if stop else len(folded))
    return next((time for time in times if not _VAGUE_TIME.match(time.group())), None)


def amount(reading: Reading) -> str:
    """Return the money or percentage that the learner offers; "" for none."""
    for text in _spoken(reading, _OFFERS):
        match = _AMOUNT.search(text)
        if match:
            return str(match.group()).replace("$ ", "$")
    return ""


def thing(reading: Reading, acts: Iterable[Act]) -> str:
    """Return the first everyday noun of the learner's words in these acts; "" for none.

    In an offer it has to be something new: `a card`, not `that account`.
    """
    wanted = tuple(acts)
    if frozenset(wanted) <= frozenset(_OFFERS):
        heard = (found for text in _spoken(reading, wanted) for found in _new(text))
    else:
        heard = (found for text in _spoken(reading, wanted) for found in _TOKEN.findall(text))
    return next((word for word in heard if word in BANK.things), "")


def earlier(before: PersonaState, after: PersonaState) -> str:
    """Return what was promised before and is contradicted by the newest promise; "" for none."""
    new = [item for item in after.promises if item.turn == after.turns]
    for old in reversed(before.promises):
        if any(_contradicts(old, item) for item in new):
            return _said(old)
    return ""


def _new(text: str) -> Iterable[str]:
    """Yield the words of a text that stand a word or two behind `a` or `another`."""
    for match in _ARTICLE.finditer(text):
        yield from _TOKEN.findall(match.group(1))


def _spoken(reading: Reading, acts: Iterable[Act]) -> Iterable[str]:
    """Yield the words from the start of each such act to the end of its sentence, folded."""
    wanted = frozenset(acts)
    folded = fold(reading.text)
    for span in reading.analysis.acts:
        if span.act in wanted:
            end = _STOP.search(folded, span.end)
            yield folded[span.start : end.start() if end else span.end]


def _contradicts(old: Promise, new: Promise) -> bool:
    return (old.kind, old.about) == (new.kind, new.about) and old.value != new.value


def _said(promise: Promise) -> str:
    """Return a promise's value as a person would say it."""
    if not promise.value.isdigit():
        return promise.value
    number = int(promise.value)
    if promise.kind == "money":
        dollars, cents = divmod(number, 100)
        return f"${dollars:,}.{cents:02}" if cents else f"${dollars:,}"
    if promise.kind == "percent":
        return f"{number} percent"
    unit = promise.kind.removesuffix("s")
    return f"{number} {unit}{'s' if number != 1 else ''}"
