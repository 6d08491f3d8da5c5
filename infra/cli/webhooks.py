"""`rapport webhooks listen`: prints and verifies deliveries on a developer's machine."""

import argparse
import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from infra.cli.webhook_endpoint import TemporaryEndpoint
    from infra.cli.webhook_listener import Listener

LOOPBACK: Final = "127.0.0.1"
"""The only address that is listened on: what arrives here is shown to whoever sits here."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    actions = commands.add_parser("webhooks", help="receive webhooks here").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    listen = actions.add_parser("listen", help="print and verify what a running product delivers")
    listen.add_argument("--port", type=_port, default=0, help="port here (default: a free one)")
    listen.add_argument("--forward", metavar="URL", help="hand deliveries on, on this machine")
    listen.add_argument(
        "--secret", metavar="whsec_...", help="only verify: register nothing with a product"
    )
    listen.add_argument(
        "--type", action="append", dest="types", metavar="TYPE", help="repeatable; default: all"
    )
    listen.add_argument("--count", type=_count, metavar="N", help="stop after so many deliveries")


def webhooks(options: argparse.Namespace) -> int:
    """Listen until Ctrl-C, SIGTERM or `--count`; 1 when a delivery could not be verified.

    Raises:
        CommandError: no product runs, it refuses the endpoint, the port is taken, or `--forward`
            leads off this machine.
    """
    from infra.cli.webhook_listener import Listener, check_forward

    if options.forward is not None:
        check_forward(options.forward)
    try:
        listener = Listener((LOOPBACK, options.port), forward=options.forward)
    except OSError as error:
        raise CommandError(f"port {options.port}: {error.strerror}") from None
    endpoint = None
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        url = f"http://{LOOPBACK}:{listener.port}/"
        if options.secret is None:
            endpoint = _register(options, url)
        _use(listener, endpoint.secret if endpoint else options.secret)
        what = f"as {endpoint.endpoint_id}" if endpoint else "with the secret you gave"
        print(f"listening on {url} {what}; Ctrl-C ends it", flush=True)
        listener.listen(options.count)
    except KeyboardInterrupt:
        print()
    finally:
        listener.close()
        if endpoint is not None:
            endpoint.delete()
    print(listener.summary, flush=True)
    return int(listener.unverified > 0)


def _use(listener: "Listener", secret: str) -> None:
    try:
        listener.use(secret)
    except ValueError:
        raise CommandError("a secret is `whsec_` and base64") from None


def _register(options: argparse.Namespace, url: str) -> "TemporaryEndpoint":
    from infra.cli.webhook_endpoint import TemporaryEndpoint

    path: Path = options.data_dir / "up.json"
    return TemporaryEndpoint.register(path, url, options.types)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("0 to 65535")
    return port


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("1 or more")
    return count
