"""`rapport tenants plan|limit|pause|resume|drain|suspend|show`: what a tenant may use."""

import argparse
from typing import TYPE_CHECKING, Any

from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from uuid import UUID

    from infra.tenant_limits import LimitRegistry
    from infra.tenants import Registry

STATES = {"pause": "paused", "resume": "active", "drain": "draining", "suspend": "suspended"}
"""State by command."""

_HELP = {
    "pause": "take nothing new and let what is queued wait; what is in hand goes on",
    "resume": "take new work again",
    "drain": "take nothing new and work off what is queued",
    "suspend": "refuse every call",
}


def add_parsers(tenants: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands below `rapport tenants`."""
    plan = tenants.add_parser("plan", help="give a tenant a plan")
    plan.add_argument("slug")
    plan.add_argument("plan", help="see shared/tenancy/plans.yaml")
    limit = tenants.add_parser("limit", help="let a limit differ from the plan")
    limit.add_argument("slug")
    limit.add_argument("name", help="for example requests_per_minute")
    limit.add_argument("value", nargs="?", help="a whole number, or `none` for no bound")
    limit.add_argument("--reason", default="command line", help="a ticket; nobody's name")
    limit.add_argument("--clear", action="store_true", help="let the plan decide again")
    for action, words in _HELP.items():
        tenants.add_parser(action, help=words).add_argument("slug")
    tenants.add_parser("show", help="plan, state and limits of a tenant").add_argument("slug")


def change(options: argparse.Namespace) -> int:
    """Run the command."""
    from infra.cli.commands import database_settings, with_registry

    value = _value(options) if options.action == "limit" else None
    settings = database_settings(options)

    async def work(registry: "Registry") -> None:
        from infra.tenant_limits import LimitRegistry
        from shared.tenancy.limits import Defaults

        tenant_id = await registry.find_tenant(options.slug)
        limits = LimitRegistry(registry.database, Defaults.of(settings))
        await _do(options, limits, tenant_id, value)

    return with_registry(options, work)


async def _do(
    options: argparse.Namespace, limits: "LimitRegistry", tenant_id: "UUID", value: int | None
) -> None:
    match options.action:
        case "show":
            for name, shown in await limits.show(tenant_id):
                print(f"{name:22} {shown}")
            return
        case "plan":
            await limits.set_plan(tenant_id, options.plan)
        case "limit" if options.clear:
            await limits.clear_limit(tenant_id, options.name)
        case "limit":
            await limits.set_limit(tenant_id, options.name, value, options.reason)
        case action:
            await limits.set_status(tenant_id, STATES[action])
    print("done; every process sees it within 5 seconds")


def _value(options: argparse.Namespace) -> int | None:
    text: Any = options.value
    if options.clear or text == "none":
        return None
    if text is None or not text.isdecimal():
        raise CommandError("give a whole number, or `none`, or --clear")
    return int(text)
