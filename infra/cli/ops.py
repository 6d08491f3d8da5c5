"""`rapport ops`: the operators' API on the command line, and `top`, a live view of it."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from infra.cli.ops_client import OpsClient
    from services.api.ops.watching_schemas import Overview

WIDTH = 120
"""Characters of a line where no terminal says how wide it is."""

SORTS = ("oldest_age", "waiting", "in_flight", "dead", "done", "failed", "turn_p95", "cost")
"""What the first tenant has most of."""

Action = Callable[["OpsClient", argparse.Namespace], int]


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser("ops", help="every tenant's load, what is stuck, dead letters")
    parser.add_argument("--url", help="of the API (default: of the product that runs here)")
    parser.add_argument("--key-file", type=Path, help="an operator's key; or RAPPORT_OPS_KEY")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    top = actions.add_parser("top", help="a live view; Ctrl-C ends it")
    top.add_argument("--once", action="store_true", help="print it once, as plain text")
    top.add_argument("--json", action="store_true", help="print it once, as JSON")
    top.add_argument("--interval", type=_seconds, default=3.0, metavar="S", help="default 3")
    top.add_argument("--minutes", type=int, default=5, help="minutes of load (default 5)")
    top.add_argument("--sort", choices=SORTS, default="oldest_age", help="which tenants first")
    top.add_argument("--limit", type=int, default=15, help="tenants shown (default 15)")
    tenants = actions.add_parser("tenants", help="list tenants")
    tenants.add_argument("--status", choices=("active", "paused", "draining", "suspended"))
    _of_tenant(actions.add_parser("stuck", help="what moves no more, and why"))
    dead = _of_tenant(actions.add_parser("dead", help="jobs that failed for good"))
    dead.add_argument("--type", help="of the job, for example score")
    _of_tenant(actions.add_parser("webhooks", help="webhook endpoints that are not well"))
    actions.add_parser("workers", help="processes, and versions")
    retry = actions.add_parser("retry", help="set a stuck thing going again")
    retry.add_argument("tenant", help="ten_...")
    retry.add_argument("id", help="job_..., scr_..., sim_... or op_...")
    replay = _of_tenant(actions.add_parser("replay", help="make dead letters due again"))
    replay.add_argument("id", nargs="?", help="job_... (with --tenant); default: the oldest")
    replay.add_argument("--type", help="of the job")
    replay.add_argument("--limit", type=int, default=20, help="at most (default 20)")
    usage = actions.add_parser("usage", help="what tenants used in a month, as CSV")
    usage.add_argument("--month", help="YYYY-MM (default: the last one)")


def ops(options: argparse.Namespace) -> int:
    """Run the action; return the exit code.

    Raises:
        CommandError: the product does not answer, or refuses.
    """
    from infra.cli import ops_lists
    from infra.cli.ops_client import OpsClient

    actions: dict[str, Action] = {
        "top": top,
        "tenants": ops_lists.tenants,
        "stuck": ops_lists.stuck,
        "dead": ops_lists.dead,
        "webhooks": ops_lists.webhooks,
        "workers": ops_lists.workers,
        "retry": ops_lists.retry,
        "replay": ops_lists.replay,
        "usage": ops_lists.usage,
    }
    client = OpsClient.find(options.data_dir, options.url, options.key_file)
    try:
        return actions[options.action](client, options)
    finally:
        client.close()


def top(client: "OpsClient", options: argparse.Namespace) -> int:
    """Show the overview until Ctrl-C, or once."""
    from rich.console import Console

    from infra.cli.ops_screen import screen

    if options.json:
        print(_text(client, options))
        return 0
    if options.once or not sys.stdout.isatty():
        Console(width=WIDTH, no_color=True, highlight=False).print(screen(_seen(client, options)))
        return 0
    _live(Console(), client, options)
    return 0


def _live(console: "Console", client: "OpsClient", options: argparse.Namespace) -> None:
    """Refresh until Ctrl-C; a product that does not answer is waited for."""
    from rich.live import Live

    from infra.cli.ops_client import AwayError
    from infra.cli.ops_screen import screen

    seen = _seen(client, options)
    with Live(screen(seen), console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(options.interval)
                note = ""
                try:
                    seen = _seen(client, options)
                except AwayError as error:
                    note = f"{error}; this is from {seen.at:%H:%M:%S}"
                live.update(screen(seen, note), refresh=True)
        except KeyboardInterrupt:
            return


def _seen(client: "OpsClient", options: argparse.Namespace) -> "Overview":
    from services.api.ops.watching_schemas import Overview

    return client.get("/overview", Overview, **_asked(options))


def _text(client: "OpsClient", options: argparse.Namespace) -> str:
    return client.text("/overview", **_asked(options))


def _asked(options: argparse.Namespace) -> dict[str, str | int]:
    return {"minutes": options.minutes, "sort": options.sort, "limit": options.limit}


def _of_tenant(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--tenant", metavar="ten_...", help="only of this one")
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.5 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("0.5 to 3600 seconds")
    return seconds
