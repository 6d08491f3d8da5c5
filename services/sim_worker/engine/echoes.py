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
_STOP = re.compile(r"[.?!;]|$")
_TOKEN = re.compile(r"[a-z]+")


def day(reading: Reading) -> str:
    """Return the day or hour in the learner's promise; "" for none."""
    if Act.NEXT_STEP not in reading.strengths:
        return ""
    spans = [span for span in reading.analysis.acts if span.act is Act.NEXT_STEP]
    folded = fold(reading.text)
    found = LEXICON.times.search(folded, spans[0].start) if spans else None
    if found is None:
        return ""
    hour = _HOUR.match(folded, found.end())
    return folded[found.start() : (hour or found).end()]


def amount(reading: Reading) -> str:
    """Return the money or percentage that the learner offers; "" for none."""
    for text in _spoken(reading, _OFFERS):
        match = _AMOUNT.search(text)
        if match:
            return str(match.group()).replace("$ ", "$")
    return ""


def thing(reading: Reading, acts: Iterable[Act]) -> str:
    """Return the first everyday noun of the learner's words in these acts; "" for none."""
    for text in _spoken(reading, acts):
        for word in _TOKEN.findall(text):
            if word in BANK.things:
                return str(word)
    return ""


def earlier(before: PersonaState, after: PersonaState) -> str:
    """Return what was promised before and is contradicted by the newest promise; "" for none."""
    new = [item for item in after.promises if item.turn == after.turns]
    for old in reversed(before.promises):
        if any(_contradicts(old, item) for item in new):
            return _said(old)
    return ""


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
