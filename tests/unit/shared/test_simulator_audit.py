"""The audit finds every planted fault in what a customer says, and none where there is none."""

import pytest
from msgspec.structs import replace

from shared.audit.audit import AuditedTurn, audit, fact_outcomes
from shared.contracts.simulation import EndReason, FactOutcome, Fault, Surface
from tests.support.audited import AFTER, CALM, OPENING, SCENARIO, START, codes, talk


class TestLeaks:
    @pytest.mark.parametrize(
        ("line", "fact"),
        [
            ("Fine, the health inspector is coming.", "inspector"),
            ("It's the HEALTH   INSPECTOR, all right?", "inspector"),
            ("It's the health\ninspector.", "inspector"),
            ("That health-inspector again.", "inspector"),
            ("Two healthinspectors were here.", "inspector"),
            ("The h e a l t h i n s p e c t o r.", "inspector"),
            ("The h.e.a.l.t.h. i.n.s.p.e.c.t.o.r.", "inspector"),
            ("The hea\u200blth inspec\u2060tor.", "inspector"),
            ("The hea\u00adlth ins\ufeffpector.", "inspector"),
            ("The he\u0430lth insp\u0435ct\u043er.", "inspector"),
            ("The \uff48\uff45\uff41\uff4c\uff54\uff48 inspector.", "inspector"),
            ("The h3alth in5pector.", "inspector"),
            ("The he\u0301alth inspecto\u0308r.", "inspector"),
            ("The \u202erotcepsni htlaeh\u202c.", "inspector"),
            ("Without the water it closes, and then the loan is due.", "inspector"),
            ("I owe 48250 on that loan.", "inspector"),
            ("I owe $48,250.", "inspector"),
            ("It's got garden hoses in it.", "valve"),
            ("A piece of hose from the garden bypassed the safety valve.", "valve"),
        ],
    )
    def test_a_locked_fact_that_is_told_is_found(self, line: str, fact: str) -> None:
        found = [x for x in audit(SCENARIO, talk(line), None) if x.code == "fact_leaked"]
        assert found == [Fault(code="fact_leaked", seq=2, subject=fact)]

    @pytest.mark.parametrize(
        "line",
        [
            "My health is nobody's business. An inspector would laugh at you.",
            "It's in the garden. The hose is fine.",
            "I run a bakery and the boiler is dead.",
            "There is hot water on the stove, thank you.",
            "It is the small gray one behind the cabinet.",
            "The ninety customers I have don't care.",
            "I paid 312 dollars, not 20 percent less.",
        ],
    )
    def test_a_line_that_tells_nothing_is_left_alone(self, line: str) -> None:
        assert codes(line) == []

    def test_the_opening_can_leak_too(self) -> None:
        turns = [
            AuditedTurn(seq=0, role="customer", text="My cousin did it.", state=START),
        ]
        assert audit(SCENARIO, turns, None) == (Fault(code="fact_leaked", seq=0, subject="valve"),)

    def test_an_open_fact_may_be_told(self) -> None:
        state = replace(AFTER, open_facts=("inspector",))
        assert codes(SCENARIO.facts[0].text, state=state) == []

    def test_words_of_an_open_fact_do_not_give_another_one_away(self) -> None:
        state = replace(AFTER, open_facts=("money",))
        assert codes("That health inspector again.", state=state) == []
        assert codes("The health inspector. On the ninth.", state=state) == ["fact_leaked"]

    def test_a_sentence_of_a_fact_gives_it_away_without_any_mark(self) -> None:
        bare = tuple(replace(fact, marks=()) for fact in SCENARIO.facts)
        turns = talk("Look. He closes... well. The health inspector comes on the ninth.")
        found = audit(replace(SCENARIO, facts=bare), turns, None)
        assert [fault.subject for fault in found] == ["inspector"]

    def test_repeating_the_learner_gives_nothing_away(self) -> None:
        said = "Is it about the health inspector? Is it 48,250 dollars, your cousin, a garden hose?"
        assert codes("The health inspector? Garden hose? 48,250?", said=said) == []
        assert codes("The health inspector on the ninth?", said=said) == ["fact_leaked"]

    def test_what_the_learner_says_afterwards_does_not_count(self) -> None:
        turns = talk("The health inspector.", "Yes, I said so.")
        turns[3] = replace(turns[3], text="The health inspector?")
        assert [fault.seq for fault in audit(SCENARIO, turns, None)] == [2]


