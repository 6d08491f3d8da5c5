"""Who is in a rollup: stored in 24 bytes each, merged in any order, ids never cut."""

import struct
from uuid import UUID

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporting.trends import people
from services.reporting.trends.people import PERSON, People

ids = st.one_of(
    st.uuids(),
    st.integers(0, 3).map(lambda number: UUID(int=number << 120)),  # zeros at the end
)
groups = st.dictionaries(ids, st.integers(1, 50), max_size=6)


def blob_of(group: dict[UUID, int]) -> bytes:
    """As stored, made without the code under test: n, and a total of 7 each."""
    return b"".join(
        struct.pack("<16sii", person.bytes, group[person], 7 * group[person])
        for person in sorted(group, key=lambda each: each.bytes)
    )


def merged(*groups: dict[UUID, int]) -> dict[UUID, int]:
    whole: dict[UUID, int] = {}
    for group in groups:
        for person, n in group.items():
            whole[person] = whole.get(person, 0) + n
    return whole


def records(group: dict[UUID, int]) -> People:
    return people.decode(blob_of(group))


@settings(deadline=None)
@given(group=groups)
def test_what_is_stored_says_the_same(group: dict[UUID, int]):
    decoded = records(group)
    assert people.encode(decoded) == blob_of(group)
    assert people.ids_of(decoded) == sorted(group, key=lambda each: each.bytes)
    assert dict(zip(people.ids_of(decoded), decoded["n"].tolist(), strict=True)) == group


@settings(deadline=None)
@given(parts=st.lists(groups, max_size=5), seed=st.randoms())
def test_merging_in_any_order_equals_counting_everything(parts, seed):
    expected = blob_of(merged(*parts))
    assert people.encode(people.merge([records(part) for part in parts])) == expected
    seed.shuffle(parts)
    step = people.EMPTY
    for part in parts:
        step = people.merge([step, records(part)])
    assert people.encode(step) == expected


@settings(deadline=None)
@given(whole=groups, seed=st.randoms())
def test_taking_out_leaves_the_rest(whole: dict[UUID, int], seed):
    gone = {person: n for person, n in whole.items() if seed.random() < 0.5}
    minus = records(gone).copy()
    minus["n"] *= -1
    minus["total"] *= -1
    rest = people.merge([records(whole), minus])
    assert people.encode(rest) == blob_of({p: n for p, n in whole.items() if p not in gone})


@settings(deadline=None)
@given(parts=st.lists(groups, max_size=5))
def test_several_rollups_in_a_row_stay_apart(parts: list[dict[UUID, int]]):
    blobs = [blob_of(part) for part in parts]
    together, starts = people.decode_all(blobs)
    assert starts.tolist() == [0, *np.cumsum([len(part) for part in parts]).tolist()]
    keys = np.repeat(np.arange(len(parts)), np.diff(starts))
    backwards = slice(None, None, -1)
    merged_keys, rows = people.merge_by_key(keys[backwards], together[backwards])
    assert people.split(merged_keys, rows, len(parts)) == blobs
    assert rows.dtype == PERSON
