"""`expand`: what an answer names by id, shown with it, up to two steps away.

[R-A9] One statement per kind of thing, however many rows: ids are gathered first, then read
together. What the caller may not see is null, exactly like what is not there.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from services.api.assessments.listing import ItemRepository
from services.api.assessments.listing_schemas import AssessmentItem
from services.api.assessments.schemas import AssessmentView
from services.api.context import ProcessContext
from services.api.learners.repository import LearnerRepository
from services.api.learners.schemas import LearnerView
from services.api.principal import Principal
from services.api.scenarios.repository import ScenarioRepository
from services.api.scenarios.schemas import ScenarioView
from services.api.scorings.repository import ScoringRepository
from services.api.scorings.schemas import ScoringView
from services.api.simulations.repository import SimulationRepository
from services.api.simulations.schemas import SimulationView
from services.api.skills.service import SkillService
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.tx import tenant_tx
from shared.ids import parse_id

Kind = Literal["simulation", "scoring", "assessment", "learner", "scenario"]
Tree = dict[str, "Tree"]
View = Any
"""A public form that names others by their ids."""

SCOPES: Final[Mapping[Kind, str]] = {
    "simulation": "simulations:read",
    "scoring": "scorings:read",
    "assessment": "scorings:read",
    "learner": "learners:read",
    "scenario": "scenarios:read",
}

_PREFIXES: Final[Mapping[Kind, str]] = {
    "simulation": "sim",
    "scoring": "scr",
    "assessment": "asm",
    "learner": "lrn",
    "scenario": "scn",
}

_LINKS: Final[Mapping[str, Mapping[str, tuple[Kind, Callable[[View], str | None]]]]] = {
    "simulation": {
        "learner": ("learner", lambda view: view.learner_id),
        "scenario": ("scenario", lambda view: view.scenario.id),
        "scoring": ("scoring", lambda view: view.scoring_id),
    },
    "scoring": {
        "learner": ("learner", lambda view: view.learner_id),
        "simulation": ("simulation", lambda view: view.simulation_id),
        "assessment": ("assessment", lambda view: view.assessment_id),
    },
    "assessment": {
        "learner": ("learner", lambda view: view.learner_id),
        "scoring": ("scoring", lambda view: view.scoring_id),
    },
}


class SimulationExpansion(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for with `expand`; null: there is none, or this key may not see it."""

    learner: LearnerView | msgspec.UnsetType | None = msgspec.UNSET
    scenario: ScenarioView | msgspec.UnsetType | None = msgspec.UNSET
    """In its newest version."""
    scoring: "ScoringFull | msgspec.UnsetType | None" = msgspec.UNSET


class ScoringExpansion(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for with `expand`; null: there is none, or this key may not see it."""

    learner: LearnerView | msgspec.UnsetType | None = msgspec.UNSET
    simulation: "SimulationFull | msgspec.UnsetType | None" = msgspec.UNSET
    assessment: "AssessmentItemFull | msgspec.UnsetType | None" = msgspec.UNSET


class AssessmentExpansion(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for with `expand`; null: there is none, or this key may not see it."""

    learner: LearnerView | msgspec.UnsetType | None = msgspec.UNSET
    scoring: "ScoringFull | msgspec.UnsetType | None" = msgspec.UNSET


class SimulationFull(SimulationView, frozen=True, kw_only=True):
    """A practice conversation, with what was asked for beside it."""

    expanded: SimulationExpansion | msgspec.UnsetType = msgspec.UNSET


class ScoringFull(ScoringView, frozen=True, kw_only=True):
    """A request to score a conversation, with what was asked for beside it."""

    expanded: ScoringExpansion | msgspec.UnsetType = msgspec.UNSET


class AssessmentItemFull(AssessmentItem, frozen=True, kw_only=True):
    """An assessment without its words, with what was asked for beside it."""

    expanded: AssessmentExpansion | msgspec.UnsetType = msgspec.UNSET


class AssessmentFull(AssessmentView, frozen=True, kw_only=True):
    """One revision of what is said about a conversation, with what was asked for beside it."""

    expanded: AssessmentExpansion | msgspec.UnsetType = msgspec.UNSET


_EXPANSIONS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "simulation": SimulationExpansion,
    "scoring": ScoringExpansion,
    "assessment": AssessmentExpansion,
}

_FULL: Final[Mapping[type, type[msgspec.Struct]]] = {
    SimulationView: SimulationFull,
    ScoringView: ScoringFull,
    AssessmentItem: AssessmentItemFull,
    AssessmentView: AssessmentFull,
}