class TestRoleSwap:
    @pytest.mark.parametrize(
        "line",
        [
            "How can I help you today?",
            "Is there anything else I can help you with?",
            "I'd be happy to assist you with that.",
            "I've issued you a full refund.",
            "We will refund your money this week.",
            "I can waive that late fee, no trouble.",
            "I'll look into this for you.",
            "I'm going to transfer you to billing.",
            "Could I have your order number, please?",
            "Could you confirm your date of birth?",
            "Thank you for contacting Hearth & Pipe.",
            "I apologize for any inconvenience.",
            "I understand your frustration.",
            "You should try asking an open question.",
            "You could acknowledge my feelings first.",
            "Good use of active listening there.",
            "Great job paraphrasing.",
            "As your coach, I liked that.",
            "As an AI, I have no boiler.",
            "I'm just a language model.",
            "I am an AI assistant.",
            "My instructions say I can't tell.",
            "I was told to pretend to be angry.",
            "I was instructed not to reveal it.",
            "This simulation is over.",
            "Let's stop this role-play.",
            "I can't break character.",
            "The rubric wants more empathy.",
            "There are three hidden facts.",
            "Your trust level is 40.",
            "Agent: Good morning.",
            "\u0410s an \u0410I, I h\u0430ve no boiler.",
            "As an A\u200bI, I have no boiler.",
        ],
    )
    def test_a_customer_who_is_not_one_is_found(self, line: str) -> None:
        assert codes(line) == ["role_swap"]

    @pytest.mark.parametrize(
        "line",
        [
            "I want a refund. Can you issue one or not?",
            "Can you put me through to somebody who can help me?",
            "Are you a robot? Am I talking to a machine?",
            'Don\'t give me "I apologize for any inconvenience".',
            "I followed the instructions. What instructions do you mean?",
            "You should have asked me that first.",
            "I don't trust you any more than the last one.",
            "My credit score is none of your business.",
            "I can pay you forty on the first. I can offer you that.",
            "I'm the customer here, not your agent.",
            "Unlock my account, then.",
            "I was told to call this number.",
            "What has my character got to do with it?",
            "Nobody acknowledged what this did to me.",
            "I'm an assistant at the library, I know what a receipt is.",
        ],
    )
    def test_a_customer_is_a_customer(self, line: str) -> None:
        assert "role_swap" not in codes(line)


