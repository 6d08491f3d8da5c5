"""Pieces of a reply: sentences that are together exactly the line."""

from hypothesis import given
from hypothesis import strategies as st

from services.sim_worker.wording import pieces


def test_a_piece_is_a_sentence() -> None:
    line = "Where is it? You said \u201ctomorrow!\u201d 3.5 weeks ago... Well."
    assert list(pieces(line)) == [
        "Where is it? ",
        "You said \u201ctomorrow!\u201d ",
        "3.5 weeks ago... ",
        "Well.",
    ]


@given(st.text(alphabet=st.sampled_from("ab .!?\u2026\"'\u201d\n")))
def test_nothing_is_lost_between_pieces(line: str) -> None:
    found = list(pieces(line))
    assert "".join(found) == line
    assert all(found)