class Expander:
    """Reads what views name, for who asks."""

    def __init__(self, context: ProcessContext, skills: SkillService) -> None:
        self._context = context
        self._skills = skills

    async def expand(
        self, principal: Principal, kind: Kind, views: Sequence[View], expand: str | None
    ) -> list[View]:
        """Return views of one kind with what `expand` asks for; the paths are checked already.

        Raises:
            ScopeMissingError: the key may not read something of that kind.
        """
        if expand is None:
            return list(views)
        tree = _tree(expand.split(","))
        for scope in sorted(_scopes(kind, tree)):
            principal.require(scope)
        hidden: frozenset[str] = frozenset()
        if _reaches("assessment", kind, tree):
            hidden = await self._skills.hidden(principal)
        context = self._context
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            reader = _Reader(connection, principal, tenant, context, hidden)
            return await _expanded(reader, kind, views, tree)


class _Reader:
    """Reads things by their public ids, each at most once."""

    def __init__(
        self,
        connection: Connection,
        principal: Principal,
        tenant: TenantKey,
        context: ProcessContext,
        hidden: frozenset[str],
    ) -> None:
        bounds = principal.bounds(context.clock.now())
        self._learners = LearnerRepository(connection, bounds, tenant)
        self._scenarios = ScenarioRepository(connection, tenant)
        self._scorings = ScoringRepository(connection, bounds, tenant)
        self._simulations = SimulationRepository(connection, bounds, tenant)
        self._assessments = ItemRepository(connection, bounds)
        self._hidden = hidden
        self._known: dict[Kind, dict[str, View | None]] = {kind: {} for kind in SCOPES}

    async def read(self, kind: Kind, ids: Iterable[str]) -> dict[str, View | None]:
        """Return the public forms of all that the caller may see; None for the others."""
        known = self._known[kind]
        missing = sorted(set(ids) - known.keys())
        if missing:
            known.update(dict.fromkeys(missing))
            found = await self._read(kind, [parse_id(_PREFIXES[kind], each) for each in missing])
            known.update({view.id: view for view in found})
        return known

    async def _read(self, kind: Kind, ids: Sequence[UUID]) -> list[View]:
        match kind:
            case "learner":
                return await _shown(self._learners.get_many(ids), LearnerView.of)
            case "scenario":
                return await _shown(self._scenarios.get_many(ids), ScenarioView.of)
            case "scoring":
                return await _shown(self._scorings.get_many(ids), ScoringView.of)
            case "simulation":
                return await _shown(self._simulations.get_many(ids), SimulationView.of)
            case "assessment":
                found = await self._assessments.get_many(ids)
                return [AssessmentItem.of(each, self._hidden) for each in found]


async def _shown(rows: Awaitable[Sequence[Any]], view: Callable[[Any], View]) -> list[View]:
    return [view(row) for row in await rows]


async def _expanded(reader: _Reader, kind: str, views: Sequence[View], tree: Tree) -> list[View]:
    parts: dict[str, dict[str, View | None]] = {}
    for name, below in tree.items():
        target, link = _LINKS[kind][name]
        ids = {each for each in map(link, views) if each is not None}
        known = await reader.read(target, ids)
        parts[name] = {each: known[each] for each in ids}
        if below:
            found = [view for view in parts[name].values() if view is not None]
            deeper = await _expanded(reader, target, found, below)
            parts[name].update({view.id: view for view in deeper})
    return [_with(kind, view, parts) for view in views]


def _with(kind: str, view: View, parts: Mapping[str, Mapping[str, View | None]]) -> View:
    values = {}
    for name, found in parts.items():
        one = _LINKS[kind][name][1](view)
        values[name] = None if one is None else _full(found[one])
    expansion = _EXPANSIONS[kind](**values)
    return _FULL[type(view)](**msgspec.structs.asdict(view), expanded=expansion)


def _full(view: View | None) -> View | None:
    """Return a view in the type that may hold more, so that the schema tells the truth."""
    wider = _FULL.get(type(view))
    return view if view is None or wider is None else wider(**msgspec.structs.asdict(view))


def _tree(paths: Iterable[str]) -> Tree:
    tree: Tree = {}
    for path in paths:
        place = tree
        for name in path.split("."):
            place = place.setdefault(name, {})
    return tree


def _scopes(kind: str, tree: Tree) -> Iterator[str]:
    for name, below in tree.items():
        target = _LINKS[kind][name][0]
        yield SCOPES[target]
        yield from _scopes(target, below)


def _reaches(wanted: Kind, kind: str, tree: Tree) -> bool:
    targets = ((_LINKS[kind][name][0], below) for name, below in tree.items())
    return any(each == wanted or _reaches(wanted, each, below) for each, below in targets)
