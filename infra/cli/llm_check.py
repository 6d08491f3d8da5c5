"""`rapport llm check`: what an endpoint can do, in words."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from infra.tenants import Registry
    from shared.config import Settings
    from shared.llm.check import Findings
    from shared.llm.records import TenantModel

KEY_VARIABLE = "RAPPORT_LLM_API_KEY"


def add_parser(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command below `rapport llm`."""
    check = actions.add_parser("check", help="what an endpoint can do; asks it a few questions")
    check.add_argument("--base-url", help="default: RAPPORT_LLM_BASE_URL")
    check.add_argument("--model", help="default: RAPPORT_LLM_MODEL, or the tenant's")
    check.add_argument(
        "--api-key-env",
        default=KEY_VARIABLE,
        metavar="NAME",
        help=f"variable with the key; default {KEY_VARIABLE}",
    )
    check.add_argument("--api-version", help="Azure OpenAI: version of its dated API")
    check.add_argument("--tenant", metavar="SLUG", help="what this tenant has set")
    check.add_argument("--json", action="store_true", help="findings as JSON")


def llm_check(options: argparse.Namespace) -> int:
    """Ask an endpoint what it can; return 0 when it can be used.

    Raises:
        CommandError: there is no endpoint, or a setting is wrong.
    """
    import asyncio

    from shared.config import ConfigError

    try:
        tenant = _tenants(options) if options.tenant else _installation(_settings(options))
    except ConfigError as error:
        raise CommandError(str(error)) from None
    model = options.model or tenant.policy.default_model or tenant.fallback_model
    if not model:
        raise CommandError("which model? give --model, or set RAPPORT_LLM_MODEL")
    found = asyncio.run(_check(tenant, model, _settings(options)))
    _print(found, is_json=options.json)
    return 0 if found.failure is None else 1


async def _check(tenant: "TenantModel", model: str, settings: "Settings") -> "Findings":
    import asyncio

    from shared.clock import SystemClock
    from shared.llm.check import Check
    from shared.llm.client import Lines
    from shared.llm.failures import BaseUrlRefusedError

    clock, now = SystemClock(), asyncio.get_running_loop().time
    lines = Lines(
        clock=clock, now=now, random=lambda: 0.0, allow_private=settings.llm_allow_private
    )
    try:
        line = lines.find(tenant.endpoint, is_own=tenant.is_own)
        return await Check(line, tenant, model, clock.now()).run()
    except BaseUrlRefusedError as error:
        raise CommandError(f"the base URL may not be called: {error}") from None
    finally:
        await lines.close()


def _settings(options: argparse.Namespace) -> "Settings":
    """Read what the environment says of the installation's endpoint; options come first."""
    from shared.config import load

    unused = ("RAPPORT_DATABASE_URL", "RAPPORT_NATS_URL", "RAPPORT_MASTER_KEY")
    environment = {**dict.fromkeys(unused, "unused"), **os.environ}
    given = {
        "RAPPORT_LLM_BASE_URL": options.base_url,
        "RAPPORT_LLM_API_VERSION": options.api_version,
        KEY_VARIABLE: os.environ.get(options.api_key_env, ""),
    }
    return load(environment | {name: value for name, value in given.items() if value is not None})


def _installation(settings: "Settings") -> "TenantModel":
    from shared.contracts.llm import ModelPolicy
    from shared.llm.prices import load_prices
    from shared.llm.records import Bounds, TenantModel
    from shared.llm.settings import installation_endpoint

    endpoint = installation_endpoint(settings)
    if endpoint is None:
        raise CommandError("which endpoint? give --base-url, or set RAPPORT_LLM_BASE_URL")
    return TenantModel(
        endpoint=endpoint,
        is_own=False,
        policy=ModelPolicy(),
        fallback_model=settings.llm_model or None,
        bounds=Bounds(
            monthly_microusd=None,
            installation_microusd=None,
            simulation_microusd=None,
            scoring_microusd=None,
            max_in_flight=1,
        ),
        prices=load_prices(settings.llm_prices),
    )


