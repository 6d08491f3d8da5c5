"""Picks at most two strengths and two improvements, each bound to a verified quote."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from services.scoring_worker.judging.aggregate import Measured
from services.scoring_worker.judging.customer import REPEATED, find_feeling
from services.scoring_worker.judging.evidence import cite, verify
from services.scoring_worker.judging.finding import Observation
from services.scoring_worker.judging.phrases import COACHING, Correction
from services.scoring_worker.judging.wordings import say_back
from services.scoring_worker.judging.words import (
    count_words,
    fold,
    is_telling,
    sentence_at,
    sentences,
    topics,
)
from shared.contracts.base import Record
from shared.contracts.rubric import Polarity
from shared.contracts.scoring import Advice, CriterionResult, Evidence, Transcript, Verdict

MAX_EACH = 2
"""More than two points of each kind are not remembered."""

PRAISE_FROM = 45
"""Below this score of the criterion praise for one of its indicators would sound hollow."""

STRONG_FROM = 85
"""From this score of the criterion on, what was left out is no longer worth a remark."""

MAX_QUOTE_CHARS = 140
"""A longer quote of the customer is cut at a word."""

_BAD_FIRST = 2
"""What hurt counts this many times what was missing."""

_LATE = frozenset(
    {
        "offers_option",
        "moves_forward",
        "gives_next_step",
        "names_who_and_when",
        "explains",
        "confirms_shared_view",
    }
)
"""Indicators whose absence shows best near the end."""

_FELT = 6
"""Topics that a feeling outweighs when the most visible miss is looked for."""

_HANDY_WORDS = range(5, 31)
"""A quote of this length is read at a glance."""


class _Candidate(Record, frozen=True, kw_only=True):
    """One thing that could be said, with how much it matters."""

    skill: str
    item: Measured
    value: Fraction
    """Points of its criterion, roughly."""


class _Scene(Record, frozen=True, kw_only=True):
    """The conversation that advice is bound to."""

    transcript: Transcript
    busy: frozenset[int]


def advise(
    results: Sequence[CriterionResult],
    measured: Mapping[str, Sequence[Measured]],
    transcript: Transcript,
    *,
    busy: frozenset[int] = frozenset(),
) -> tuple[Advice, ...]:
    """Return strengths, then improvements; `measured` holds the scored criteria only.

    `busy` are positions of agent turns that do other good work: the last choice for improvements.
    """
    strengths: list[_Candidate] = []
    improvements: list[_Candidate] = []
    for result in results:
        items = measured.get(result.key, ())
        total = sum(i.indicator.weight for i in items if i.indicator.polarity is Polarity.GOOD) or 1
        for item in items:
            if _is_strength(result, item):
                strengths.append(_weigh(result.skill, item, item.strength, total))
            elif _is_improvement(result, item):
                improvements.append(_weigh(result.skill, item, 1 - item.strength, total))
    scene = _Scene(transcript=transcript, busy=busy)
    praise = _pick(strengths, scene, frozenset())
    taken = frozenset(item.evidence.turn_id for item in praise if item.evidence)
    return (*praise, *_pick(improvements, scene, taken))


def _is_strength(result: CriterionResult, item: Measured) -> bool:
    return (
        item.indicator.polarity is Polarity.GOOD
        and item.indicator.key in COACHING.praise
        and (result.score or 0) >= PRAISE_FROM
        and item.verdict is Verdict.MET
    )


def _is_improvement(result: CriterionResult, item: Measured) -> bool:
    if item.indicator.polarity is Polarity.BAD:
        return item.finding.hits > 0
    return (result.score or 0) < STRONG_FROM and item.verdict is Verdict.NOT_MET


def _weigh(skill: str, item: Measured, share: Fraction, total: int) -> _Candidate:
    if item.indicator.polarity is Polarity.BAD:
        value = _BAD_FIRST * item.indicator.weight * item.strength
    else:
        value = 100 * item.indicator.weight * share / total
    return _Candidate(skill=skill, item=item, value=value)


def _pick(
    candidates: Iterable[_Candidate], scene: _Scene, taken: frozenset[str]
) -> tuple[Advice, ...]:
    """Take the weightiest, one per skill and one per turn; equal ones in the rubric's order."""
    picked: list[Advice] = []
    keys: set[str] = set()
    for candidate in sorted(candidates, key=lambda item: -item.value):
        if len(picked) == MAX_EACH:
            break
        key = candidate.item.indicator.key
        if any(item.skill == candidate.skill for item in picked) or key in keys:
            continue
        cited = taken | {item.evidence.turn_id for item in picked if item.evidence}
        advice = _bind(candidate, scene, cited)
        if advice is not None:
            picked.append(advice)
            keys.add(key)
    return tuple(picked)


