"""Ids: TypeID's text form, sorting, refusals."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import InvalidIdError, Uuid7Maker, decode, encode, format_id, parse_id


@pytest.mark.parametrize(
    ("value", "text"),
    [  # vectors published with the TypeID specification
        ("00000000-0000-0000-0000-000000000000", "00000000000000000000000000"),
        ("00000000-0000-0000-0000-000000000001", "00000000000000000000000001"),
        ("00000000-0000-0000-0000-00000000000a", "0000000000000000000000000a"),
        ("00000000-0000-0000-0000-000000000010", "0000000000000000000000000g"),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", "7zzzzzzzzzzzzzzzzzzzzzzzzz"),
        ("01890a5d-ac96-774b-bcce-b302099a8057", "01h455vb4pex5vsknk084sn02q"),
    ],
)
def test_typeid_vectors(value: str, text: str) -> None:
    assert encode(UUID(value)) == text
    assert decode(text) == UUID(value)


@given(st.uuids(), st.uuids())
def test_text_sorts_like_the_value(one: UUID, other: UUID) -> None:
    assert decode(encode(one)) == one
    assert (encode(one) < encode(other)) == (one.int < other.int)


def test_new_ids_rise() -> None:
    maker = Uuid7Maker()
    made = [format_id("sim", maker.new()) for _ in range(500)]
    assert made == sorted(made)
    assert len(set(made)) == 500


@given(st.text())
def test_any_text_is_an_id_or_refused(text: str) -> None:
    try:
        value = parse_id("sim", text)
    except InvalidIdError:
        return
    assert format_id("sim", value) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sim_",
        "lrn_01h455vb4pex5vsknk084sn02q",
        "sim_81h455vb4pex5vsknk084sn02q",
        "sim_01H455VB4PEX5VSKNK084SN02Q",
        "sim_01h455vb4pex5vsknk084sn02",
        "sim_01h455vb4pex5vsknk084sn02l",
    ],
)
def test_wrong_ids_are_refused(text: str) -> None:
    with pytest.raises(InvalidIdError):
        parse_id("sim", text)
