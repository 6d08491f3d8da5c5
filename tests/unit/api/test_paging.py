from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.paging import Cursors, PageQuery, PageRequest, make_page
from shared.errors import CursorInvalidError
from shared.ids import Uuid7Maker

IDS = Uuid7Maker()
CURSORS = Cursors(bytes(range(32)))
TENANT, OTHER_TENANT = IDS.new(), IDS.new()


class Filtered(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    status: str | None = None


def _first(query: PageQuery) -> PageRequest:
    return CURSORS.request(TENANT, "/v1/teams", query)


def test_a_cursor_comes_back() -> None:
    last = IDS.new()

    cursor = _first(PageQuery()).seal(last)

    assert _first(PageQuery(cursor=cursor, limit=7)).after == last
    assert last.hex not in cursor


def test_the_same_page_has_the_same_cursor_on_every_process() -> None:
    last = IDS.new()

    again = Cursors(bytes(range(32))).request(TENANT, "/v1/teams", PageQuery())

    assert again.seal(last) == _first(PageQuery()).seal(last)


@pytest.mark.parametrize(
    ("tenant", "path", "status"),
    [
        (OTHER_TENANT, "/v1/teams", None),
        (TENANT, "/v1/learners", None),
        (TENANT, "/v1/teams", "open"),
    ],
)
def test_a_cursor_continues_no_other_list(tenant: UUID, path: str, status: str | None) -> None:
    cursor = _first(Filtered()).seal(IDS.new())

    with pytest.raises(CursorInvalidError):
        CURSORS.request(tenant, path, Filtered(cursor=cursor, status=status))


@given(st.text(max_size=60))
def test_what_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(CursorInvalidError):
        _first(PageQuery(cursor=text))


@given(st.integers(0, 42), st.sampled_from("ABCabc019-_"))
def test_a_changed_cursor_is_refused(place: int, character: str) -> None:
    cursor = _first(PageQuery()).seal(UUID(int=1))
    changed = cursor[:place] + character + cursor[place + 1 :]
    if changed == cursor:
        return

    with pytest.raises(CursorInvalidError):
        _first(PageQuery(cursor=changed))


@pytest.mark.parametrize(("asked", "given_limit"), [(1, 1), (100, 100), (101, 100), (10**30, 100)])
def test_a_large_limit_is_coerced(asked: int, given_limit: int) -> None:
    request = _first(PageQuery(limit=asked))

    assert (request.after, request.limit) == (None, given_limit)


@pytest.mark.parametrize(
    ("rows", "shown", "has_next"), [(0, 0, False), (2, 2, False), (3, 2, True)]
)
def test_only_a_following_row_makes_a_next_page(rows: int, shown: int, has_next: bool) -> None:  # noqa: FBT001
    ids = [IDS.new() for _ in range(rows)]

    page = make_page(ids, _first(PageQuery(limit=2)), lambda row: row, str)

    assert page.data == [str(row) for row in ids[:shown]]
    assert (page.next_cursor is not None) is has_next
    if page.next_cursor is not None:
        assert _first(PageQuery(cursor=page.next_cursor)).after == ids[shown - 1]