def _tenants(options: argparse.Namespace) -> "TenantModel":
    """Return what a tenant has set, or the installation's where it has set no endpoint."""
    import msgspec

    from infra.cli.commands import database_settings, with_registry
    from shared.db.keys import key_ring
    from shared.llm.settings import TenantSettings

    base = database_settings(options)
    settings = msgspec.structs.replace(
        _settings(options), database_url=base.database_url, master_key=base.master_key
    )
    found: list[TenantModel | None] = []

    async def work(registry: "Registry") -> None:
        book = TenantSettings(settings, registry.database, key_ring(settings))
        found.append(await book.find(await registry.find_tenant(options.tenant)))

    with_registry(options, work)
    if found[0] is None:
        raise CommandError("neither the tenant nor the installation has an endpoint")
    return found[0]


SEEDS = {
    "repeats": "accepted, and the same seed gives the same words",
    "accepted": "accepted, but the words differ all the same",
    "rejected": "not accepted; left out",
}

FORMS = {
    "json_schema": "strict JSON schema",
    "json_object": "JSON without a schema; the schema is part of the question",
    "text": "none; the schema is part of the question",
}


def _print(found: "Findings", *, is_json: bool) -> None:
    if is_json:
        import msgspec

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
        return
    for name, words in told(found):
        print(f"{name:18} {words}")


def told(found: "Findings") -> list[tuple[str, str]]:
    """Return the findings as pairs of a name and words."""
    said = [("endpoint", found.host), ("model", found.model)]
    if found.failure is not None:
        status = "" if found.status is None else f" (status {found.status})"
        return [
            *said,
            ("usable", f"no: {REASONS.get(found.failure.value, found.failure.value)}{status}"),
        ]
    return [
        *said,
        ("usable", "yes: it is reached, takes the key and answers"),
        ("model is listed", _yes(answer=found.is_model_listed, unknown="it lists no models")),
        ("short answer", _ms(found.latency_ms)),
        ("streaming", _streaming(found)),
        ("usage", _usage(found)),
        ("schema", _schema(found)),
        ("seed", SEEDS.get(found.seeds or "", "not found out")),
        ("left out", ", ".join(found.without) or "nothing"),
        ("bound", f"called {found.limit}"),
        ("a typical turn", _cost(found)),
    ]


REASONS = {
    "unreachable": "no connection, or one that broke",
    "timeout": "no answer in time",
    "unauthorized": "it does not take the key",
    "rejected": "it says the request is wrong: is the model's name right?",
    "rate_limited": "it has too much to do, or the account's quota is used up",
    "server_error": "it has an error of its own",
    "malformed": "what comes back is no chat completion",
    "refused": "the model declined to answer",
}


def _yes(*, answer: bool | None, unknown: str) -> str:
    return unknown if answer is None else ("yes" if answer else "no")


def _ms(milliseconds: int | None) -> str:
    return "not found out" if milliseconds is None else f"{milliseconds} ms"


def _streaming(found: "Findings") -> str:
    if not found.is_streaming:
        return "no: answers come in one piece" if found.is_streaming is False else "not found out"
    return f"yes, first piece after {_ms(found.first_delta_ms)}"


def _usage(found: "Findings") -> str:
    plain = "yes" if found.has_usage else "no, tokens are estimated"
    if found.has_stream_usage == found.has_usage:
        return plain
    streams = _yes(answer=found.has_stream_usage, unknown="not found out")
    return f"{plain}; in streams: {streams}"


def _schema(found: "Findings") -> str:
    if found.form is None:
        return "not found out"
    kept = "" if found.is_form_kept else "; its answer could not be read all the same"
    return FORMS[found.form] + kept


def _cost(found: "Findings") -> str:
    if not found.is_price_known or found.turn_microusd is None:
        return "price unknown: no table names the model"
    return f"about {found.turn_microusd / 1_000_000:.6f} US dollars"
