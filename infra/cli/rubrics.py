"""`rapport rubrics`: the schema, the linter, a trial, and what a tenant has published."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli import drafting
from infra.cli.authored import read_authored, told
from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from infra.tenants import Registry

GUIDE = Path("docs/rubrics.md")
SCHEMA = Path("docs/rubric.schema.json")
"""Generated, in a checkout."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its actions."""
    actions = commands.add_parser("rubrics", help="check, show and try out rubrics").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    actions.add_parser("schema", help="print the JSON Schema of a rubric file")
    check = actions.add_parser("lint", help="say what is wrong with rubric files")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    check.add_argument(
        "--skill",
        action="append",
        default=[],
        dest="skills",
        metavar="KEY",
        help="a skill that the tenant added to the taxonomy; repeatable",
    )
    show = actions.add_parser("show", help="print a built-in rubric, to begin from")
    show.add_argument("slug", metavar="SLUG")
    trial = actions.add_parser("dry-run", help="score sample conversations and sum up")
    trial.add_argument("file", type=Path, metavar="FILE")
    trial.add_argument("--transcripts", required=True, type=Path, metavar="FILE.jsonl")
    listing = actions.add_parser("list", help="a tenant's rubrics, versions and drafts")
    listing.add_argument("--tenant", required=True, metavar="SLUG")
    publish = actions.add_parser("publish", help="check a file and publish it for a tenant")
    publish.add_argument("file", type=Path, metavar="FILE")
    publish.add_argument("--tenant", required=True, metavar="SLUG")
    drafting.add_rubric_parser(actions)
    docs = actions.add_parser("docs", help="check the generated parts of the authors' guide")
    docs.add_argument("--write", action="store_true", help="write them anew")


def rubrics(options: argparse.Namespace) -> int:
    """Run one action."""
    actions = {
        "schema": _schema,
        "lint": _lint,
        "show": _show,
        "dry-run": _dry_run,
        "list": _list,
        "publish": _publish,
        "docs": _docs,
        "draft": drafting.draft_rubric,
    }
    return actions[options.action](options)


def _schema(_options: argparse.Namespace) -> int:
    from shared.library.schema import rubric_schema_text

    print(rubric_schema_text(), end="")
    return 0


def _lint(options: argparse.Namespace) -> int:
    from shared.contracts.rubric import RubricSpec
    from shared.library.rubric_lint import errors, lint

    failed = 0
    for path in options.files:
        try:
            findings = lint(read_authored(path, RubricSpec), tenant_skills=options.skills)
        except CommandError as error:
            print(error)
            failed += 1
            continue
        print("\n".join(told(path, findings)))
        failed += bool(errors(findings))
    if failed:
        raise CommandError(f"{failed} of {len(options.files)} files have errors")
    return 0


def _show(options: argparse.Namespace) -> int:
    from shared.library.rubrics import rubric_text

    try:
        print(rubric_text(options.slug), end="")
    except KeyError as error:
        raise CommandError(error.args[0]) from None
    return 0


def _dry_run(options: argparse.Namespace) -> int:
    from infra.cli.dry_run import dry_run, page
    from shared.contracts.rubric import RubricSpec
    from shared.library.rubric_dry_run import UNSCORABLE, unscorable
    from shared.library.rubric_lint import errors, lint

    rubric = read_authored(options.file, RubricSpec)
    faults = errors(lint(rubric))
    if unscorable(faults):
        in_the_way = [each for each in faults if each.code in UNSCORABLE]
        raise CommandError("\n".join(told(options.file, in_the_way)))
    trial, bad = dry_run(rubric, options.transcripts)
    print("\n".join([*bad, *page(rubric, trial)]))
    if bad:
        print(f"{len(bad)} lines skipped")
    if faults:
        print(f"{len(faults)} errors keep it from being published: rapport rubrics lint")
    return 0


def _list(options: argparse.Namespace) -> int:
    from infra.cli.commands import with_registry

    async def work(registry: "Registry") -> None:
        held = await registry.list_rubrics(await registry.find_tenant(options.tenant))
        width = max((len(each.slug) for each in held), default=0)
        for each in held:
            state = f"version {each.version} ({each.origin})" if each.version else "not published"
            draft = f", draft at revision {each.revision}" if each.revision else ""
            archived = ", archived" if each.is_archived else ""
            print(f"{each.slug:<{width}}  {state}{draft}{archived}")

    return with_registry(options, work)


def _publish(options: argparse.Namespace) -> int:
    from infra.cli.commands import with_registry
    from infra.tenants import RubricFaultsError
    from shared.contracts.rubric import RubricSpec

    spec = read_authored(options.file, RubricSpec)

    async def work(registry: "Registry") -> None:
        tenant_id = await registry.find_tenant(options.tenant)
        try:
            published = await registry.publish_rubric(tenant_id, spec)
        except RubricFaultsError as error:
            print("\n".join(told(options.file, error.findings)))
            raise
        state = "published as" if published.is_new else "is already"
        print(f"{spec.slug} {state} version {published.version}")

    return with_registry(options, work)


def _docs(options: argparse.Namespace) -> int:
    from shared.library.markdown import put_tables
    from shared.library.rubric_tables import TABLES
    from shared.library.schema import rubric_schema_text

    try:
        guide = GUIDE.read_text(encoding="utf-8")
    except OSError:
        raise CommandError(f"run this in a checkout: there is no {GUIDE}") from None
    wanted = {GUIDE: put_tables(guide, TABLES), SCHEMA: rubric_schema_text()}
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
        raise CommandError(f"out of date: {names}; write: rapport rubrics docs --write")
    return 0
