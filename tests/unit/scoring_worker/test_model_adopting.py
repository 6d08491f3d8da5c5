"""A verdict of the model changes the count as little as it takes to say the same."""

import pytest

from services.scoring_worker.judging.aggregate import weigh
from services.scoring_worker.judging.finding import Finding, Observation
from services.scoring_worker.judging.model.adopting import Adopter, is_bare_no
from services.scoring_worker.judging.model.answers import Said
from services.scoring_worker.judging.model.checking import Proof
from services.scoring_worker.judging.model.combining import Opinion
from services.scoring_worker.judging.reading import read
from shared.contracts.rubric import Indicator, Polarity
from shared.contracts.scoring import Verdict

LINES = "\n".join(
    f"C: Number {n} is broken and I need help with it.\nA: Let me look at number {n} for you now."
    for n in range(6)
)


@pytest.fixture(scope="module")
def adopter(talks):
    return Adopter(read(talks(LINES)))


def measured(hits, polarity=Polarity.GOOD, *, full_at=60, key="explains", census=False):
    """Occasions on the six answers (odd positions), as a text of 1 and 0."""
    indicator = Indicator(key=key, title="x", polarity=polarity, weight=50, full_at=full_at)
    seen = tuple(
        Observation(agent=2 * place + 1, start=0, end=6, hit=char == "1")
        for place, char in enumerate(hits)
        if char != "-"
    )
    return weigh(indicator, Finding(observations=seen, census=census))


def opinion(said, *turns: int):
    return Opinion(said=said, proofs=tuple(Proof(turn, 0, 11) for turn in turns))


def pattern(item):
    return "".join("1" if each.hit else "0" for each in item.finding.observations)


@pytest.mark.parametrize(
    ("hits", "said"),
    [("110000", Said.MET), ("000000", Said.NOT_MET), ("", Said.NO_OPPORTUNITY)],
)
def test_agreement_changes_nothing(adopter, hits, said):
    item = measured(hits)
    adopted = adopter.adopt(item, opinion(said, 11))
    assert adopted.finding is item.finding
    assert (adopted.strength, adopted.verdict) == (item.strength, item.verdict)
    assert adopted.second is not None
    assert adopted.second.judged_by == "model"


def test_quoted_answers_become_hits(adopter):
    adopted = adopter.adopt(measured("000000"), opinion(Said.MET, 3, 7))
    assert adopted.verdict is Verdict.MET
    assert pattern(adopted) == "010100"
    assert {each.end for each in adopted.finding.observations if each.hit} == {11}


def test_misses_leave_the_count_where_the_quotes_are_too_few(adopter):
    adopted = adopter.adopt(measured("000000"), opinion(Said.MET, 3))
    assert (adopted.verdict, pattern(adopted)) == (Verdict.MET, "010")


def test_a_quote_where_no_occasion_was_seen_is_one(adopter):
    adopted = adopter.adopt(measured("------"), opinion(Said.MET, 3))
    assert (adopted.verdict, adopted.occasions, adopted.hits) == (Verdict.MET, 1, 1)
    assert adopted.finding.observations[0].customer == 2
    assert adopted.second is not None
    assert adopted.second.embedded is Verdict.NO_OPPORTUNITY


def test_two_pieces_of_one_answer_are_one_occasion(talks):
    adopter = Adopter(read(talks("C: It broke.\nA: I see.\nA: I will look.\nC: And?\nA: Done.")))
    adopted = adopter.adopt(measured("0", full_at=100), opinion(Said.MET, 2))
    assert pattern(adopted) == "1"


def test_hits_become_misses_until_the_count_says_so(adopter):
    adopted = adopter.adopt(measured("111100"), opinion(Said.NOT_MET, 5))
    assert (adopted.verdict, pattern(adopted)) == (Verdict.NOT_MET, "100000")
    missed = adopted.finding.observations[1]
    assert missed.end > missed.start


