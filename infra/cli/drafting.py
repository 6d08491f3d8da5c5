"""`rapport scenarios draft` and `rapport rubrics draft`: a language model writes the first version.

Needs the database (whose model, whose money) and no other server. Nothing is stored but what the
calls cost: the draft is printed as YAML, what is wrong with it goes to standard error.
"""

import argparse
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from uuid import UUID

    import msgspec

    from shared.config import Settings
    from shared.contracts.llm import WhyEmbedded
    from shared.db.pool import Database
    from shared.drafting.asking import Questions
    from shared.library.findings import Finding

    Draft = Callable[
        [Questions, "UUID", Database, "UUID"], Awaitable["tuple[msgspec.Struct, bool]"]
    ]

WHY_NOT = "the model brought no draft: {why}"


def add_scenario_parser(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `rapport scenarios draft`."""
    draft = _parser(actions, "a language model drafts a scenario; prints it as YAML")
    draft.add_argument(
        "--kind",
        choices=("prompt", "policy", "transcript"),
        default="prompt",
        help="what the file is: an idea (default), a document with rules, or a conversation with"
        " lines `Agent: ...` and `Customer: ...`",
    )
    draft.add_argument("--role", choices=("support", "sales", "fraud", "collections"))
    draft.add_argument(
        "--temper",
        choices=("angry", "suspicious", "nervous", "defensive", "frustrated", "confused"),
    )
    draft.add_argument("--difficulty", type=int, choices=range(1, 6))


def add_rubric_parser(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `rapport rubrics draft`."""
    _parser(actions, "a language model drafts a rubric from a scorecard; prints it as YAML")


def _parser(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", meaning: str
) -> argparse.ArgumentParser:
    draft = actions.add_parser("draft", help=meaning)
    draft.add_argument("--from", required=True, type=Path, metavar="FILE", dest="source")
    draft.add_argument("--tenant", required=True, metavar="SLUG", help="whose model and money")
    draft.add_argument("--title")
    draft.add_argument("--slug")
    return draft


def draft_scenario(options: argparse.Namespace) -> int:
    """Draft, try out and print a scenario; return 0 when it may be published.

    Raises:
        CommandError: no model, no tenant, or no draft.
    """
    from services.sim_worker.drafting.repository import DraftRepository
    from services.sim_worker.drafting.trial_run import plays
    from shared.contracts.scenario import ScenarioSpec
    from shared.db.tx import tenant_tx
    from shared.drafting import scenario_rounds
    from shared.drafting.source import read_source
    from shared.drafting.trial import TrialReport, report
    from shared.drafting.wanted import ScenarioWanted
    from shared.redaction.redactor import PatternRedactor

    names = ("kind", "title", "slug", "role", "temper", "difficulty")
    asked = {name: getattr(options, name) for name in names}
    wanted = _wanted(asked | {"text": _text(options.source)}, ScenarioWanted)

    async def try_out(spec: ScenarioSpec) -> TrialReport:
        return report(spec, list(plays(spec)))

    async def draft(
        questions: "Questions", tenant_id: "UUID", database: "Database", operation_id: "UUID"
    ) -> "tuple[msgspec.Struct, bool]":
        async with tenant_tx(database, tenant_id) as connection:
            rubrics = await DraftRepository(connection, tenant_id).rubrics()
        made = await scenario_rounds.draft_scenario(
            questions,
            wanted,
            read_source(wanted, PatternRedactor()),
            operation_id,
            rubrics=rubrics,
            try_out=try_out,
        )
        _tell(made.findings)
        if made.trial is not None:
            _tell(made.trial.findings)
            for one in made.trial.outcomes:
                _say(f"{one.profile}: {one.goal_met} of {one.conversations} ended well")
        return made.spec, made.is_good

    return _run(options, draft)


def draft_rubric(options: argparse.Namespace) -> int:
    """Draft and print a rubric; return 0 when it may be published.

    Raises:
        CommandError: no model, no tenant, or no draft.
    """
    from services.scoring_worker.drafting.repository import DraftRepository
    from shared.db.tx import tenant_tx
    from shared.drafting import rubric_rounds
    from shared.drafting.wanted import RubricWanted
    from shared.library.rubric_lint import errors

    asked = {"title": options.title, "slug": options.slug, "text": _text(options.source)}
    wanted = _wanted(asked, RubricWanted)

    async def draft(
        questions: "Questions", tenant_id: "UUID", database: "Database", operation_id: "UUID"
    ) -> "tuple[msgspec.Struct, bool]":
        async with tenant_tx(database, tenant_id) as connection:
            skills = await DraftRepository(connection, tenant_id).own_skills()
        made = await rubric_rounds.draft_rubric(
            questions, wanted, operation_id, tenant_skills=skills
        )
        _tell(made.findings)
        for gap in made.unmapped:
            _say(f"not in the rubric: {gap.source}: {gap.why}")
        return made.spec, not errors(made.findings)

    return _run(options, draft)


def _wanted(asked: dict[str, Any], kind: "type[Any]") -> Any:
    import msgspec

    from shared.drafting.wanted import MAX_SOURCE_CHARS

    if len(asked["text"]) > MAX_SOURCE_CHARS:
        raise CommandError(f"the file has more than {MAX_SOURCE_CHARS} characters")
    try:
        return msgspec.convert(asked, kind)
    except msgspec.ValidationError as error:
        raise CommandError(str(error)) from None


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: cannot be read: {error}") from None
    if not text.strip():
        raise CommandError(f"{path}: is empty")
    return text


def _run(options: argparse.Namespace, draft: "Draft") -> int:
    import asyncio

    import asyncpg

    from infra.tenants import TenantError
    from shared.config import ConfigError
    from shared.drafting.asking import StoppedError
    from shared.llm.ports import ModelFailedError

    try:
        return asyncio.run(_drafted(options, draft))
    except (ConfigError, TenantError) as error:
        raise CommandError(str(error)) from None
    except ModelFailedError as error:
        raise CommandError(WHY_NOT.format(why=_words(error.why))) from None
    except StoppedError:
        raise CommandError("the model was asked as often as it may be") from None
    except asyncpg.PostgresError as error:
        raise CommandError(f"the database says: {error}") from None


async def _drafted(options: argparse.Namespace, draft: "Draft") -> int:
    from infra.tenants import Registry
    from shared import log
    from shared.clock import SystemClock
    from shared.db import pool
    from shared.db.keys import key_ring, read_master
    from shared.drafting.asking import Questions
    from shared.drafting.stored import MAX_ASKED
    from shared.ids import Uuid7Maker
    from shared.llm.gateway import gateway

    log.configure("cli", "error")
    settings = _settings(options)
    keys, ids = key_ring(settings), Uuid7Maker()
    database = await pool.connect(settings, "cli")
    model = gateway(settings, database, keys, clock=SystemClock(), ids=ids)
    numbers = iter(range(1, MAX_ASKED + 1))

    async def take() -> int | None:
        return next(numbers, None)

    try:
        registry = Registry(database, read_master(settings))
        tenant_id = await registry.find_tenant(options.tenant)
        operation_id = ids.new()
        tenant = await keys.warm(database, tenant_id)
        questions = Questions(model, tenant_id, operation_id, tenant, take)
        made, is_good = await draft(questions, tenant_id, database, operation_id)
    finally:
        await model.close()
        await database.close()
    sys.stdout.write(_yaml(made))
    _say("it may be published" if is_good else "it may not be published as it is")
    return 0 if is_good else 1


def _settings(options: argparse.Namespace) -> "Settings":
    """Return how the database is reached, with what the environment says of the model."""
    from infra.cli.commands import database_settings
    from shared.config import load

    reached = database_settings(options)
    needed = {
        "RAPPORT_DATABASE_URL": reached.database_url.reveal,
        "RAPPORT_MASTER_KEY": reached.master_key.reveal,
        "RAPPORT_NATS_URL": "unused",
        "RAPPORT_DATABASE_POOL": "2",
    }
    return load({**os.environ, **needed})


def _yaml(made: "msgspec.Struct") -> str:
    import yaml

    text: str = yaml.safe_dump(_plain(made), sort_keys=False, allow_unicode=True, width=110)
    return text


def _plain(value: Any) -> Any:
    """Return plain values without what is as it would be anyway."""
    import msgspec

    if not isinstance(value, msgspec.Struct):
        if isinstance(value, tuple):
            return [_plain(inner) for inner in value]
        return msgspec.to_builtins(value)
    shown = {}
    for field in msgspec.structs.fields(value):
        inner = getattr(value, field.name)
        made = field.default_factory
        usual = made() if made is not msgspec.NODEFAULT else field.default
        if inner != usual:
            shown[field.name] = _plain(inner)
    return shown


def _tell(findings: "Iterable[Finding]") -> None:
    for one in findings:
        _say(f"{one.path or '/'}: {one.severity} {one.code}: {one.message}. {one.advice}")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _words(why: "WhyEmbedded") -> str:
    return why.value.replace("_", " ")
