"""`rapport llm fake`: the scripted endpoint, for development without spending."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from infra.llm_fake.script import Script
    from infra.llm_fake.server import Asked, FakeLlm

DEFAULT_PORT = 8790


def add_parser(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command below `rapport llm`."""
    fake = actions.add_parser("fake", help="an endpoint that costs nothing, with scripted manners")
    fake.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help=f"default {DEFAULT_PORT}; 0: a free one"
    )
    fake.add_argument("--script", type=Path, metavar="FILE", help="YAML or JSON; see the guide")
    fake.add_argument("--latency-ms", type=float, help="before each answer; over the script's")
    fake.add_argument("--delta-ms", type=float, help="between pieces of a stream; likewise")
    fake.add_argument("--api-key-env", metavar="NAME", help="variable with the only key to take")
    fake.add_argument("--quiet", action="store_true", help="no line for each request")
    fake.add_argument("--check", action="store_true", help="only say what is wrong with the script")
    fake.add_argument("--schema", action="store_true", help="print the JSON Schema of scripts")


def llm_fake(options: argparse.Namespace) -> int:
    """Answer until Ctrl-C or SIGTERM.

    Raises:
        CommandError: the script is wrong, or the port is taken.
    """
    if options.schema:
        from infra.llm_fake.lint import schema_text

        sys.stdout.write(schema_text())
        return 0
    script = _script(options)
    if options.check:
        print(f"{len(script.rules)} rules, nothing wrong")
        return 0
    try:
        return _run(options, script)
    except OSError as error:
        raise CommandError(f"port {options.port}: {error.strerror}") from None


def _script(options: argparse.Namespace) -> "Script":
    import msgspec

    from infra.llm_fake.lint import ScriptError, read_script
    from infra.llm_fake.script import Script

    script = Script()
    if options.script is not None:
        try:
            script = read_script(options.script.read_text("utf-8"), str(options.script))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options.script}: {error}") from None
        except ScriptError as error:
            raise CommandError("\n  ".join(error.faults)) from None
    changes: dict[str, object] = {}
    if options.latency_ms is not None:
        changes["latency_ms"] = options.latency_ms
    if options.delta_ms is not None:
        changes["delta_ms"] = options.delta_ms
    if options.api_key_env is not None:
        changes["key"] = os.environ.get(options.api_key_env) or None
        if changes["key"] is None:
            raise CommandError(f"{options.api_key_env} is not set")
    return msgspec.structs.replace(script, **changes)


def _run(options: argparse.Namespace, script: "Script") -> int:
    import uvloop

    from infra.llm_fake.server import FakeLlm

    async def serve() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        async with FakeLlm(script, port=options.port) as fake:
            if not options.quiet:
                fake.on_asked = _tell
            _introduce(fake)
            await ended.wait()
            print(f"{fake.count} requests answered", flush=True)

    uvloop.run(serve())
    return 0


def _introduce(fake: "FakeLlm") -> None:
    print(f"listening on {fake.url}; Ctrl-C ends it", flush=True)
    print(f"  RAPPORT_LLM_BASE_URL={fake.url}")
    print(f"  RAPPORT_LLM_MODEL={(fake.script.models or ('fake-1',))[0]}")
    print("  RAPPORT_LLM_API_KEY=any" if fake.script.key is None else "  RAPPORT_LLM_API_KEY=...")
    print("  RAPPORT_LLM_ALLOW_PRIVATE=true", flush=True)


def _tell(asked: "Asked") -> None:
    """Print a line without anybody's words."""
    heard = "" if asked.is_heard else "  hung up"
    task = asked.task or "-"
    print(
        f"#{asked.number}  {asked.path}  {task}  {asked.rule or '-'}  {asked.status}{heard}",
        flush=True,
    )
