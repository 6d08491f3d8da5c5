"""Rules over Python files."""

import ast
import re
from collections.abc import Callable, Iterator
from typing import Final

from infra.checks.names import full_name, imported_names
from infra.checks.source import Source, Violation
from shared.log import FORBIDDEN_FIELDS

MAY_ACQUIRE: Final = {
    "services/orchestrator/relay.py": "holds the advisory lock on a connection of its own: a lock "
    "that must outlive every transaction",
    "infra/devstack/stack.py": "acquires the file lock of the data directory, no connection",
}
"""Files outside shared/db that may call `.acquire(`, and why."""

CONNECTING: Final = frozenset({"asyncpg.connect", "asyncpg.create_pool"})
"""Ways around the pools."""

PURE: Final = (
    "shared/workflows",
    "shared/dialogue",
    "services/sim_worker/engine",
    "services/scoring_worker/judging",
    "services/reporting/trends",
)
"""Rooms where the same input gives the same bytes: time, ids and chance come in as arguments."""

IMPURE: Final = frozenset(
    {
        *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
        "datetime.date.today",
        *(f"time.{name}" for name in ("time", "time_ns", "monotonic", "monotonic_ns")),
        *(f"time.{name}" for name in ("perf_counter", "perf_counter_ns", "localtime", "gmtime")),
        *(f"uuid.{name}" for name in ("uuid1", "uuid4", "getnode")),
        "os.urandom",
    }
)
"""Sources of time and chance. Modules that are nothing else are in `IMPURE_MODULES`."""

IMPURE_MODULES: Final = ("random", "secrets", "uuid_utils")
"""Everything in them is forbidden, but for `random.Random(seed)`."""

LOG_METHODS: Final = frozenset(
    {"debug", "info", "warning", "error", "exception", "critical", "log", "bind"}
)
LOGGERS: Final = frozenset({"log", "logger"})
"""Names under which the house keeps its loggers."""

EVENT_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")

MAX_LINES: Final = 400
"""A longer file holds more than one thing."""
MAX_TEST_LINES: Final = 600
"""The same for test files, which repeat themselves for the sake of the reader."""

Rule = Callable[[Source], Iterator[Violation]]


def check_acquire(source: Source) -> Iterator[Violation]:
    """Only `shared/db` takes connections, so every transaction has its tenant."""
    if source.is_in("shared/db", "tests"):
        return
    tree = source.tree()
    names = imported_names(tree)
    acquires = False
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr == "acquire":
            acquires = True
            if source.path not in MAY_ACQUIRE:
                message = "`.acquire(` belongs into shared/db: use tenant_tx or system_tx"
                yield Violation(source.path, node.lineno, "pool-acquire", message)
        # Set-up code in infra speaks to servers before there is any tenant.
        elif full_name(node.func, names) in CONNECTING and not source.is_in("infra"):
            message = "connections are opened by shared/db alone"
            yield Violation(source.path, node.lineno, "pool-acquire", message)
    if source.path in MAY_ACQUIRE and not acquires:
        yield Violation(source.path, 1, "pool-acquire", "acquires nothing: drop the exception")


def check_purity(source: Source) -> Iterator[Violation]:
    """Pure rooms read no clock and draw no chance of their own."""
    if not source.is_in(*PURE):
        return
    tree = source.tree()
    names = imported_names(tree)
    seeded = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        name = full_name(node, names)
        if name is None or not _is_impure(name):
            continue
        if name == "random.Random" and (id(node) in seeded or not _is_called(node, tree)):
            continue  # with a seed, or as the type of a parameter
        message = f"`{name}` in a pure room: take time, ids and chance as arguments"
        yield Violation(source.path, node.lineno, "impure", message)


def _is_impure(name: str) -> bool:
    return name in IMPURE or any(name.startswith(f"{module}.") for module in IMPURE_MODULES)


def _is_called(node: ast.expr, tree: ast.Module) -> bool:
    return any(isinstance(call, ast.Call) and call.func is node for call in ast.walk(tree))


def check_logs(source: Source) -> Iterator[Violation]:
    """Events in logs are literal `a.b` names, and no field may carry what a person wrote."""
    for node in ast.walk(source.tree()):
        if not (isinstance(node, ast.Call) and _is_log_call(node.func)):
            continue
        if not (isinstance(node.func, ast.Attribute) and node.func.attr == "bind"):
            yield from _check_event_name(source, node)
        for field in sorted(_fields(node) & FORBIDDEN_FIELDS):
            message = f"the field `{field}` may hold user text, names or keys"
            yield Violation(source.path, node.lineno, "log-field", message)


def _is_log_call(func: ast.expr) -> bool:
    if isinstance(func, ast.Name):
        return func.id == "bind_contextvars"
    if not isinstance(func, ast.Attribute):
        return False
    if func.attr == "bind_contextvars":
        return True
    owner = func.value
    name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
    return func.attr in LOG_METHODS and name in LOGGERS


def _check_event_name(source: Source, call: ast.Call) -> Iterator[Violation]:
    if isinstance(call.func, ast.Name) or getattr(call.func, "attr", "") == "bind_contextvars":
        return
    event = call.args[0] if call.args else None
    is_literal = isinstance(event, ast.Constant) and isinstance(event.value, str)
    if not is_literal or not EVENT_NAME.fullmatch(str(getattr(event, "value", ""))):
        message = 'the event must be a literal like "job.acked"'
        yield Violation(source.path, call.lineno, "log-event", message)


def _fields(call: ast.Call) -> set[str]:
    """Return the field names of a log call, those inside a literal `extra` included."""
    found = {keyword.arg for keyword in call.keywords if keyword.arg is not None}
    for keyword in call.keywords:
        # `**{...}` and `extra={...}` name their fields in a literal.
        if keyword.arg in {None, "extra"} and isinstance(keyword.value, ast.Dict):
            keys = keyword.value.keys
            found |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
    return found


def check_size(source: Source) -> Iterator[Violation]:
    """Files stay small enough to be read in one go."""
    limit = MAX_TEST_LINES if source.is_in("tests") else MAX_LINES
    lines = len(source.text.splitlines())
    if lines > limit:
        yield Violation(source.path, limit + 1, "file-size", f"{lines} lines, {limit} are the most")


RULES: Final[tuple[Rule, ...]] = (check_acquire, check_purity, check_logs, check_size)
"""Every rule over one Python file."""
