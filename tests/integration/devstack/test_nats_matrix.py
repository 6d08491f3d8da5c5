"""Every NATS user tries everything; what the document does not allow is refused [R-C6]."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from infra.devstack import nats as nats_module
from infra.devstack.nats import NatsServer
from infra.devstack.nats_matrix import Rights, read, rendered
from infra.devstack.nats_users import USER_NAMES, USERS, NatsUser
from infra.devstack.ports import PortBook
from infra.devstack.stack import Stack
from tests.support.nats_probes import allowed, covers, differences, publishing, subscribing

SERVICES = tuple(name for name in USER_NAMES if name != "admin")


@pytest.fixture(scope="module")
def document(repository_root: Path) -> str:
    return (repository_root / "docs" / "operations.md").read_text()


def test_the_document_shows_the_rights_that_there_are(document: str) -> None:
    assert rendered() in document, "paste `python -m infra.devstack.nats_matrix` into it"
    assert set(read(document)) == set(SERVICES)


def test_an_extra_right_is_seen_in_the_document(document: str) -> None:
    assert rendered(_planted()) not in document


@pytest.mark.parametrize("user", SERVICES)
async def test_everything_that_is_not_allowed_is_refused(
    user: str, document: str, devstack: Stack
) -> None:
    rights = read(document)[user]
    assert await differences(devstack.nats_url_for(user), user, rights) == []
    # Nearly everything is forbidden, so the comparison above is worth something.
    assert len(allowed(rights.publish, publishing())) < 0.4 * len(publishing())
    assert len(allowed(rights.subscribe, subscribing())) < 0.1 * len(subscribing())


async def test_extra_rights_on_the_server_are_found(document: str, planted: NatsServer) -> None:
    rights = read(document)["reporting"]
    found = await differences(planted.url_for("reporting"), "reporting", rights)
    assert "reporting publish $JS.API.STREAM.PURGE.WORK_TURN" in found
    assert "reporting subscribe wake.score.*" in found
    assert all("PURGE.WORK_TURN" in one or "wake.score." in one for one in found), found


def test_what_a_pattern_covers() -> None:
    for pattern, subject in (
        ("a.*", "a.b"), ("a.*", "a.*"), ("a.>", "a.*.c"), (">", "a.>"), ("a.*.c", "a.b.c"),
    ):  # fmt: skip
        assert covers(pattern, subject), (pattern, subject)
    for pattern, subject in (
        ("a.*", "a.>"), ("a.*", "a.b.c"), ("a.>", "a"), ("a.b", "a.*"), ("a.*.c", "a.b.d"),
    ):  # fmt: skip
        assert not covers(pattern, subject), (pattern, subject)


def test_a_damaged_document_is_an_error() -> None:
    with pytest.raises(ValueError, match="no such right"):
        read(rendered().replace("publish ", "utter ", 1))
    assert read(rendered())["reporting"] == Rights(
        publish=read(rendered())["reporting"].publish,
        subscribe=("evt.>", "wake.events", "report.>", "$SRV.>", "_INBOX_reporting.>"),
        answers=True,
    )


def _planted() -> tuple[NatsUser, ...]:
    return tuple(
        msgspec.structs.replace(
            user,
            publishes=(*user.publishes, "$JS.API.STREAM.PURGE.WORK_TURN"),
            subscribes=(*user.subscribes, "wake.score.*"),
        )
        if user.name == "reporting"
        else user
        for user in USERS
    )


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NatsServer]:
    """A server whose reporting user may more than the document says."""
    monkeypatch.setattr(nats_module, "USERS", _planted())
    server = NatsServer(
        tmp_path, PortBook({}), passwords={name: f"{name}-secret" for name in USER_NAMES}
    )
    try:
        server.prepare()
        server.start()
        server.wait_ready()
        yield server
    finally:
        server.stop()
