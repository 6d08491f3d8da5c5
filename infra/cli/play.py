"""`rapport play`: a person, or a file of lines, talks to a simulated customer without servers."""

import argparse
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from infra.play.screen import Screen
    from infra.play.session import Session
    from shared.contracts.scenario import ScenarioSpec

MAX_SEED = 2**31 - 1
MAX_LINE = 4000
"""Characters of one turn, as over the API."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    play = commands.add_parser("play", help="practice in the terminal; needs no server")
    play.add_argument("scenario", nargs="?", help="slug or .yaml file; none: list them")
    play.add_argument("--seed", type=int, help="same seed, same customer; drawn when absent")
    play.add_argument("--hints", action="store_true", help="at most one short hint per turn")
    play.add_argument("--script", type=Path, help="play the lines of a file (# is a comment)")
    play.add_argument("--word-budget", type=int, help="words you may use")
    play.add_argument("--json", action="store_true", help="print the whole trace as JSON")


def play(options: argparse.Namespace) -> int:
    """Play one conversation to its end and show the assessment."""
    if options.scenario is None:
        return _list()
    session = _session(options)
    said = _script(options.script) if options.script else None
    if options.json:
        return _print_trace(session, said if said is not None else _piped())
    from infra.demo.printing import Page
    from infra.play.screen import Screen

    screen = Screen(Page())
    screen.introduce(session.scenario)
    screen.customer(session.scenario, session.opening)
    screen.meter(session.state.mind)
    if said is None:
        _converse(session, screen, hints=options.hints)
    else:
        _perform(session, screen, said, hints=options.hints)
    screen.end(session, session.replay())
    return 0


def _list() -> int:
    from shared.library import load_scenarios

    for spec in load_scenarios():
        print(f"{spec.slug:44} {spec.role:12} {spec.temper:11} {spec.difficulty}  {spec.title}")
    return 0


def _session(options: argparse.Namespace) -> "Session":
    from infra.play.session import Session
    from shared.library.rubrics import load_rubrics

    scenario = _find(options.scenario)
    rubrics = {rubric.slug: rubric for rubric in load_rubrics()}
    if scenario.rubric not in rubrics:
        raise CommandError(f"no rubric `{scenario.rubric}`; built in are: {', '.join(rubrics)}")
    seed = secrets.randbelow(MAX_SEED + 1) if options.seed is None else options.seed
    if not 0 <= seed <= MAX_SEED:
        raise CommandError(f"a seed is 0 to {MAX_SEED}")
    return Session(scenario, rubrics[scenario.rubric], seed=seed, word_budget=options.word_budget)


def _find(name: str) -> "ScenarioSpec":
    import msgspec
    import yaml

    from shared.contracts.scenario import ScenarioSpec
    from shared.library import load_scenarios

    if name.endswith((".yaml", ".yml", ".json")):
        try:
            return msgspec.convert(yaml.safe_load(Path(name).read_text("utf-8")), ScenarioSpec)
        except (OSError, yaml.YAMLError, msgspec.ValidationError) as error:
            raise CommandError(f"{name}: {error}") from None
    known = {spec.slug: spec for spec in load_scenarios()}
    if name not in known:
        close = [slug for slug in known if name in slug]
        listed = ", ".join(close) or "`rapport play` lists them"
        raise CommandError(f"no scenario `{name}`; {listed}")
    return known[name]


def _script(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: {error}") from None
    return [row for row in text.splitlines() if not row.lstrip().startswith("#")]


def _piped() -> Iterator[str]:
    yield from (row.rstrip("\n") for row in sys.stdin)


def _print_trace(session: "Session", said: "list[str] | Iterator[str]") -> int:
    import msgspec

    for text in said:
        session.say(text[:MAX_LINE])
        if session.end_reason is not None:
            break
    session.close()
    encoded = msgspec.json.encode(session.replay(), order="deterministic")
    print(msgspec.json.format(encoded, indent=2).decode())
    return 0


def _perform(session: "Session", screen: "Screen", said: list[str], *, hints: bool) -> None:
    for text in said:
        screen.learner(text)
        _say(session, screen, text, hints=hints)
        if session.end_reason is not None:
            return
    session.close()


def _converse(session: "Session", screen: "Screen", *, hints: bool) -> None:
    """Read from the person until somebody ends it; end of input ends it too."""
    while session.end_reason is None:
        try:
            text = _heard(screen)
        except EOFError:
            session.close()
            return
        if text.startswith("/"):
            hints = _command(session, screen, text.strip(), hints=hints)
        else:
            _say(session, screen, text, hints=hints)


def _heard(screen: "Screen") -> str:
    """Return the person's next line; show it where it does not stand on the terminal already."""
    if sys.stdin.isatty():
        return input("   You       ")
    text = input()
    screen.learner(text)
    return text


def _say(session: "Session", screen: "Screen", text: str, *, hints: bool) -> None:
    exchange = session.say(text[:MAX_LINE])
    screen.customer(session.scenario, exchange.reply)
    screen.meter(exchange.move.state.mind)
    if hints:
        screen.hint(exchange.move)


def _command(session: "Session", screen: "Screen", text: str, *, hints: bool) -> bool:
    """Do what a line with a slash says; return whether hints are on afterwards."""
    from infra.play.screen import HELP

    def back() -> None:
        session.back(1)
        screen.note("Back to:")
        screen.customer(session.scenario, session.lines()[-1].text)
        screen.meter(session.state.mind)

    actions: dict[str, Callable[[], None]] = {
        "/why": lambda: screen.why(session.exchanges[-1] if session.exchanges else None),
        "/back": back,
        "/quit": session.close,
        "/help": lambda: screen.note(HELP),
    }
    if text == "/hint":
        screen.note(f"Hints are {'off' if hints else 'on'}.")
        if not hints and session.exchanges:
            screen.hint(session.exchanges[-1].move)
        return not hints
    actions.get(text, lambda: screen.note(f"No command {text}. {HELP}"))()
    return hints