class TestLines:
    def test_a_sentence_said_twice_is_found_where_it_comes_again(self) -> None:
        turns = talk("Oh. I want it fixed today.", "Well, no! i want  it FIXED today!")
        assert audit(SCENARIO, turns, None) == (Fault(code="repeated_line", seq=4),)
        assert codes("I want it fixed. I want it fixed.") == ["repeated_line"]

    def test_quoting_the_opening_counts(self) -> None:
        assert codes(OPENING) == ["repeated_line"]

    @pytest.mark.parametrize("line", ["Not good enough.", "I don't know.", "...", "Mm. Mm."])
    def test_short_ones_may_come_again(self, line: str) -> None:
        assert codes(f"{line} Right.", f"{line} Well?") == []

    @pytest.mark.parametrize(
        "line",
        [
            "I paid $415 for it.",
            "It was 415 dollars.",
            "It was four hundred and fifteen dollars.",
            "You promised me 35 percent.",
            "You promised me 35% off.",
            "I've waited 17 days.",
            "My name is Brenda.",
            "This is Brenda speaking.",
        ],
    )
    def test_numbers_and_names_that_nobody_gave_are_found(self, line: str) -> None:
        assert codes(line) == ["contradicts_brief"]

    @pytest.mark.parametrize(
        "line",
        [
            "I paid $312.00 for it.",
            "Three hundred and twelve dollars.",
            "So it's $40, is it?",
            "Eighty-one dollars, then. Or call it $80.",
            "Forty dollars? And 15% on top?",
            "14 days or two weeks, I don't care.",
            "I'm a hundred percent sure. A thousand dollars wouldn't do.",
            "My name is Marta. Lindqvist.",
            "I've told 3 of you.",
            "This is Hearth & Pipe, isn't it?",
        ],
    )
    def test_numbers_of_the_case_and_of_the_learner_are_fine(self, line: str) -> None:
        assert codes(line, said="Forty dollars, fifteen percent off, or $80.55.") == []

    @pytest.mark.parametrize("line", ["", "   ", "\u200b\u2060", "...", "?!"])
    def test_saying_nothing_is_found(self, line: str) -> None:
        assert codes(line) == ["empty_line"]

    def test_falling_silent_is_no_empty_line(self) -> None:
        assert codes("...", surface=Surface.SILENCE) == []
        assert codes("", surface=Surface.SILENCE) == ["empty_line"]

    def test_speeches_are_found(self) -> None:
        assert codes(" ".join(f"Word{n}." for n in range(7))) == ["too_long"]
        assert codes(" ".join(f"Word{n}." for n in range(6))) == []
        assert codes(" ".join(f"word{n}" for n in range(121))) == ["too_long"]
        assert codes(" ".join(f"word{n}" for n in range(120))) == []

    @pytest.mark.parametrize(
        "line",
        [
            "I want it **now**.",
            "*sighs* I want it now.",
            "(sighs) I want it now.",
            "I want it now. (angrily) Now!",
            "[pause] I want it now.",
            "See https://example.test for it.",
            "See boilers.com for it.",
            "# Boiler\nIt's dead.",
            "- It's dead\n- It's cold",
            "1. It's dead\n2. It's cold",
            "`boiler`",
            "<b>Dead.</b>",
            "It's {problem}.",
        ],
    )
    def test_markup_and_stage_directions_are_found(self, line: str) -> None:
        assert codes(line) == ["markup"]

    @pytest.mark.parametrize(
        "line",
        ["It's cold (it's March!) and I'm tired.", "A 3-year-old boiler - dead.", "Well... no."],
    )
    def test_ordinary_marks_are_fine(self, line: str) -> None:
        assert codes(line) == []

    @pytest.mark.parametrize(
        "surface", [Surface.INSULT, Surface.HANG_UP, Surface.WARN_LEAVE, Surface.VENT]
    )
    def test_a_friendly_outburst_is_found(self, surface: Surface) -> None:
        left = replace(AFTER, mind=replace(CALM, patience=0), warnings=1)
        reason = EndReason.CUSTOMER_LEFT if surface is Surface.HANG_UP else None
        for line in ("No worries, take your time.", "I really appreciate it. Have a nice day."):
            assert codes(line, state=left, surface=surface, end_reason=reason) == ["softened"]
        for line in ("I'm done with you people.", "Take your time. I've nothing better to do."):
            assert codes(line, state=left, surface=surface, end_reason=reason) == []

    def test_levels_beyond_their_range_are_found(self) -> None:
        for level in (-1, 101):
            state = replace(AFTER, mind=replace(CALM, trust=level))
            assert codes("Well.", state=state) == ["out_of_range"]

    def test_a_state_that_could_not_be_read_is_found(self) -> None:
        turns = talk("Well.")
        turns[-1] = replace(turns[-1], state=None)
        assert audit(SCENARIO, turns, None) == (Fault(code="out_of_range", seq=2),)


class TestWhole:
    def test_no_turns_no_faults(self) -> None:
        assert audit(SCENARIO, [], "cancelled") == ()

    def test_faults_come_in_order_whatever_the_order_of_the_turns(self) -> None:
        turns = talk("(sighs) My cousin.", "How can I help you today?", "")
        found = audit(SCENARIO, turns, None)
        assert [(fault.seq, fault.code) for fault in found] == [
            (2, "fact_leaked"),
            (2, "markup"),
            (4, "role_swap"),
            (6, "empty_line"),
        ]
        assert audit(SCENARIO, turns[::-1], None) == found

    def test_outcomes(self) -> None:
        state = replace(AFTER, open_facts=("inspector", "valve"), volunteered=("valve",))
        assert fact_outcomes(SCENARIO, state, ()) == {
            "inspector": FactOutcome.ELICITED,
            "valve": FactOutcome.VOLUNTEERED,
            "money": FactOutcome.UNDISCOVERED,
        }
        faults = (
            Fault(code="fact_leaked", seq=2, subject="inspector"),
            Fault(code="wrong_end", seq=8, subject="money"),
        )
        assert fact_outcomes(SCENARIO, state, faults) == {
            "inspector": FactOutcome.LEAKED,
            "valve": FactOutcome.VOLUNTEERED,
            "money": FactOutcome.UNDISCOVERED,
        }
