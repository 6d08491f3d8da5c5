"""The taxonomy: its shape, its words, its version and hash."""

import msgspec
import pytest

from shared.library import skills
from shared.library.skills import (
    Seen,
    Taxonomy,
    load_skill_roots,
    load_skills,
    load_taxonomy,
    taxonomy_hash,
    taxonomy_version,
)


def test_nine_roots_and_42_skills() -> None:
    assert list(load_skill_roots()) == [
        *("understand", "relate", "communicate", "solve", "adapt", "lead", "own", "grow", "team")
    ]
    assert len(load_skills()) == 42
    assert all(key.partition(".")[0] in load_skill_roots() for key in load_skills())


def test_every_skill_says_where_it_is_seen_and_what_shows_it() -> None:
    for key, skill in load_skills().items():
        assert skill.seen, key
        assert skill.good, key
        assert skill.bad, key
        assert set(skill.good).isdisjoint(skill.bad), key


def test_nothing_is_said_twice() -> None:
    for field in ("name", "definition"):
        said = [getattr(skill, field) for skill in load_skills().values()]
        assert len(set(said)) == len(said)


@pytest.mark.parametrize(
    ("key", "seen"),
    [
        ("relate.empathy", {Seen.TRANSCRIPT}),
        ("relate.emotional_intelligence", {Seen.TRANSCRIPT, Seen.TREND}),
        ("own.work_ethic", {Seen.TREND, Seen.OUTSIDE}),
        ("lead.people_management", {Seen.OUTSIDE}),
        ("team.teamwork", {Seen.TRANSCRIPT, Seen.OUTSIDE}),
    ],
)
def test_observability(key: str, seen: set[Seen]) -> None:
    assert set(load_skills()[key].seen) == seen


def test_version_and_hash_name_the_content(monkeypatch: pytest.MonkeyPatch) -> None:
    assert taxonomy_version() == load_taxonomy().version >= 1
    before = taxonomy_hash()
    assert len(before) == 12
    changed = msgspec.structs.replace(load_taxonomy(), version=taxonomy_version() + 1)
    monkeypatch.setattr(skills, "load_taxonomy", lambda: changed)
    assert taxonomy_hash.__wrapped__() != before


@pytest.mark.parametrize(
    "raw",
    [
        {"version": 0, "roots": {}},
        {"roots": {}},
        {"version": 1, "roots": {"a": {"name": "A", "definition": "B", "skills": {"c": {}}}}},
        {"version": 1, "roots": {}, "colour": "red"},
    ],
)
def test_a_file_that_is_no_taxonomy(raw: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(raw, Taxonomy)
