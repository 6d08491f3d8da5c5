"""`rapport ops tenants|stuck|dead|webhooks|workers|retry|replay|usage`: lists, and setting things
going again.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence

from infra.cli.errors import CommandError
from infra.cli.ops_client import OpsClient
from infra.cli.ops_screen import age
from services.api.ops.stuck_schemas import (
    DeadLetterPage,
    Replay,
    Replays,
    Retried,
    StuckView,
)
from services.api.ops.tenants_schemas import TenantPage
from services.api.ops.watching_schemas import Processes, Webhooks

PAGE = 100
"""Rows of one call."""


def tenants(client: OpsClient, options: argparse.Namespace) -> int:
    """List tenants with their state and plan."""
    rows: list[Sequence[str]] = []
    cursor: str | None = None
    while True:
        page = client.get("/tenants", TenantPage, limit=PAGE, cursor=cursor, status=options.status)
        rows += [(each.id, each.slug, each.status, each.plan) for each in page.data]
        cursor = page.next_cursor
        if cursor is None:
            break
    _print(("id", "slug", "state", "plan"), rows)
    return 0


def stuck(client: OpsClient, options: argparse.Namespace) -> int:
    """List what moves no more, and why; 1 when there is anything."""
    seen = client.get("/stuck", StuckView, tenant_id=options.tenant, limit=PAGE)
    _print(
        ("tenant", "id", "what", "since", "why"),
        [
            (each.tenant_id, each.id, each.detail, f"{each.since:%Y-%m-%d %H:%M}", each.reason)
            for each in seen.data
        ],
    )
    if seen.total > len(seen.data):
        print(f"... and {seen.total - len(seen.data)} more")
    return int(seen.total > 0)


def dead(client: OpsClient, options: argparse.Namespace) -> int:
    """List dead letters; 1 when there is any."""
    seen = client.get(
        "/dead_letters", DeadLetterPage, tenant_id=options.tenant, type=options.type, limit=PAGE
    )
    _print(
        ("tenant", "id", "type", "died", "code", "replay", "told"),
        [
            (
                each.tenant_id,
                each.id,
                each.type,
                f"{each.died_at:%Y-%m-%d %H:%M}",
                each.failure_code or "",
                "yes" if each.can_replay else "no",
                each.told,
            )
            for each in seen.data
        ],
    )
    if seen.next_cursor is not None:
        print("... and more")
    return int(bool(seen.data))


def webhooks(client: OpsClient, options: argparse.Namespace) -> int:
    """List webhook endpoints that are not well, or all of a tenant."""
    seen = client.get("/webhooks", Webhooks, tenant_id=options.tenant, limit=PAGE)
    _print(
        ("tenant", "endpoint", "state", "failures", "waiting", "oldest", "last", "p95"),
        [
            (
                each.tenant_id,
                each.endpoint_id,
                each.disabled_reason or each.status,
                str(each.failures),
                str(each.waiting),
                age(each.oldest_age_s) if each.waiting else "",
                str(each.last_status_code or each.last_result or ""),
                "" if each.latency_p95_ms is None else f"{each.latency_p95_ms} ms",
            )
            for each in seen.data
        ],
    )
    return 0


def workers(client: OpsClient, _options: argparse.Namespace) -> int:
    """List the processes that run; 1 when one vanished."""
    seen = client.get("/processes", Processes)
    _print(
        ("service", "version", "state", "since", "id"),
        [
            (
                each.service,
                each.version,
                "alive" if each.is_alive else f"vanished {each.seen_at:%H:%M:%S}",
                f"{each.started_at:%Y-%m-%d %H:%M}",
                each.id,
            )
            for each in seen.data
        ],
    )
    return int(any(not each.is_alive for each in seen.data))


def retry(client: OpsClient, options: argparse.Namespace) -> int:
    """Set one stuck thing going again."""
    done = client.post(f"/tenants/{options.tenant}/retry", Retried, {"id": options.id})
    print(f"{done.id}: {done.words}")
    return int(done.did == "nothing")


def replay(client: OpsClient, options: argparse.Namespace) -> int:
    """Replay one dead letter, or the oldest that fit; 1 when one was refused."""
    if options.id is not None:
        if options.tenant is None:
            raise CommandError("a dead letter is named by its tenant too: --tenant ten_...")
        path = f"/tenants/{options.tenant}/dead_letters/{options.id}/replay"
        done = [client.post(path, Replay)]
    else:
        body = {"tenant_id": options.tenant, "type": options.type, "limit": options.limit}
        done = client.post("/dead_letters/replay", Replays, body).data
    _print(
        ("tenant", "id", "outcome", ""),
        [(each.tenant_id, each.id, each.outcome, each.words) for each in done],
    )
    return int(any(each.outcome == "refused" for each in done))


def usage(client: OpsClient, options: argparse.Namespace) -> int:
    """Print what tenants used in a month as CSV."""
    sys.stdout.write(client.text("/usage.csv", month=options.month))
    return 0


def _print(names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns that are as wide as what is in them; nothing is ever cut off."""
    lines = [names, *rows]
    if len(lines) == 1:
        print("none")
        return
    widths = [max(len(line[place]) for line in lines) for place in range(len(names))]
    for line in lines:
        padded = [text.ljust(width) for text, width in zip(line, widths, strict=True)]
        print("  ".join(padded).rstrip())
