"""The exact rights of every NATS user as text: docs/operations.md shows it, tests read it back."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from infra.devstack.nats_users import USERS, NatsUser, publish_subjects, subscribe_subjects

BEGIN: Final = "<!-- nats-rights:begin -->"
"""Where the text begins in the document."""

END: Final = "<!-- nats-rights:end -->"

ANSWERS: Final = "one reply per request, within a minute"
"""What a user may publish besides, where it answers questions."""


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """What one user may do, as subjects with wildcards."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    answers: bool


def rendered(users: Iterable[NatsUser] = USERS) -> str:
    """Return the rights of all users but the one of provisioning, ready for the document."""
    blocks = [_block(user) for user in users if not user.is_admin]
    return f"{BEGIN}\n```text\n" + "\n".join(blocks) + f"```\n{END}"


def read(document: str) -> dict[str, Rights]:
    """Return the rights by user that a document shows.

    Raises:
        ValueError: it shows none, or a line is not one of ours.
    """
    body = document[document.index(BEGIN) : document.index(END)]
    found: dict[str, dict[str, list[str]]] = {}
    name = ""
    for line in body.splitlines()[2:-1]:
        if line and not line.startswith(" "):
            name = line.strip()
            found[name] = {"publish": [], "subscribe": [], "answers": []}
        elif line:
            verb, _, subject = line.strip().partition(" ")
            if verb not in found[name]:
                raise ValueError(f"no such right: {line}")
            found[name][verb].append(subject.strip())
    return {
        name: Rights(
            publish=tuple(each["publish"]),
            subscribe=tuple(each["subscribe"]),
            answers=bool(each["answers"]),
        )
        for name, each in found.items()
    }


def _block(user: NatsUser) -> str:
    return f"{user.name}\n" + "".join(f"  {line}\n" for line in _lines(user))


def _lines(user: NatsUser) -> Iterator[str]:
    yield from (f"publish   {subject}" for subject in publish_subjects(user))
    yield from (f"subscribe {subject}" for subject in subscribe_subjects(user))
    if user.answers:
        yield f"answers   {ANSWERS}"


if __name__ == "__main__":
    print(rendered())
