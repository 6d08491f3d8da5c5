"""`rapport llm set` and `rapport llm show`: the language model of one tenant."""

import argparse
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import UUID

from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from infra.tenant_llm import ModelChange, ModelRegistry
    from infra.tenants import Registry
    from shared.llm.stored import StoredSettings

MAX_IN_FLIGHT = 10_000
"""Calls at once that the database takes."""


def add_parser(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the commands below `rapport llm`."""
    change = actions.add_parser("set", help="set a tenant's model; what is not named stays")
    change.add_argument("tenant", help="slug")
    change.add_argument("--base-url", help="of an OpenAI-compatible endpoint of the tenant's own")
    change.add_argument(
        "--api-key-env", metavar="NAME", help="variable with its key; an empty one means none"
    )
    change.add_argument("--api-version", help="Azure OpenAI: version of its dated API")
    change.add_argument("--model", help="for every task; an empty one: the installation's")
    change.add_argument("--judging", choices=("embedded", "cascade", "model"))
    change.add_argument("--monthly-usd", help="budget of a month; an empty one: no bound")
    change.add_argument("--max-in-flight", type=int, help="calls at once")
    change.add_argument(
        "--redact",
        action=argparse.BooleanOptionalAction,
        help="replace personal data before anything is sent",
    )
    change.add_argument("--remove", action="store_true", help="forget everything, key included")
    show = actions.add_parser("show", help="what a tenant has set; never its secrets")
    show.add_argument("tenant", help="slug")


def llm_set(options: argparse.Namespace) -> int:
    """Change what a tenant has set; print it.

    Raises:
        CommandError: a value cannot be used.
    """
    change = _change(options)

    async def work(models: "ModelRegistry", tenant_id: UUID) -> None:
        if options.remove:
            await models.remove(tenant_id)
            print("removed; it counts within 5 seconds")
            return
        stored = await models.change(tenant_id, change)
        _print(stored)
        warn(stored)

    return _with_models(options, work)


def llm_show(options: argparse.Namespace) -> int:
    """Print what a tenant has set."""

    async def work(models: "ModelRegistry", tenant_id: UUID) -> None:
        _print(await models.get(tenant_id))

    return _with_models(options, work)


def _change(options: argparse.Namespace) -> "ModelChange":
    from infra.tenant_llm import ModelChange
    from shared.contracts.llm import Judging

    if options.max_in_flight is not None and not 1 <= options.max_in_flight <= MAX_IN_FLIGHT:
        raise CommandError(f"--max-in-flight is 1..{MAX_IN_FLIGHT}")
    return ModelChange(
        base_url=options.base_url,
        api_key=_key(options.api_key_env),
        api_version=options.api_version,
        model=options.model,
        judging=None if options.judging is None else Judging(options.judging),
        monthly_usd=options.monthly_usd,
        max_in_flight=options.max_in_flight,
        is_redacted=options.redact,
    )


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    if variable not in os.environ:
        raise CommandError(f"{variable} is not set")
    return os.environ[variable]


def _with_models(
    options: argparse.Namespace, work: "Callable[[ModelRegistry, UUID], Awaitable[None]]"
) -> int:
    from infra.cli.commands import database_settings, with_registry
    from infra.tenant_llm import ModelRegistry
    from shared.db.keys import key_ring

    settings = database_settings(options)

    async def inside(registry: "Registry") -> None:
        tenant_id = await registry.find_tenant(options.tenant)
        await work(ModelRegistry(registry.database, key_ring(settings)), tenant_id)

    return with_registry(options, inside)


def warn(stored: "StoredSettings") -> None:
    """Say when an endpoint that may be set is one that production never calls."""
    from shared.llm.egress import PUBLIC, check_base_url
    from shared.llm.failures import BaseUrlRefusedError

    endpoint = stored.settings.endpoint
    try:
        if endpoint is not None:
            check_base_url(PUBLIC, endpoint.base_url)
    except BaseUrlRefusedError as error:
        print(
            f"rapport: only with RAPPORT_LLM_ALLOW_PRIVATE=true is this called: {error}",
            file=sys.stderr,
        )


def _print(stored: "StoredSettings") -> None:
    from shared.llm.money import dollars

    settings, policy = stored.settings, stored.settings.policy
    endpoint, bound = settings.endpoint, settings.monthly_microusd
    rows = (
        ("endpoint", "the installation's" if endpoint is None else endpoint.base_url),
        ("key", "set" if endpoint is not None and endpoint.key.reveal else "none"),
        ("model", policy.default_model or "the installation's"),
        ("judging", policy.judging.value),
        ("redaction", "on" if policy.is_redacted else "off"),
        ("monthly budget", "no bound" if bound is None else f"{dollars(bound)} USD"),
        ("calls at once", str(settings.max_in_flight)),
        ("revision", str(stored.revision)),
    )
    for name, value in rows:
        print(f"{name:16} {value}")
