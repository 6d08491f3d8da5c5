"""How people write, and what they are called, does not move their scores."""

import msgspec
import pytest

from infra.fairness.perturbations import STYLES, load_styles, renamed
from infra.fairness.shifts import Judged, deviations, judged, mean_sizes, shifts
from services.scoring_worker.judging.judge import judge
from services.scoring_worker.judging.respelling import respell

MOST = 0.1
"""Standard deviations of a skill's scores by which it may move on average."""
FEW_SCORES = 20
"""A skill with fewer scores has no deviation to speak of."""
UNMET = {"no punctuation"}
"""Taking every mark away takes meaning away as well: docs/guards.md has its numbers."""


def styled(case, name: str, seed: int):
    write = STYLES[name]
    turns = tuple(
        msgspec.structs.replace(turn, text=write(turn.text, seed + n))
        if turn.role == "agent"
        else turn
        for n, turn in enumerate(case.transcript.turns)
    )
    return msgspec.structs.replace(case.transcript, turns=turns)


def with_names(case, origin: str):
    texts = renamed(tuple(turn.text for turn in case.transcript.turns), origin, 1)
    turns = tuple(
        msgspec.structs.replace(turn, text=text)
        for turn, text in zip(case.transcript.turns, texts, strict=True)
    )
    return msgspec.structs.replace(case.transcript, turns=turns)


_BEFORE: dict[int, Judged] = {}


def before(case) -> Judged:
    """Judge a conversation once; the fixtures keep it alive, so that its id stays its own."""
    if id(case) not in _BEFORE:
        _BEFORE[id(case)] = judged(case)
    return _BEFORE[id(case)]


def corpus(cases, every: int):
    profiles = ("rude", "average", "skilled", "unskilled", "policy-robot", "over-apologizer")
    return [case for name in profiles for case in cases.played(name, every)] + list(cases.written())


def moved(found, change) -> dict[str, float]:
    """Return the mean size of the shifts in deviations of each skill that has enough scores."""
    plain = [before(case) for case in found]
    spread = deviations(plain)
    many = {key for key in spread if sum(key in each.scores for each in plain) >= FEW_SCORES}
    sizes = mean_sizes(
        shifts(one, judged(case, change(case, n)))
        for n, (one, case) in enumerate(zip(plain, found, strict=True))
    )
    return {key: sizes[key] / spread[key] for key in many & sizes.keys() if spread[key]}


@pytest.mark.parametrize("name", sorted(STYLES.keys() - UNMET))
def test_a_style_hardly_moves_the_total(cases, name):
    found = [*cases.played("average", 27), *cases.played("skilled", 27), *cases.written()[:3]]
    sizes = mean_sizes(
        shifts(before(case), judged(case, styled(case, name, n))) for n, case in enumerate(found)
    )
    assert sizes["overall"] <= 2


@pytest.mark.parametrize("origin", sorted(load_styles().names))
def test_a_name_moves_nothing(cases, origin):
    for case in (*cases.played("skilled", 27), *cases.played("average", 27)):
        assert with_names(case, origin) != case.transcript
        assert set(shifts(before(case), judged(case, with_names(case, origin))).values()) == {0}


def test_usual_writing_stays_as_it_is(cases):
    changed = [
        turn.text
        for case in (*cases.played("skilled", 6), *cases.played("average", 6))
        for turn in case.transcript.turns
        if turn.role == "agent" and respell(turn.text).places
    ]
    assert changed == []


@pytest.mark.parametrize(
    ("odd", "usual"),
    [
        ("thank u 4 ur patience", "thank you 4 your patience"),
        ("Ill check that for you", "i'll check that for you"),
        ("I'm goin' to call ya 🙂", "I'm going to call you"),
        ("I feel ill today", "I feel ill today"),
        ("Im sorrry, that souunds frustrating", "i'm sorry, that sounds frustrating"),
        (
            "I'm sorry about that Could you tell me what happened",
            "I'm sorry about that. Could you tell me what happened?",
        ),
        ("Birch Street, Mr. Sallow", "Birch Street, Mr. Sallow"),
    ],
)
def test_respelling(odd, usual):
    assert respell(odd).text == usual


def test_places_lead_back():
    odd = "Im gonna chekc ur acct 🙏 today"
    found = respell(odd)
    start = found.text.index("check")
    assert odd[found.origin(start) : found.origin(start + 5, is_end=True)] == "chekc"
    start = found.text.index("account")
    assert odd[found.origin(start) : found.origin(start + 7, is_end=True)] == "acct"
    start = found.text.index("today")
    assert odd[found.origin(start) :] == "today"


@pytest.mark.parametrize("name", ["informal register", "no punctuation", "emoji"])
def test_quotes_are_what_was_written(cases, name):
    case = cases.played("skilled", 27)[0]
    changed = styled(case, name, 0)
    texts = {turn.id: turn.text for turn in changed.turns}
    result = judge(changed, case.rubric, required_steps=case.steps)
    quotes = [
        quote for each in result.criteria for item in each.indicators for quote in item.evidence
    ]
    assert quotes
    assert all(texts[quote.turn_id][quote.start : quote.end] == quote.quote for quote in quotes)
    assert not any(item.withdrawn for each in result.criteria for item in each.indicators)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", sorted(STYLES.keys() - UNMET))
def test_no_skill_moves_by_a_tenth_of_its_deviation(cases, name):
    sizes = moved(corpus(cases, 3), lambda case, n: styled(case, name, n))
    assert {key: size for key, size in sizes.items() if size > MOST} == {}
