"""Requests and answers of `/v1/skills`."""

from typing import Annotated

import msgspec

from services.api.skills.service import Taxonomy, TenantSkill, Word
from shared.library.skills import Seen, load_skill_roots, taxonomy_hash, taxonomy_version

Text = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=500)]
Sign = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=200)]
Signs = Annotated[tuple[Sign, ...], msgspec.Meta(max_length=20)]
SkillName = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=80)]


class SkillPut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What you say about a skill, in place of what you said before."""

    name: SkillName | None = None
    code: SkillName | None = None
    """Your own code for it; unique within your tenant."""
    definition: Text | None = None
    good: Signs = ()
    """What shows it, in words."""
    bad: Signs = ()
    hidden: bool = False
    """Left out of assessments and reports by skill; reports by root still count it."""

    def word(self) -> Word:
        """Return what the service takes."""
        return Word(
            name=self.name,
            code=self.code,
            definition=self.definition,
            good=self.good,
            bad=self.bad,
            hidden=self.hidden,
        )


class SkillQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the taxonomy."""

    include_hidden: bool = False


class SkillView(msgspec.Struct, frozen=True, kw_only=True):
    """A skill."""

    key: str
    name: str
    code: str | None
    definition: str
    seen: tuple[Seen, ...]
    """Where it can honestly be scored: in one transcript, over many, or only outside of them."""
    good: tuple[str, ...]
    bad: tuple[str, ...]
    is_own: bool
    hidden: bool

    @classmethod
    def of(cls, skill: TenantSkill) -> "SkillView":
        """Return the public form."""
        return cls(
            key=skill.key,
            name=skill.name,
            code=skill.code,
            definition=skill.definition,
            seen=skill.seen,
            good=skill.good,
            bad=skill.bad,
            is_own=skill.is_own,
            hidden=skill.hidden,
        )


class RootView(msgspec.Struct, frozen=True, kw_only=True):
    """One of the nine roots, to which reports roll up."""

    key: str
    name: str
    definition: str
    skills: tuple[SkillView, ...]


class TaxonomyView(msgspec.Struct, frozen=True, kw_only=True):
    """The skill taxonomy as your tenant has it."""

    version: int
    """Of the standard taxonomy."""
    hash: str
    revision: int
    """How often your tenant has changed it."""
    roots: tuple[RootView, ...]

    @classmethod
    def of(cls, taxonomy: Taxonomy, *, include_hidden: bool) -> "TaxonomyView":
        """Return the public form."""
        shown = [each for each in taxonomy.skills if include_hidden or not each.hidden]
        return cls(
            version=taxonomy_version(),
            hash=taxonomy_hash(),
            revision=taxonomy.revision,
            roots=tuple(
                RootView(
                    key=key,
                    name=root.name,
                    definition=root.definition,
                    skills=tuple(
                        SkillView.of(each) for each in shown if each.key.startswith(f"{key}.")
                    ),
                )
                for key, root in load_skill_roots().items()
            ),
        )


class SkillDropped(msgspec.Struct, frozen=True, kw_only=True):
    """That the standard's words hold again, or that the own key is gone."""

    key: str
