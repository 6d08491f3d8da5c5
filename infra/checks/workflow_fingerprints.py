"""Fingerprints of the workflows: the commands they give Temporal, in order, read from the syntax.

A running workflow is replayed against the code of today; a command that is new, gone or moved
breaks it. The baseline is committed, so such a change is seen in review, never by accident.
"""

import ast
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from infra.checks.names import full_name, imported_names
from infra.checks.source import Source, Violation, read_sources

BASELINE: Final = "tests/workflows/fingerprints.json"
ROOM: Final = "shared/workflows"
RULE: Final = "workflow-fingerprint"

COMMANDS: Final = frozenset(
    {
        "continue_as_new", "create_nexus_client", "deprecate_patch", "execute_activity",
        "execute_activity_class", "execute_activity_method", "execute_child_workflow",
        "execute_local_activity", "execute_local_activity_method",
        "get_external_workflow_handle", "now", "patched", "random", "sleep", "start_activity",
        "start_activity_class", "start_activity_method", "start_child_workflow",
        "start_local_activity", "start_local_activity_method", "upsert_memo",
        "upsert_search_attributes", "uuid4", "wait", "wait_condition",
    }
)  # fmt: skip
"""Calls of `temporalio.workflow` that reach history, or decide about what does."""

ORDERING: Final = frozenset(
    f"asyncio.{name}" for name in ("gather", "wait", "wait_for", "sleep", "timeout", "create_task")
)
"""Calls of asyncio that become timers or decide the order of commands."""

KEPT: Final = frozenset({"activity_id", "id", "task_queue", "timeout", "id_reuse_policy"})
"""Keyword arguments that are part of a command's identity; other ones may change freely."""

HANDLERS: Final = ("signal", "query", "update")

HOW = (
    "Running workflows replay the committed order. Allowed: behind `workflow.patched(...)`, or as "
    "a new workflow name (V2), and only while the replay tests pass unchanged. Then: "
    "`python -m infra.checks --update-fingerprints`, record a history of the new path with "
    "`python -m tests.workflows.record`, and say in the commit why it is safe."
)


def check(root: Path) -> Iterator[Violation]:
    """Compare the workflows with the committed baseline."""
    path = root / BASELINE
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    yield from compare(known, fingerprints(list(read_sources(root, (ROOM,), ".py"))))


def update(root: Path) -> None:
    """Make the workflows of today the baseline."""
    found = fingerprints(list(read_sources(root, (ROOM,), ".py")))
    text = json.dumps(found, indent=2, sort_keys=True) + "\n"
    (root / BASELINE).write_text(text, encoding="utf-8")


def compare(known: Mapping[str, list[str]], found: Mapping[str, list[str]]) -> Iterator[Violation]:
    """Yield one violation per workflow that differs, naming its first difference."""
    for name in sorted(known.keys() | found.keys()):
        before, now = known.get(name), found.get(name)
        if before is None:
            message = (
                f"{name} is new: record it with `python -m infra.checks --update-fingerprints`"
            )
        elif now is None:
            message = f"{name} is gone: histories of it can never be replayed again. {HOW}"
        elif before != now:
            message = f"{name}: {_difference(before, now)}. {HOW}"
        else:
            continue
        yield Violation(BASELINE, 1, RULE, message)


def _difference(before: list[str], now: list[str]) -> str:
    shared = sum(1 for _ in _common_prefix(before, now))
    was = before[shared] if shared < len(before) else "nothing"
    has_become = now[shared] if shared < len(now) else "nothing"
    return f"command {shared + 1} was `{was}`, is `{has_become}`"


def _common_prefix(before: list[str], now: list[str]) -> Iterator[str]:
    for old, new in zip(before, now, strict=False):
        if old != new:
            return
        yield old


def fingerprints(sources: list[Source]) -> dict[str, list[str]]:
    """Return workflow name -> its commands, in the order of the source."""
    constants = _constants(sources)
    found: dict[str, list[str]] = {}
    for source in sources:
        tree = source.tree()
        reader = _Reader(imported_names(tree), _module(source), constants)
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                name = reader.workflow_name(node)
                if name is not None:
                    found[name] = list(reader.commands(node))
    return found


