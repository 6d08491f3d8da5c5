"""What `rapport ops top` shows: the overview of a product on one screen."""

from collections import Counter
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.api.ops.watching_schemas import (
    Busy,
    FleetLoad,
    Lag,
    Lane,
    Overview,
    Process,
    Times,
)

SLOW_S: Final[dict[str, tuple[float, float]]] = {
    "turn": (1, 5),
    "score": (300, 3600),
    "batch": (1800, 7200),
    "flow": (10, 60),
}
"""Age in seconds of the oldest job of a lane from which it is yellow, and red."""

LATE_S: Final = 60.0
"""Age in seconds from which a consumer's backlog is red."""

_WORDS: Final = {
    "turn": "turns",
    "score": "scorings",
    "batch": "autopilot",
    "flow": "workflows",
    "request": "requests",
    "scoring": "scorings",
    "webhook": "webhooks",
    "model_call": "model calls",
    "report": "reports",
}


def screen(seen: Overview, note: str = "") -> RenderableType:
    """Return the screen; `note` is a line of warning above it."""
    parts: list[RenderableType] = [_header(seen)]
    if note:
        parts.append(Text(note, style="bold red"))
    parts += [
        Text(),
        _lanes(seen.lanes),
        Text(),
        _load(seen.load, seen.at, seen.since),
        Text(),
        _busy(seen.busy, seen.busy_total),
        Text(),
        _processes(seen.processes),
        _behind(seen.lag),
        _attention(seen),
    ]
    return Group(*parts)


def age(seconds: float) -> str:
    """Return a time in at most six characters: `0.4 s`, `12 s`, `5 min`, `3.1 h`, `2.0 d`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86_400:.1f} d"


def _header(seen: Overview) -> Text:
    states = ", ".join(f"{count} {status}" for status, count in sorted(seen.tenants.items()))
    return Text.assemble(
        ("Rapport", "bold"),
        f"  {seen.at:%Y-%m-%d %H:%M:%S} UTC   tenants: {states or 'none'}   "
        f"models: ${_cents(seen.month_usd)} this month, {seen.calls_in_flight} calls in flight",
    )


def _table(title: str, *columns: str, lefts: int = 1, gap: int = 2) -> Table:
    table = Table(
        box=None, pad_edge=False, show_edge=False, header_style="dim", padding=(0, gap, 0, 0)
    )
    # Where the terminal is narrow, names are cut, never numbers.
    table.add_column(title, style="bold", overflow="ellipsis", min_width=12)
    for place, column in enumerate(columns, start=1):
        table.add_column(column, justify="left" if place < lefts else "right", no_wrap=True)
    return table


def _lanes(lanes: list[Lane]) -> Table:
    table = _table("Queues", "waiting", "in work", "dead", "tenants", "oldest")
    for each in sorted(lanes, key=lambda one: list(SLOW_S).index(one.kind)):
        table.add_row(
            _WORDS[each.kind],
            f"{each.waiting:,}",
            f"{each.in_flight:,}",
            _bad(each.dead),
            f"{each.tenants:,}",
            Text(age(each.oldest_age_s), style=_heat(each.kind, each.oldest_age_s)),
        )
    if not lanes:
        table.add_row("nothing", *([""] * 5))
    return table


def _load(load: list[FleetLoad], at: datetime, since: datetime) -> Table:
    minutes = max(int((at - since).total_seconds() // 60), 1)
    table = _table(
        f"Last {minutes} min", "per min", "refused", "failed", "p50", "p95", "p99", "tenants"
    )
    for each in load:
        table.add_row(
            _WORDS[each.kind],
            f"{each.per_minute:,.1f}",
            f"{each.refused:,}",
            _bad(each.failed),
            *_times(each.seconds),
            f"{each.tenants:,}",
        )
    if not load:
        table.add_row("nothing", *([""] * 7))
    return table


def _busy(busy: list[Busy], total: int) -> Table:
    title = "Tenants" if total <= len(busy) else f"Tenants {len(busy)}/{total}"
    table = _table(
        title, "state", "waiting", "in work", "dead", "oldest", "per min", "failed", "turn p95",
        "$ month", lefts=2, gap=1,
    )  # fmt: skip
    for each in busy:
        table.add_row(
            _short(each.slug, 24),
            Text(each.status, style="" if each.status == "active" else "yellow"),
            f"{each.waiting:,}",
            f"{each.in_flight:,}",
            _bad(each.dead),
            age(each.oldest_age_s) if each.waiting or each.in_flight else "",
            f"{each.per_minute:,.1f}",
            _bad(each.failed),
            "" if each.turn_p95_s is None else age(each.turn_p95_s),
            _cents(each.month_usd),
        )
    if not busy:
        table.add_row("all idle", *([""] * 9))
    return table


def _processes(processes: list[Process]) -> Text:
    living = Counter((each.service, each.version) for each in processes if each.is_alive)
    gone = Counter(each.service for each in processes if not each.is_alive)
    said = [f"{count} {service} {version}" for (service, version), count in sorted(living.items())]
    line = Text.assemble(("Running   ", "dim"), ", ".join(said) or "nothing says that it lives")
    if gone:
        lost = ", ".join(f"{count} {service}" for service, count in sorted(gone.items()))
        line.append(f"   vanished: {lost}", style="red")
    return line


def _behind(lag: Lag) -> Text:
    line = Text.assemble(("Behind    ", "dim"))
    late = lag.outbox_waiting > 0
    said = f"relay {lag.outbox_waiting:,} ({age(lag.outbox_oldest_age_s)})" if late else "relay 0"
    line.append(said, style="red" if lag.outbox_oldest_age_s > LATE_S else "")
    for each in lag.consumers:
        line.append(
            f", {each.consumer} {each.events:,} ({age(each.oldest_age_s)})",
            style="red" if each.oldest_age_s > LATE_S else "",
        )
    held = sum(each.messages or 0 for each in lag.streams)
    if all(each.messages is None for each in lag.streams):
        line.append(", NATS does not answer", style="red")
    else:
        line.append(f", NATS holds {held:,}")
    answers = lag.temporal.get("temporal_answers")
    if answers == 0:
        line.append(", Temporal does not answer", style="red")
    elif answers is not None:
        tasks = sum(count for name, count in lag.temporal.items() if name != "temporal_answers")
        line.append(f", Temporal {tasks:,.0f} tasks")
    return line


def _attention(seen: Overview) -> Text:
    dead = sum(each.dead for each in seen.lanes)
    found = [
        (seen.stuck, "stuck", "stuck"),
        (dead, "dead letter" if dead == 1 else "dead letters", "dead"),
        (seen.failing_endpoints, "unwell webhook endpoints", "webhooks"),
    ]
    needs = [f"{count:,} {what} (rapport ops {how})" for count, what, how in found if count]
    if not needs:
        return Text.assemble(("Needs you ", "dim"), ("nothing", "green"))
    return Text.assemble(("Needs you ", "dim"), (", ".join(needs), "bold yellow"))


def _times(seconds: Times) -> list[str]:
    return [
        "" if each is None else f"{each * 1000:.0f} ms" if each < 1 else age(each)
        for each in (seconds.p50, seconds.p95, seconds.p99)
    ]


def _bad(count: int) -> Text:
    return Text(f"{count:,}", style="bold red" if count else "dim")


def _heat(kind: str, seconds: float) -> str:
    yellow, red = SLOW_S[kind]
    return "bold red" if seconds >= red else "yellow" if seconds >= yellow else ""


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _cents(usd: str) -> str:
    return f"{float(usd):,.2f}"
