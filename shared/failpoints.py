"""Named places where a test may kill a process: between two steps that must look like one.

Nothing is armed in production, and then a point costs one look at an empty dictionary. A test arms
points by the setting `failpoints`:

- `watch:/dir`: a point kills when a file of its name exists in the folder. The file is removed
  first, so one file is one kill, however often the process comes back.
- `api.before_claim:kill:3`: kills at its third hit in a process.
- `seed:7,api.before_claim:kill:0.01`: kills with that probability, repeatable by its seed.
"""

import os
import random
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

from shared.config import ConfigError

NAMES: Final = (
    "api.before_claim",
    "api.after_claim_commit",
    "api.before_response",
    "relay.after_publish_before_mark",
    "relay.after_mark",
    "consumer.after_effect_before_ack",
    "webhook.after_send_before_record",
    "activity.llm.before_call",
    "activity.llm.mid_stream",
    "activity.llm.after_call_before_persist",
    "erase.between_stores",
)
"""Every point there is; each is named at one place in the code at least."""

_POINT: Final = re.compile(r"([a-z_.]+):kill:([0-9]+(?:\.[0-9]+)?)")

Fires = Callable[[], bool]
"""Asked at each hit: is it now?"""

_armed: dict[str, Fires] = {}


def hit(name: str) -> None:
    """Pass a point; the process ends here, as by kill -9, if the point is armed and due."""
    if _armed and name in _armed and _armed[name]():
        os.kill(os.getpid(), signal.SIGKILL)


def arm(setting: str) -> None:
    """Arm the points of a setting, and no others; an empty one disarms all.

    Raises:
        ConfigError: it names no point, or cannot be read.
    """
    _armed.clear()
    _armed.update(read(setting))


def read(setting: str) -> dict[str, Fires]:
    """Return what each named point asks; raises `ConfigError`."""
    if setting.startswith("watch:"):
        folder = Path(setting.removeprefix("watch:"))
        return {name: _watcher(folder / name) for name in NAMES}
    seed, armed = "0", {}
    for part in filter(None, setting.split(",")):
        if part.startswith("seed:"):
            seed = part.removeprefix("seed:")
            continue
        found = _POINT.fullmatch(part)
        if found is None or found[1] not in NAMES:
            raise ConfigError("RAPPORT_FAILPOINTS is not a valid value")
        name, amount = found[1], found[2]
        is_share = "." in amount
        armed[name] = _dice(seed, name, float(amount)) if is_share else _counter(int(amount))
    return armed


def _watcher(file: Path) -> Fires:
    def fires() -> bool:
        try:
            file.unlink()
        except OSError:
            return False
        return True

    return fires


def _counter(due: int) -> Fires:
    hits = 0

    def fires() -> bool:
        nonlocal hits
        hits += 1
        return hits == due

    return fires


def _dice(seed: str, name: str, share: float) -> Fires:
    source = random.Random(f"{seed}:{name}")  # noqa: S311 - a test must be able to repeat it
    return lambda: source.random() < share
