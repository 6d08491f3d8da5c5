"""Older versions are served as they were, and cost the newest one nothing. [R-A10]"""

from typing import Any

import msgspec
import pytest

from services.api.versions.changes import CHANGES, CURRENT, FIRST, VERSIONS, Change
from services.api.versions.schemas import VersionView
from services.api.versions.service import asked_version
from services.api.versions.transform import Transformer
from shared.errors import ApiVersionUnknownError
from tests.support.api_golden import FOLDER, answers, lost, rendered


class Leaf(msgspec.Struct):
    name: str


class Branch(msgspec.Struct):
    leaves: list[Leaf]
    best: Leaf | None
    by_key: dict[str, Leaf]
    branches: "list[Branch]" = []


def _change(version: str, **renamed: str) -> Change:
    def older(value: dict[str, Any]) -> dict[str, Any]:
        return {renamed.get(name, name): each for name, each in value.items()}

    return Change(version=version, kind=Leaf, summary="renamed", older=older)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_shows_what_it_always_showed(version: str) -> None:
    kept = {path.name: path.read_text() for path in (FOLDER / version).glob("*.json")}

    shown = rendered(version)
    assert shown.keys() == kept.keys()
    for name, text in kept.items():
        assert lost(msgspec.json.decode(text), msgspec.json.decode(shown[name])) == []
    assert len(kept) == len(answers())


def test_what_is_lost_would_be_seen() -> None:
    kept = {"data": [{"a": 1, "b": None}]}

    assert lost(kept, {"data": [{"a": 1, "b": None, "c": 2}], "more": True}) == []
    assert lost(kept, {"data": [{"a": 2}]}) == ["/data/0/a", "/data/0/b"]
    assert lost(kept, {"data": []}) == ["/data"]


def test_versions_differ_and_are_in_order() -> None:
    assert list(VERSIONS) == sorted(VERSIONS)
    assert len(VERSIONS) >= 2
    assert rendered(FIRST) != rendered(CURRENT)
    assert {change.version for change in CHANGES} == set(VERSIONS[1:])


def test_the_newest_version_is_not_touched() -> None:
    body = object()
    assert Transformer([Leaf]).older(body, CURRENT) is body


def test_a_change_reaches_every_place() -> None:
    leaf = Leaf(name="a")
    inner = Branch(leaves=[leaf], best=leaf, by_key={})
    tree = Branch(leaves=[leaf, leaf], best=None, by_key={"k": leaf}, branches=[inner])
    transformer = Transformer([list[Branch]], [_change("2030-01-01", name="title")])

    (shown,) = transformer.older([tree], "2029-01-01")

    assert shown["leaves"] == [{"title": "a"}, {"title": "a"}]
    assert shown["best"] is None
    assert shown["by_key"] == {"k": {"title": "a"}}


def test_changes_are_undone_from_the_newest_back() -> None:
    changes = [_change("2030-01-01", second="first"), _change("2031-01-01", name="second")]
    transformer = Transformer([Leaf], changes)

    assert transformer.older(Leaf(name="a"), "2031-01-01") == Leaf(name="a")
    assert transformer.older(Leaf(name="a"), "2030-06-01") == {"second": "a"}
    assert transformer.older(Leaf(name="a"), "2029-01-01") == {"first": "a"}


@pytest.mark.parametrize("text", ["", "2026-9-1", "latest", "2026-11-23", "9" * 5000, "é"])
def test_other_versions_are_refused(text: str) -> None:
    with pytest.raises(ApiVersionUnknownError) as caught:
        asked_version(text)
    assert caught.value.errors[0].pointer == "header:Api-Version"


def test_every_version_is_explained() -> None:
    view = VersionView.of(FIRST)

    assert [each.version for each in view.known] == list(VERSIONS)
    assert all(each.changes for each in view.known[1:])