@pytest.mark.parametrize("polarity", list(Polarity))
def test_a_bare_no_does_not_outweigh_what_was_proven(adopter, polarity):
    item = measured("111100", polarity)
    adopted = adopter.adopt(item, opinion(Said.NOT_MET))
    assert adopted.finding is item.finding
    assert adopted.second is not None
    assert adopted.second.judged_by == "embedded"
    assert is_bare_no(item, opinion(Said.NOT_MET))
    assert not is_bare_no(item, opinion(Said.NOT_MET, 5))
    assert not is_bare_no(measured("000000", polarity), opinion(Said.NOT_MET))


def test_the_abstention_rules_stay(adopter):
    adopted = adopter.adopt(measured("1"), opinion(Said.NOT_MET, 1))
    assert (adopted.verdict, pattern(adopted)) == (Verdict.NOT_ENOUGH_EVIDENCE, "0")
    open_ = measured("0")
    assert adopter.adopt(open_, opinion(Said.NOT_MET)).verdict is Verdict.NOT_ENOUGH_EVIDENCE


def test_without_a_place_there_is_no_occasion(adopter):
    adopted = adopter.adopt(measured(""), opinion(Said.NOT_MET))
    assert (adopted.verdict, adopted.occasions) == (Verdict.NO_OPPORTUNITY, 0)
    assert adopted.second is not None
    assert adopted.second.judged_by == "embedded"


@pytest.mark.parametrize(("hits", "left"), [("0000", ""), ("1000", "1000"), ("1111", "1111")])
def test_no_opportunity_takes_misses_and_no_proof(adopter, hits, left):
    assert pattern(adopter.adopt(measured(hits), opinion(Said.NO_OPPORTUNITY))) == left


@pytest.mark.parametrize("hits", ["0000", "1111", "1000", ""])
@pytest.mark.parametrize("polarity", list(Polarity))
def test_who_cannot_tell_changes_nothing(adopter, hits, polarity):
    item = measured(hits, polarity)
    adopted = adopter.adopt(item, opinion(Said.INSUFFICIENT))
    assert adopted.finding is item.finding
    assert adopted.second is not None
    assert adopted.second.judged_by == "embedded"


def test_what_was_bad(adopter):
    seen = adopter.adopt(measured("000000", Polarity.BAD), opinion(Said.MET, 5))
    assert (seen.verdict, pattern(seen)) == (Verdict.MET, "001000")
    unseen = adopter.adopt(measured("110000", Polarity.BAD), opinion(Said.NOT_MET, 5))
    assert (unseen.verdict, pattern(unseen)) == (Verdict.NOT_MET, "000000")


def test_a_check_of_the_whole_stays_one(adopter):
    done = adopter.adopt(measured("0", key="greets", census=True), opinion(Said.MET, 1))
    assert (done.verdict, done.finding.census, done.strength) == (Verdict.MET, True, 1)
    undone = adopter.adopt(measured("1", key="greets", census=True), opinion(Said.NOT_MET, 1))
    assert (undone.verdict, undone.strength) == (Verdict.NOT_MET, 0)
    found = adopter.adopt(measured("", key="greets"), opinion(Said.MET, 1))
    assert found.finding.census


@pytest.mark.parametrize("full_at", [15, 34, 60, 100])
@pytest.mark.parametrize("said", [Said.MET, Said.NOT_MET])
def test_the_verdict_follows_and_agreement_is_stable(adopter, full_at, said):
    """Whatever was counted: what comes out says the same, and adopting it again changes nothing."""
    for number in range(64):
        item = measured(f"{number:06b}", full_at=full_at)
        once = adopter.adopt(item, opinion(said, 1, 5))
        assert once.verdict.value == said.value
        assert adopter.adopt(once, opinion(said, 1, 5)).finding is once.finding
        moved = once.strength - item.strength
        assert moved >= 0 if said is Said.MET else moved <= 0
