from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.paging import PageQuery, PageRequest, make_page, read_cursor, write_cursor
from shared.errors import CursorInvalidError
from shared.ids import Uuid7Maker

IDS = Uuid7Maker()


def test_a_cursor_comes_back() -> None:
    last = IDS.new()

    assert read_cursor(write_cursor(last)) == last


@given(st.text(max_size=40))
def test_what_is_not_ours_is_refused(text: str) -> None:
    try:
        last = read_cursor(text)
    except CursorInvalidError:
        return
    assert write_cursor(last) == text


def test_a_cursor_of_another_kind_of_uuid_is_refused() -> None:
    with pytest.raises(CursorInvalidError):
        read_cursor(write_cursor(UUID(int=0)))


@pytest.mark.parametrize(("asked", "given_limit"), [(1, 1), (100, 100), (101, 100), (10**30, 100)])
def test_a_large_limit_is_coerced(asked: int, given_limit: int) -> None:
    assert PageQuery(limit=asked).page() == PageRequest(None, given_limit)


@pytest.mark.parametrize(
    ("rows", "shown", "has_next"), [(0, 0, False), (2, 2, False), (3, 2, True)]
)
def test_only_a_following_row_makes_a_next_page(rows: int, shown: int, has_next: bool) -> None:  # noqa: FBT001
    ids = [IDS.new() for _ in range(rows)]

    page = make_page(ids, PageRequest(None, 2), lambda row: row, str)

    assert page.data == [str(row) for row in ids[:shown]]
    assert (page.next_cursor is not None) is has_next
    if page.next_cursor is not None:
        assert read_cursor(page.next_cursor) == ids[shown - 1]
