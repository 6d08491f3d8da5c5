"""Plays scenarios with scripted learners and counts how they come out.

`python -m tests.support.separation [--seeds N] [--profiles a,b] [--json] [--show PROFILE:SEED] [slug or file.yaml ...]`
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
import yaml

from services.sim_worker.engine.learners import PROFILES
from services.sim_worker.engine.playing import Trace, play_profile
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import EndReason
from shared.library import load_scenarios


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """How one conversation came out."""

    scenario: str
    profile: str
    seed: int
    end: EndReason
    frustration: int
    turns: int
    facts: int
    breaches: int

    @property
    def is_resolved(self) -> bool:
        """Say whether it came to a good end."""
        return self.end is EndReason.GOAL_MET


def play_all(
    specs: Iterable[ScenarioSpec], profiles: Sequence[str], seeds: Iterable[int]
) -> list[Played]:
    """Play every scenario with every profile and seed."""
    drawn = tuple(seeds)
    return [
        summary(play_profile(spec, name, seed=seed), name)
        for spec in specs
        for name in profiles
        for seed in drawn
    ]


def summary(trace: Trace, profile: str) -> Played:
    """Return how a conversation came out."""
    state = trace.state
    return Played(
        scenario=trace.scenario,
        profile=profile,
        seed=trace.seed,
        end=trace.end_reason,
        frustration=state.mind.frustration,
        turns=state.turns,
        facts=len(state.open_facts),
        breaches=len(state.breaches),
    )


def resolved(played: Iterable[Played], profile: str) -> float:
    """Return the share of good ends of a profile, 0 to 1."""
    return fmean(item.is_resolved for item in played if item.profile == profile)


def rows(played: Sequence[Played]) -> list[dict[str, Any]]:
    """Return one row per scenario and profile, then one per profile over all of them."""
    groups: dict[tuple[str, str], list[Played]] = {}
    for item in played:
        groups.setdefault((item.scenario, item.profile), []).append(item)
    for item in played:
        groups.setdefault(("ALL", item.profile), []).append(item)
    return [_row(slug, profile, group) for (slug, profile), group in groups.items()]


def _row(slug: str, profile: str, group: list[Played]) -> dict[str, Any]:
    return {
        "scenario": slug,
        "profile": profile,
        "conversations": len(group),
        "resolved_percent": round(100 * fmean(item.is_resolved for item in group), 1),
        "frustration": round(fmean(item.frustration for item in group), 1),
        "turns": round(fmean(item.turns for item in group), 1),
        "facts": round(fmean(item.facts for item in group), 1),
        "ends": dict(Counter(item.end.value for item in group).most_common()),
    }


def find(names: Sequence[str]) -> list[ScenarioSpec]:
    """Return the named scenarios (slugs or files), or the whole library."""
    if not names:
        return list(load_scenarios())
    return [_load(name) if name.endswith(".yaml") else _pick(name) for name in names]


def _load(name: str) -> ScenarioSpec:
    return msgspec.convert(yaml.safe_load(Path(name).read_text()), ScenarioSpec)


def _pick(slug: str) -> ScenarioSpec:
    return next(spec for spec in load_scenarios() if spec.slug == slug)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def show(spec: ScenarioSpec, profile: str, seed: int) -> None:
    """Print one conversation with mind, surface and causes."""
    trace = play_profile(spec, profile, seed=seed)
    _say(f"C: {trace.opening}")
    for exchange in trace.exchanges:
        move, mind = exchange.move, exchange.move.state.mind
        _say(f"L: {exchange.learner}")
        _say("   acts: " + ", ".join(f"{span.act}:{span.strength}" for span in move.acts))
        _say("   " + "; ".join(f"{x.dimension} {x.delta:+}: {x.why}" for x in move.causes[:6]))
        _say(
            f"   [{move.surface}] trust {mind.trust} frustration {mind.frustration} patience {mind.patience} clarity {mind.clarity} anxiety {mind.anxiety} fairness {mind.fairness}"
        )
        _say(f"C: {exchange.reply}")
    _say(f"== {trace.end_reason.value}, facts {trace.state.open_facts}")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="SCENARIO")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--profiles", default=",".join(PROFILES))
    parser.add_argument("--show", metavar="PROFILE:SEED")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    specs = find(given.names)
    if given.show:
        profile, _, seed = given.show.partition(":")
        show(specs[0], profile, int(seed or 0))
        return
    table = rows(play_all(specs, given.profiles.split(","), range(given.seeds)))
    if given.json:
        _say(json.dumps(table, indent=1))
        return
    for row in table:
        _say(
            f"{row['scenario']:44} {row['profile']:16} {row['resolved_percent']:5.1f}% frustration {row['frustration']:5.1f} turns {row['turns']:4.1f} facts {row['facts']:3.1f} {row['ends']}"
        )


if __name__ == "__main__":
    main()
