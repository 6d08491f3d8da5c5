"""Skills and numbers in plain words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from shared.library.skills import load_skill_roots, load_skills

_LISTED: Final = 3
"""Names that a sentence lists before it says how many more there are."""


class SkillWords(NamedTuple):
    """How a tenant calls its skills."""

    names: Mapping[str, str]
    """Its own names by key, where it has one."""
    hidden: frozenset[str]
    """Keys that it does not show."""

    def name(self, key: str) -> str:
        """Return what a skill or a root is called: by the tenant, by the taxonomy, or its key."""
        own = self.names.get(key)
        if own is not None:
            return own
        known = load_skills().get(key) or load_skill_roots().get(key)
        return known.name if known else key.rpartition(".")[2].replace("_", " ").capitalize()


STANDARD: Final = SkillWords({}, frozenset())
"""The taxonomy's own words."""


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them: `A`, `A and B`, `A, B, C and 2 more`."""
    shown, more = list(names[:_LISTED]), len(names) - _LISTED
    if more > 0:
        shown.append(f"{more} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def skills_counted(amount: int, keys: Iterable[str], one: str = "", many: str = "") -> str:
    """Return `1 skill`, `2 skills`, or of roots `2 families of skills`, and the verb behind it."""
    is_root = any("." not in key for key in keys)
    nouns = ("family of skills", "families of skills") if is_root else ("skill", "skills")
    return counted(amount, f"{nouns[0]}{one and f' {one}'}", f"{nouns[1]}{many and f' {many}'}")


def counted(amount: int, one: str, many: str | None = None) -> str:
    """Return `1 week`, `2 weeks`."""
    return f"{amount} {one if amount == 1 else many or one + 's'}"
