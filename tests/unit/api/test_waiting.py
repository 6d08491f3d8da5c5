import pytest

from services.api.waiting import MAX_WAIT_S, applied, wait_until, wished_wait_s


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("wait=10", 10),
        ("Wait = 10", 10),
        ('wait="10"', 10),
        ("respond-async, wait=5; foo=bar", 5),
        ("wait=5, wait=6", 5),
        ("wait=999999", MAX_WAIT_S),
        ("wait=0", 0),
        ("wait=9999999", 0),
        ("await=5", 0),
        ("wait=٣", 0),
        ("wait=1.5", 0),
    ],
)
def test_what_is_wished(header: str | None, seconds: int) -> None:
    assert wished_wait_s(header) == seconds


def test_what_was_done_is_said() -> None:
    assert applied(7) == {"Preference-Applied": "wait=7"}
    assert applied(0) == {}


async def test_it_looks_until_it_is_over() -> None:
    looks: list[int] = []

    async def look() -> int:
        looks.append(len(looks))
        return len(looks)

    assert await wait_until(look, lambda seen: seen == 3, 5) == 3
    assert len(looks) == 3


async def test_without_a_wish_it_looks_once() -> None:
    looks: list[int] = []

    async def look() -> int:
        looks.append(1)
        return len(looks)

    assert await wait_until(look, lambda _: False, 0) == 1
