"""Processes of the last release and of this one understand each other: jobs, events, questions,
answers, workflow arguments, stored documents.
"""

import copy
from typing import Annotated, Any, Literal

import msgspec
import pytest

from shared.contracts.base import Authored
from tests.wire.comparing import REVIEWED, differences, reviewed
from tests.wire.record import load, today
from tests.wire.shapes import sample, shape, structs

STRUCTS = structs()
RELEASED = load()

ONE = "shared.contracts.jobs.TurnJob"


def _found(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [each for each in differences(old, new) if each.partition(":")[0] not in REVIEWED]


def test_both_releases_can_run_side_by_side() -> None:
    assert _found(RELEASED, today()) == []


def test_every_review_is_still_needed() -> None:
    names = {each.partition(":")[0] for each in differences(RELEASED, today())}
    assert set(REVIEWED) <= names, "drop the reviews of differences that are gone"


@pytest.mark.parametrize("name", sorted(RELEASED.keys() & STRUCTS.keys() - reviewed(RELEASED)))
def test_what_the_last_release_wrote_is_read(name: str) -> None:
    for size in ("full", "minimal"):
        text = msgspec.json.encode(RELEASED[name][size])
        read = msgspec.json.decode(text, type=STRUCTS[name])
        again = msgspec.json.decode(msgspec.json.encode(read), type=STRUCTS[name])
        assert again == read


def test_what_nobody_knows_yet_is_ignored_wherever_it_travels() -> None:
    for name, struct in STRUCTS.items():
        data = sample(struct, full=True) | {"added_later": {"deep": [1]}}
        text = msgspec.json.encode(data)
        if issubclass(struct, Authored):
            with pytest.raises(msgspec.ValidationError, match="added_later"):
                msgspec.json.decode(text, type=struct)
        else:
            assert msgspec.json.decode(text, type=struct), name


def test_only_what_people_write_refuses_unknown_fields() -> None:
    strict = {name for name, one in STRUCTS.items() if one.__struct_config__.forbid_unknown_fields}
    assert strict == {name for name, one in STRUCTS.items() if issubclass(one, Authored)}
    assert {name.rpartition(".")[0] for name in strict} == {
        "shared.contracts.rubric",
        "shared.contracts.scenario",
    }


def _planted(change: Any) -> list[str]:
    new = copy.deepcopy(RELEASED)
    change(new)
    return _found(RELEASED, new)


def test_planted_breaks_are_found() -> None:
    def fields(new: dict[str, Any]) -> dict[str, Any]:
        return new[ONE]["shape"]["fields"]

    more = {"type": "int", "required": True}
    assert _found(RELEASED, RELEASED) == []
    assert _planted(lambda new: fields(new).update(extra=more | {"required": False})) == []
    assert _planted(lambda new: fields(new).update(extra=more)) == [
        f"{ONE}.extra: new and required; old senders do not send it"
    ]
    assert _planted(lambda new: fields(new).pop("seq")) == [
        f"{ONE}.seq: gone; old readers cannot do without it"
    ]
    assert _planted(lambda new: fields(new).pop("streamed")) == []
    assert _planted(lambda new: fields(new)["seq"].update(type="str")) == [
        f"{ONE}.seq: was int, is str"
    ]
    assert _planted(lambda new: fields(new)["seq"].update(required=False)) == [
        f"{ONE}.seq: may be left out now; old readers cannot do without it"
    ]
    assert _planted(lambda new: fields(new)["streamed"].update(required=True)) == [
        f"{ONE}.streamed: required now; old senders may leave it out"
    ]
    assert _planted(lambda new: new[ONE]["shape"].update(tag="turn2")) == [
        f"{ONE}: tag was turn, is turn2"
    ]
    assert _planted(lambda new: new[ONE]["shape"].update(forbids_unknown=True)) == [
        f"{ONE}: refuses fields that a later release adds"
    ]
    assert _planted(lambda new: new.pop(ONE)) == [f"{ONE}: gone; old processes still send it"]


Small = Annotated[str, msgspec.Meta(max_length=5)]


class _Wide(msgspec.Struct):
    """What old processes send."""

    name: str
    amount: Annotated[int, msgspec.Meta(ge=0, le=10)]
    words: dict[str, list[str]]
    note: Annotated[str, msgspec.Meta(min_length=0, pattern="^a")] | None
    kind: Literal["a", "b"]


class _Narrow(msgspec.Struct):
    """What new ones read."""

    name: Small
    amount: Annotated[int, msgspec.Meta(gt=0, lt=10)]
    words: dict[Small, Annotated[list[Small], msgspec.Meta(max_length=2)]]
    note: Annotated[str, msgspec.Meta(min_length=1, pattern="^b")] | None
    kind: Literal["a"]


def _shapes(struct: type[msgspec.Struct]) -> dict[str, Any]:
    shapes: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode({"X": {"shape": shape(struct)}})
    )
    return shapes


def test_tightened_limits_are_found_wherever_they_are() -> None:
    found = list(differences(_shapes(_Wide), _shapes(_Narrow)))
    refused = "; old senders may send what is refused now"
    assert {each.removesuffix(refused) for each in found if each.endswith(refused)} == {
        "X.name: max_length 5 and not any",
        "X.amount: ge 1 and not 0",
        "X.amount: le 9 and not 10",
        "X.words: {key} max_length 5 and not any",
        "X.words: {} max_length 2 and not any",
        "X.words: {}[] max_length 5 and not any",
        "X.note: min_length 1 and not 0",
        "X.note: pattern ^b and not ^a",
    }
    assert "X.kind: was (a|b), is (a)" in found


def test_loosened_limits_are_for_old_readers() -> None:
    found = [each for each in differences(_shapes(_Narrow), _shapes(_Wide)) if "X.name" in each]
    assert found == [
        "X.name: max_length 5 and not any, for old readers; they refuse what may be sent now"
    ]


def test_a_planted_limit_of_a_released_field_is_found() -> None:
    def planted(limits: dict[str, Any]) -> list[str]:
        return _planted(lambda new: new[ONE]["shape"]["fields"]["seq"].update(limits=limits))

    before = RELEASED[ONE]["shape"]["fields"]["seq"].get("limits", {})
    assert planted(before) == []
    assert [each.partition(":")[0] for each in planted({"": {"ge": 1000}})] == [f"{ONE}.seq"]