def _module(source: Source) -> str:
    return source.path.removesuffix(".py").replace("/", ".")


def _constants(sources: list[Source]) -> dict[str, str]:
    """Return full dotted name -> text, so that a renamed activity shows even behind a constant."""
    return {
        f"{_module(source)}.{target.id}": repr(value.value)
        for source in sources
        for node in source.tree().body
        for target, value in _assignments(node)
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant)
    }


def _assignments(node: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        yield node.target, node.value
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield target, node.value


class _Reader:
    """Reads the commands out of one file's workflow classes."""

    def __init__(self, names: dict[str, str], module: str, constants: dict[str, str]) -> None:
        self._names = names
        self._module = module
        self._constants = constants

    def workflow_name(self, node: ast.ClassDef) -> str | None:
        """Return the registered name of a workflow class, None for other classes."""
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if full_name(called, self._names) != "temporalio.workflow.defn":
                continue
            keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
            given = [self._text(word.value) for word in keywords if word.arg == "name"]
            return given[0].strip("'") if given else node.name
        return None

    def commands(self, node: ast.ClassDef) -> Iterator[str]:
        """Yield the commands of a class: its handlers, and each method's calls with their way."""
        for member in node.body:
            if not isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for decorator in member.decorator_list:
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                name = full_name(called, self._names) or ""
                if name.removeprefix("temporalio.workflow.") in HANDLERS:
                    yield f"{member.name}: handles {self._text(decorator)}"
            for statement in member.body:
                yield from self._walk(statement, f"{member.name}:")

    def _walk(self, node: ast.AST, way: str) -> Iterator[str]:
        """Yield calls in the order in which they are evaluated, with the branches around them."""
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            condition = ast.unparse(node.test)
            kind = "while" if isinstance(node, ast.While) else "if"
            yield from self._walk(node.test, way)
            yield from self._branch(node.body, f"{way} {kind} {condition}:")
            yield from self._branch(node.orelse, f"{way} else of {condition}:")
        elif isinstance(node, ast.For | ast.AsyncFor):
            yield from self._walk(node.iter, way)
            yield from self._branch(node.body, f"{way} for {ast.unparse(node.iter)}:")
            yield from self._branch(node.orelse, f"{way} else of for:")
        elif isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "anything"
            yield from self._branch(node.body, f"{way} except {caught}:")
        else:
            for child in ast.iter_child_nodes(node):
                yield from self._walk(child, way)
            if isinstance(node, ast.Call):
                yield from self._call(node, way)
            elif isinstance(node, ast.Return):
                yield f"{way} return"

    def _branch(self, body: list[ast.stmt] | ast.expr, way: str) -> Iterator[str]:
        for node in body if isinstance(body, list) else [body]:
            yield from self._walk(node, way)

    def _call(self, node: ast.Call, way: str) -> Iterator[str]:
        name = full_name(node.func, self._names) or ""
        command = name.removeprefix("temporalio.workflow.")
        is_command = name.startswith("temporalio.workflow.") and command in COMMANDS
        if is_command or name in ORDERING:
            first = [self._text(argument) for argument in node.args[:1]]
            kept = [
                f"{word.arg}={self._text(word.value)}" for word in node.keywords if word.arg in KEPT
            ]
            yield f"{way} {command}({', '.join(first + kept)})"
        elif isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "self":
            yield f"{way} self.{node.func.attr}()"

    def _text(self, node: ast.expr) -> str:
        """Return an expression as text, a constant of the room by its value."""
        if isinstance(node, ast.Call):
            words = [f"{word.arg}={self._text(word.value)}" for word in node.keywords]
            arguments = [self._text(argument) for argument in node.args] + words
            return f"{ast.unparse(node.func)}({', '.join(arguments)})"
        name = full_name(node, self._names)
        if name is None and isinstance(node, ast.Name):
            name = f"{self._module}.{node.id}"
        return self._constants.get(name or "", ast.unparse(node))
