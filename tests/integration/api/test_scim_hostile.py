"""SCIM under strange and simultaneous requests: refusals in SCIM's words, never an error of ours."""

import asyncio
import itertools
import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.api.conftest import Partner
from tests.integration.api.test_scim_people import GROUP, PATCH, USER, Directory
from tests.support.tenants import TenantFactory

_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["userName", "members", 'emails[type eq "work"].value', "usr_1", "\x00", "\ud800"]
    )
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
_NAMES = st.sampled_from(
    [
        "schemas",
        "userName",
        "externalId",
        "name",
        "displayName",
        "active",
        "emails",
        "groups",
        "members",
        "Operations",
        "id",
        "meta",
        "value",
        "$ref",
        "roles",
        "x",
    ]
)
_BODIES = st.dictionaries(_NAMES, _VALUES, max_size=5)
_OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "Replace", "remove", "move", ""])},
        optional={
            "path": st.sampled_from(
                [
                    "userName",
                    "active",
                    "members",
                    "emails",
                    'members[value eq "usr_1"]',
                    "name.givenName",
                    "id",
                    "meta",
                    "groups",
                    "schemas",
                    "a.b.c",
                    "[",
                    "",
                    "emails[primary eq true].value",
                ]
            )
            | st.text(max_size=12),
            "value": _VALUES,
        },
    ),
    max_size=3,
)


@pytest.fixture(scope="module")
async def directory(http: httpx.AsyncClient, tenants: TenantFactory) -> Directory:
    return Directory(Partner(http, await tenants.new()))


def _bodies(draw: Any) -> list[tuple[str, str, Any]]:
    """Return some requests: method, path with a mark for an id, body."""
    body, operations = draw(_BODIES), draw(_OPERATIONS)
    return [
        ("POST", "/Users", {"schemas": [USER], **body}),
        ("POST", "/Groups", {"schemas": [GROUP], **body}),
        ("PUT", "/Users/{user}", {"schemas": [USER], **body}),
        ("PUT", "/Groups/{group}", {"schemas": [GROUP], **body}),
        ("PATCH", "/Users/{user}", {"schemas": [PATCH], "Operations": operations}),
        ("PATCH", "/Groups/{group}", {"schemas": [PATCH], "Operations": operations}),
        ("POST", "/.search", body),
    ]


_NUMBERS = itertools.count()


async def test_nothing_that_is_sent_breaks_it(directory: Directory) -> None:
    user = await directory.user("target")
    group = await directory.group("Target", user["id"])
    loop = asyncio.get_running_loop()

    async def send(method: str, path: str, body: Any) -> httpx.Response:
        place = path.format(user=user["id"], group=group["id"])
        text = _json(body)
        headers = {**directory.headers, "Content-Type": "application/scim+json"}
        return await directory.http.request(
            method, f"/scim/v2{place}", headers=headers, content=text
        )

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def explore(data: Any) -> None:
        for method, path, body in _bodies(data.draw):
            answer = asyncio.run_coroutine_threadsafe(send(method, path, body), loop).result(30)
            assert answer.status_code < 500, (method, path, body, answer.text)
            if answer.status_code >= 400:
                assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]

    await asyncio.to_thread(explore)
    assert (await directory.send("GET", "/Users")).status_code == 200
    assert (await directory.send("GET", "/Groups")).status_code == 200


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/Users", "filter=%00"),
        ("/Users", "filter=userName%20eq%20%22%ED%A0%80%22"),
        ("/Users", "attributes=a.b.c.d,,%5B"),
        ("/Users", "attributes=id&excludedAttributes=name"),
        ("/Users", "startIndex=99999999999999999999"),
        ("/Users", "count=1e3"),
        ("/Groups", "&".join(f"x{n}=1" for n in range(60))),
        ("/Groups", "filter=displayName%20eq%20%22x%00%22"),
        ("/Users/%00", ""),
        ("/Users/usr_../../Groups", ""),
        ("/Schemas/none", ""),
        ("/ResourceTypes/User/more", ""),
    ],
)
async def test_strange_addresses(directory: Directory, path: str, query: str) -> None:
    answer = await directory.http.get(f"/scim/v2{path}?{query}", headers=directory.headers)
    assert answer.status_code in {200, 400, 404}, answer.text


async def test_the_same_person_at_the_same_moment(directory: Directory) -> None:
    body = {"schemas": [USER], "userName": "twin", "externalId": "twin"}
    answers = await asyncio.gather(*(directory.send("POST", "/Users", body) for _ in range(8)))
    assert sorted(each.status_code for each in answers) == [201, *[409] * 7]
    assert {each.json()["scimType"] for each in answers if each.status_code == 409} == {
        "uniqueness"
    }


async def test_groups_that_change_at_the_same_moment(directory: Directory) -> None:
    """Everybody moves at once between groups: nobody waits for ever, nobody is in two teams."""
    users = [(await directory.user(f"mover-{next(_NUMBERS)}"))["id"] for _ in range(4)]
    groups = [(await directory.group(f"Group {n}"))["id"] for n in range(4)]
    value = [{"value": each} for each in users]

    async def change(group: str, op: str, order: int) -> httpx.Response:
        return await directory.patch(
            f"/Groups/{group}", {"op": op, "path": "members", "value": value[::order]}
        )

    for op in ("add", "remove", "add"):
        answers = await asyncio.gather(
            *(change(each, op, 1 if n % 2 else -1) for n, each in enumerate(groups))
        )
        assert {each.status_code for each in answers} == {200}
    for number, user in enumerate(users):
        shown = (await directory.send("GET", f"/Users/{user}")).json()
        name = shown["userName"]
        open_ones = [team for team, _, until in await directory.teams(name) if until is None]
        assert open_ones == [shown["groups"][-1]["value"]], number
