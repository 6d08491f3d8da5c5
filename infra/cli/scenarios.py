"""`rapport scenarios`: the schema, the linter, and what a tenant has published."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli import drafting
from infra.cli.authored import read_authored, told
from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from infra.tenants import Registry

GUIDE = Path("docs/scenarios.md")
SCHEMA = Path("docs/scenario.schema.json")
"""Generated, in a checkout."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its actions."""
    actions = commands.add_parser(
        "scenarios", help="check, list and publish scenarios"
    ).add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("schema", help="print the JSON Schema of a scenario file")
    check = actions.add_parser("lint", help="say what is wrong with scenario files")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    listing = actions.add_parser("list", help="a tenant's scenarios, versions and drafts")
    listing.add_argument("--tenant", required=True, metavar="SLUG")
    publish = actions.add_parser("publish", help="check a file and publish it for a tenant")
    publish.add_argument("file", type=Path, metavar="FILE")
    publish.add_argument("--tenant", required=True, metavar="SLUG")
    drafting.add_scenario_parser(actions)
    docs = actions.add_parser("docs", help="check the generated parts of the authors' guide")
    docs.add_argument("--write", action="store_true", help="write them anew")


def scenarios(options: argparse.Namespace) -> int:
    """Run one action."""
    actions = {
        "schema": _schema,
        "lint": _lint,
        "list": _list,
        "publish": _publish,
        "docs": _docs,
        "draft": drafting.draft_scenario,
    }
    return actions[options.action](options)


def _schema(_options: argparse.Namespace) -> int:
    from shared.library.schema import schema_text

    print(schema_text(), end="")
    return 0


def _lint(options: argparse.Namespace) -> int:
    from shared.contracts.scenario import ScenarioSpec
    from shared.library.lint import errors, lint

    failed = 0
    for path in options.files:
        try:
            findings = lint(read_authored(path, ScenarioSpec))
        except CommandError as error:
            print(error)
            failed += 1
            continue
        print("\n".join(told(path, findings)))
        failed += bool(errors(findings))
    if failed:
        raise CommandError(f"{failed} of {len(options.files)} files have errors")
    return 0


def _list(options: argparse.Namespace) -> int:
    from infra.cli.commands import with_registry

    async def work(registry: "Registry") -> None:
        held = await registry.list_scenarios(await registry.find_tenant(options.tenant))
        width = max((len(each.slug) for each in held), default=0)
        for each in held:
            state = f"version {each.version} ({each.origin})" if each.version else "not published"
            draft = f", draft at revision {each.revision}" if each.revision else ""
            print(f"{each.slug:<{width}}  {state}{draft}")

    return with_registry(options, work)


def _publish(options: argparse.Namespace) -> int:
    from infra.cli.commands import with_registry
    from infra.tenants import ScenarioFaultsError
    from shared.contracts.scenario import ScenarioSpec

    spec = read_authored(options.file, ScenarioSpec)

    async def work(registry: "Registry") -> None:
        tenant_id = await registry.find_tenant(options.tenant)
        try:
            published = await registry.publish_scenario(tenant_id, spec)
        except ScenarioFaultsError as error:
            print("\n".join(told(options.file, error.findings)))
            raise
        state = "published as" if published.is_new else "is already"
        print(f"{spec.slug} {state} version {published.version}")

    return with_registry(options, work)


def _docs(options: argparse.Namespace) -> int:
    from shared.library.markdown import put_tables
    from shared.library.schema import schema_text
    from shared.library.tables import TABLES

    try:
        guide = GUIDE.read_text(encoding="utf-8")
    except OSError:
        raise CommandError(f"run this in a checkout: there is no {GUIDE}") from None
    wanted = {GUIDE: put_tables(guide, TABLES), SCHEMA: schema_text()}
    old = [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if options.write:
        for path in old:
            path.write_text(wanted[path], encoding="utf-8")
            print(f"wrote {path}")
    elif old:
        names = ", ".join(map(str, old))
        raise CommandError(f"out of date: {names}; write: rapport scenarios docs --write")
    return 0
