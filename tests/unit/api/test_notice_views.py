"""Notices in answers: in the conversation's language, and never taken back. [R-C20]"""

from services.api.notices import AiNoticeView, UseNoticeView


def test_a_simulation_says_that_a_program_speaks() -> None:
    told = AiNoticeView.of("de-AT")
    assert told.is_ai is True
    assert told.language == "de"
    assert "Computerprogramm" in told.text
    assert "2024/1689" in told.law


def test_a_score_says_what_it_may_not_be() -> None:
    told = UseNoticeView.of("xx")
    assert (told.is_sole_basis_allowed, told.infers_emotions, told.language) == (False, False, "en")
    assert "sole basis" in told.text
