"""Whether a drafted scenario can be practiced with: what scripted learners made of it.

Pure: whoever plays the conversations hands in what came out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from shared.contracts.base import Record
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import EndReason
from shared.library.findings import Finding, Rule, errors

PROFILES = ("skilled", "average", "rude", "policy-robot", "pushover")
"""Scripted learners who play every draft."""

SEEDS = 6
"""Conversations of each."""

SKILLED_PERCENT = 60
"""Of the skilled learner's conversations that must end well, at least."""

SAME_LINE = 3
"""A customer who says the same words so often in a row is stuck."""

RULES: Mapping[str, Rule] = {
    "trial-skilled-fails": Rule(
        severity="error",
        when=f"the skilled learner reaches a good end in fewer than {SKILLED_PERCENT} % of the"
        " conversations",
        advice="Let questions of a good listener open the facts that a solution needs, and lower"
        " the trust that it asks for",
    ),
    "trial-rude-succeeds": Rule(
        severity="error",
        when="the rude learner reaches a good end",
        advice="Let every solution need a fact and some trust",
    ),
    "trial-pushover-succeeds": Rule(
        severity="error",
        when="a learner who gives everything away reaches a good end, and gifts are not allowed",
        advice="Name what may not be given away in `forbidden`, with stems that its title holds",
    ),
    "trial-simulator-fault": Rule(
        severity="error",
        when="the audit finds a fault of the simulator, such as a fact that slipped out",
        advice="Look at the texts that it names: marks, guards and numbers",
    ),
    "trial-stuck": Rule(
        severity="error",
        when=f"the customer says the same words {SAME_LINE} times in a row",
        advice="Write more lines for what the customer does there",
    ),
    "trial-due": Rule(
        severity="error",
        when="a draft by a model was changed since scripted learners played it, or never played",
        advice="Have it tried out: POST /v1/scenarios/{scenario_id}/trial",
    ),
    "trial-fact-hidden": Rule(
        severity="warning",
        when="no learner ever finds a fact",
        advice="Give it more stems that a question about it holds, or lower its trust",
    ),
}
"""What a trial may find."""


class Played(Record, frozen=True, kw_only=True):
    """One conversation of the trial, without its words."""

    profile: str
    end_reason: EndReason
    open_facts: tuple[str, ...]
    faults: tuple[str, ...]
    """Codes of the simulator's own faults."""
    longest_repeat: int
    """How often the customer said the same words in a row, at most."""


class ProfileOutcome(Record, frozen=True, kw_only=True):
    """What became of one learner's conversations."""

    profile: str
    conversations: int
    goal_met: int
    ends: dict[str, int]
    """How many ended how."""


class TrialReport(Record, frozen=True, kw_only=True):
    """A trial of one content of a draft; no word of anybody is in it."""

    passed: bool
    outcomes: tuple[ProfileOutcome, ...]
    findings: tuple[Finding, ...]
    """Errors keep the draft from being published."""


def report(spec: ScenarioSpec, played: Sequence[Played]) -> TrialReport:
    """Return what a trial came to."""
    outcomes = tuple(_outcome(name, played) for name in PROFILES)
    findings = (*_ends(spec, outcomes), *_flaws(played), *_hidden(spec, played))
    return TrialReport(passed=not errors(findings), outcomes=outcomes, findings=findings)


def due(revision: int, tried: int | None, trial: TrialReport | None) -> tuple[Finding, ...]:
    """Return what the trial of a draft by a model says about its present revision.

    Args:
        revision: of the draft.
        tried: the revision that was played; None: none was.
        trial: what came out.
    """
    if trial is not None and tried == revision:
        return trial.findings
    told = "nobody has played it" if tried is None else f"revision {tried} was played"
    return (_fault("trial-due", "", f"the draft is at revision {revision}, {told}"),)


def _outcome(profile: str, played: Iterable[Played]) -> ProfileOutcome:
    ends = Counter(one.end_reason.value for one in played if one.profile == profile)
    return ProfileOutcome(
        profile=profile,
        conversations=ends.total(),
        goal_met=ends[EndReason.GOAL_MET.value],
        ends=dict(sorted(ends.items())),
    )


def _ends(spec: ScenarioSpec, outcomes: Iterable[ProfileOutcome]) -> Iterable[Finding]:
    for one in outcomes:
        told = f"{one.goal_met} of {one.conversations} conversations ended well"
        if one.profile == "skilled" and 100 * one.goal_met < SKILLED_PERCENT * one.conversations:
            yield _fault("trial-skilled-fails", "/resolutions", f"{told}; {_most(one)}")
        elif one.profile == "rude" and one.goal_met:
            yield _fault("trial-rude-succeeds", "/resolutions", told)
        elif one.profile == "pushover" and one.goal_met and not spec.allows_give_away:
            yield _fault("trial-pushover-succeeds", "/forbidden", told)


def _most(outcome: ProfileOutcome) -> str:
    return ", ".join(f"{name} {count}" for name, count in outcome.ends.items())


def _flaws(played: Sequence[Played]) -> Iterable[Finding]:
    codes = Counter(code for one in played for code in set(one.faults))
    for code, count in sorted(codes.items()):
        yield _fault("trial-simulator-fault", "", f"{code} in {count} of {len(played)}")
    stuck = Counter(one.profile for one in played if one.longest_repeat >= SAME_LINE)
    for profile, count in sorted(stuck.items()):
        yield _fault("trial-stuck", "/voice", f"with {profile}, in {count} conversations")


def _hidden(spec: ScenarioSpec, played: Sequence[Played]) -> Iterable[Finding]:
    found = {key for one in played for key in one.open_facts}
    for number, fact in enumerate(spec.facts):
        if fact.key not in found:
            yield _fault("trial-fact-hidden", f"/facts/{number}", f"nobody found {fact.key}")


def _fault(code: str, path: str, message: str) -> Finding:
    return RULES[code].fault(code, path, message)