def _bind(candidate: _Candidate, scene: _Scene, cited: frozenset[str]) -> Advice | None:
    """Bind the advice to the best quote that still stands, or drop it."""
    transcript = scene.transcript
    item = candidate.item
    wants_hit = item.indicator.polarity is Polarity.BAD or item.verdict is Verdict.MET
    places = [
        seen
        for seen in item.finding.observations
        if seen.hit is wants_hit
        and transcript.turns[seen.agent].id not in cited
        and verify(_quote(seen, transcript), transcript, polarity=item.indicator.polarity)
    ]
    is_praise = wants_hit and item.indicator.polarity is Polarity.GOOD
    if is_praise:
        places = [seen for seen in places if is_telling(_quote(seen, transcript).quote)]
    if not places:
        return None
    if is_praise:
        place = max(places, key=lambda seen: _worth_praising(seen, transcript))
    else:
        place = max(places, key=lambda seen: _visible(seen, item, scene))
    return Advice(
        skill=candidate.skill,
        kind="strength" if is_praise else "improvement",
        text=COACHING.praise[item.indicator.key]
        if is_praise
        else _correct(place, item, transcript),
        evidence=_quote(place, transcript),
    )


def _quote(seen: Observation, transcript: Transcript) -> Evidence:
    return cite(transcript.turns[seen.agent], seen.start, seen.end)


def _worth_praising(seen: Observation, transcript: Transcript) -> tuple[bool, int, int]:
    """Prefer a quote that is read at a glance and says much, then the later one."""
    quote = _quote(seen, transcript).quote
    return count_words(quote) in _HANDY_WORDS, len(topics(quote)), seen.agent


def _visible(
    seen: Observation, item: Measured, scene: _Scene
) -> tuple[bool, bool, bool, bool, int, int]:
    """Prefer the turn in which the lack shows most: a telling quote under a telling customer turn.

    Solutions are missed late in a conversation, feelings and questions early.
    """
    transcript = scene.transcript
    heard = _heard(seen, transcript)
    correction = _correction(item)
    echoed = "{echo}" in correction.wording and heard is not None and say_back(heard) is not None
    quote = _quote(seen, transcript).quote
    late = item.indicator.key in _LATE
    half = (seen.agent * 2 >= len(transcript.turns)) is late
    order = seen.agent if late else -seen.agent
    idle = seen.agent not in scene.busy
    return is_telling(quote), idle, echoed, half, _stake(heard), order


def _stake(heard: str | None) -> int:
    """Return how much the customer put into the turn that was answered: feelings, then topics."""
    if heard is None:
        return 0
    return _FELT * (find_feeling(heard) is not None) + len(topics(heard))


def _heard(seen: Observation, transcript: Transcript) -> str | None:
    return None if seen.customer is None else transcript.turns[seen.customer].text


def _correction(item: Measured) -> Correction:
    key = item.coached_as or item.indicator.key
    return COACHING.corrections.get(key, COACHING.corrections["unnamed"])


def _correct(seen: Observation, item: Measured, transcript: Transcript) -> str:
    correction = _correction(item)
    heard = _heard(seen, transcript)
    wording = _fill(correction, heard)
    text = correction.text
    if item.coached_as:
        text = f"One required step was missing: {item.indicator.title}."
    lead = f"The customer said: “{_excerpt(heard)}” " if heard else ""
    return f"{lead}{text} You could say: “{wording}”"


def _fill(correction: Correction, heard: str | None) -> str:
    family = _family(heard or "")
    echo = say_back(heard or "")
    has_echo = echo is not None or "{echo}" not in correction.wording
    return (correction.wording if has_echo else correction.fallback).format(
        echo=echo, feeling=COACHING.feeling[family], impact=COACHING.impact[family]
    )


def _family(heard: str) -> str:
    found = find_feeling(heard)
    if found is not None:
        return found[0].value
    return "repeated" if REPEATED.search(fold(heard)) else "plain"


def _excerpt(text: str) -> str:
    """Return a short turn whole, else from the sentence with the feeling (or the fullest) on."""
    whole = " ".join(text.split()).strip('“”"')
    if len(whole) <= MAX_QUOTE_CHARS:
        return whole
    found = find_feeling(text)
    spans = sentences(text)
    if not spans:
        return ""
    span = max(spans, key=lambda item: len(topics(text[item.start : item.end])))
    if found is not None:
        span = sentence_at(text, found[1])
    end = max(
        (item.end for item in spans if span.end <= item.end <= span.start + MAX_QUOTE_CHARS),
        default=span.end,
    )
    quote = text[span.start : end].strip('“”"')
    if len(quote) <= MAX_QUOTE_CHARS:
        return quote
    return quote[:MAX_QUOTE_CHARS].rsplit(" ", 1)[0] + " …"
