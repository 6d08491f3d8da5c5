"""Whole conversations for `docs/conversations.md`: played again and written between its markers.

`python -m tests.support.conversations [--write] [SLUG:PROFILE:SEED ...]`
"""

import argparse
import sys
from pathlib import Path

from msgspec import Struct

from services.sim_worker.engine.mood import mood
from services.sim_worker.engine.playing import Exchange, Trace, play_profile
from shared.contracts.scenario import ScenarioSpec
from shared.library import load_scenarios

DOCUMENT = Path(__file__).parents[2] / "docs" / "conversations.md"
"""The document that shows them."""
_BEGIN, _END = "<!-- conversations:begin -->\n", "<!-- conversations:end -->"


class Shown(Struct, frozen=True, kw_only=True):
    """A conversation that the document shows, and what to look at in it."""

    slug: str
    profile: str
    seed: int
    note: str


SHOWN: tuple[Shown, ...] = (
    Shown(
        slug="support-frustrated-cello-seat",
        profile="skilled",
        seed=3,
        note="The learner takes the fault, asks, and says back what was heard; what weighs on the customer comes out one thing at a time, and the news in the middle costs patience but not the deal.",
    ),
    Shown(
        slug="sales-angry-nine-years",
        profile="average",
        seed=5,
        note="Well meant, and not enough: stock phrases, questions that were answered before, offers before anything is known. The customer stays guarded about what it would take.",
    ),
    Shown(
        slug="support-angry-late-delivery",
        profile="rude",
        seed=1,
        note="Scorn meets scorn. The customer gives one warning and goes.",
    ),
    Shown(
        slug="fraud-suspicious-no-service",
        profile="skilled",
        seed=3,
        note="A customer who gives nothing away on the phone. The learner says what is never asked for, plans around the mailbox that is lost, too, and answers the one question that is left.",
    ),
    Shown(
        slug="collections-angry-medical-bill",
        profile="skilled",
        seed=3,
        note="The loudest call of the library. The learner takes it as possible that the bill is wrong before a word about paying, and the heat goes out of it turn by turn.",
    ),
    Shown(
        slug="collections-suspicious-moved-loan",
        profile="unskilled",
        seed=1,
        note="Rules and a reproach instead of an answer: every turn confirms what the customer suspected, and she hangs up.",
    ),
)
"""The conversations of the document, in order."""


def rendered() -> str:
    """Return all shown conversations as Markdown, played now."""
    specs = {spec.slug: spec for spec in load_scenarios()}
    return "\n".join(
        _section(number, shown, specs[shown.slug]) for number, shown in enumerate(SHOWN, 1)
    )


def parts(text: str) -> tuple[str, str, str]:
    """Return a document's text before, between and behind the markers.

    Raises:
        ValueError: a marker is missing.
    """
    before, begin, rest = text.partition(_BEGIN)
    written, end, behind = rest.partition(_END)
    if not begin or not end:
        message = "no markers for conversations"
        raise ValueError(message)
    return before + begin, written, end + behind


def dialogue(spec: ScenarioSpec, trace: Trace) -> str:
    """Return what was said as Markdown; mood and surface stand behind each of the customer's lines."""
    name = spec.persona.name
    said = [f"**{name}:** {trace.opening} *({mood(spec.opening.mind)}; opening)*"]
    for exchange in trace.exchanges:
        said += [f"**Learner:** {exchange.learner}", _answer(name, exchange)]
    return "\n\n".join(said) + "\n"


def _section(number: int, shown: Shown, spec: ScenarioSpec) -> str:
    trace = play_profile(spec, shown.profile, seed=shown.seed)
    learner = f"`{shown.slug}`, learner `{shown.profile}`, seed {shown.seed}"
    ends = f"Ends `{trace.end_reason.value}` after {trace.state.turns} turns; {_told(spec, trace)}."
    head = f"## {number}. {spec.title}\n\n{learner}. {shown.note}\n"
    return f"{head}\n{dialogue(spec, trace)}\n{ends}\n"


def _answer(name: str, exchange: Exchange) -> str:
    move = exchange.move
    return f"**{name}:** {exchange.reply} *({mood(move.state.mind)}; {move.surface.value})*"


def _told(spec: ScenarioSpec, trace: Trace) -> str:
    return f"{len(trace.state.open_facts)} of {len(spec.facts)} hidden facts came out"


def _one(argument: str) -> str:
    slug, profile, seed = argument.split(":")
    spec = next(item for item in load_scenarios() if item.slug == slug)
    return _section(1, Shown(slug=slug, profile=profile, seed=int(seed), note=""), spec)


def main() -> None:
    """Print conversations, or write the document's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="SLUG:PROFILE:SEED")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if given.write:
        before, _, behind = parts(DOCUMENT.read_text(encoding="utf-8"))
        DOCUMENT.write_text(before + rendered() + behind, encoding="utf-8")
        return
    sys.stdout.write("\n".join(map(_one, given.names)) if given.names else rendered())


if __name__ == "__main__":
    main()
