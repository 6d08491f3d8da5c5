"""Plays scenarios with scripted learners and counts how they come out.

`python -m tests.support.separation [--seeds N] [--profiles a,b] [--show PROFILE:SEED] [slug or file.yaml ...]`
"""

import argparse
from collections import Counter
from pathlib import Path
from statistics import fmean

import msgspec
import yaml

from services.sim_worker.engine.learners import PROFILES
from services.sim_worker.engine.playing import Trace, play_profile
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import EndReason
from shared.library import load_scenarios


def resolved(trace: Trace) -> bool:
    """Say whether a conversation came to a good end."""
    return trace.end_reason is EndReason.GOAL_MET


def find(names: list[str]) -> list[ScenarioSpec]:
    """Return the named scenarios (slugs or files), or the whole library."""
    library = {spec.slug: spec for spec in load_scenarios()}
    if not names:
        return list(library.values())
    return [
        msgspec.convert(yaml.safe_load(Path(name).read_text()), ScenarioSpec)
        if name.endswith(".yaml")
        else library[name]
        for name in names
    ]


def table(specs: list[ScenarioSpec], profiles: list[str], seeds: int) -> None:
    """Print share resolved, mean final frustration and how it ended, per profile and scenario."""
    totals: dict[str, list[bool]] = {name: [] for name in profiles}
    for spec in specs:
        for name in profiles:
            traces = [play_profile(spec, name, seed=seed) for seed in range(seeds)]
            good = [resolved(trace) for trace in traces]
            totals[name] += good
            ends = Counter(trace.end_reason.value for trace in traces)
            calm = fmean(trace.state.mind.frustration for trace in traces)
            turns = fmean(trace.state.turns for trace in traces)
            print(
                f"{spec.slug:44} {name:16} {100 * sum(good) // seeds:4}% frustration {calm:5.1f} turns {turns:4.1f} {dict(ends)}"
            )
    for name, good in totals.items():
        print(f"ALL {name:16} {100 * sum(good) / len(good):5.1f}%")


def show(spec: ScenarioSpec, profile: str, seed: int) -> None:
    """Print one conversation with mind, surface and causes."""
    trace = play_profile(spec, profile, seed=seed)
    print(f"C: {trace.opening}")
    for exchange in trace.exchanges:
        move, mind = exchange.move, exchange.move.state.mind
        print(f"L: {exchange.learner}")
        print("   acts: " + ", ".join(f"{span.act}:{span.strength}" for span in move.acts))
        print("   " + "; ".join(f"{x.dimension} {x.delta:+}: {x.why}" for x in move.causes[:6]))
        print(
            f"   [{move.surface}] trust {mind.trust} frustration {mind.frustration} patience {mind.patience} clarity {mind.clarity} anxiety {mind.anxiety} fairness {mind.fairness}"
        )
        print(f"C: {exchange.reply}")
    print(f"== {trace.end_reason.value}, facts {trace.state.open_facts}")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--profiles", default=",".join(PROFILES))
    parser.add_argument("--show")
    given = parser.parse_args()
    specs = find(given.names)
    if given.show:
        profile, _, seed = given.show.partition(":")
        show(specs[0], profile, int(seed or 0))
    else:
        table(specs, given.profiles.split(","), given.seeds)


if __name__ == "__main__":
    main()
