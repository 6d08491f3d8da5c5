"""The drill itself: what is done, in order, and how long each step took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from infra.drill.load import Accepted, Load
from infra.drill.product import DrillError, DrillProduct

WORKERS: Final = ("sim-worker", "scoring-worker")


def run(work_dir: Path, say: Callable[[str], None]) -> None:
    """Lose everything and get it back.

    Args:
        work_dir: Empty or missing; holds the product and the dump.
        say: Told each step with its seconds.

    Raises:
        DrillError: something accepted did not end, or a step failed.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    product, file = DrillProduct(work_dir / "data"), work_dir / "rapport.dump"
    try:
        _Drill(product, file, say).run()
    finally:
        product.stop()


class _Drill:
    def __init__(self, product: DrillProduct, file: Path, say: Callable[[str], None]) -> None:
        self._product = product
        self._file = file
        self._say = say

    def run(self) -> None:
        product = self._product
        with self._step("started the product"):
            product.start()
        accepted, simulations = self._load()
        with self._step("dumped PostgreSQL"):
            product.run("backup", str(self._file))
        with self._step("killed every process; deleted PostgreSQL, NATS and Temporal"):
            product.destroy()
        with self._step("restored into a new PostgreSQL") as note:
            said = product.run("restore", str(self._file)).splitlines()
            note(next(line for line in said if line.startswith("to be started again")))
        with self._step("started the product, with an empty NATS and a new Temporal"):
            product.start()
        self._finish(accepted, simulations)

    def _load(self) -> tuple[Accepted, list[str]]:
        up = self._product.up
        load = Load(up.api_url, up.api_key)
        try:
            with self._step("opened conversations"):
                simulations = load.begin()
            self._product.hold(*WORKERS)
            with self._step("handed work in while no worker takes it") as note:
                accepted = dict(load.hand_in(simulations.pop()))
                self._product.hold("orchestrator")
                accepted |= load.scorings()  # and some that never reached Temporal
                load.say(simulations[0], 2)
                left = load.unfinished(accepted)
                note(f"{len(left)} of {len(accepted)} unfinished, 1 turn without its reply")
                if len(left) < len(accepted):
                    raise DrillError("something was finished already: the drill shows too little")
        finally:
            load.close()
        return accepted, simulations

    def _finish(self, accepted: Accepted, simulations: list[str]) -> None:
        up = self._product.up
        load = Load(up.api_url, up.api_key)
        try:
            with self._step("everything that was accepted has ended"):
                left = load.wait(accepted)
                if left:
                    raise DrillError(f"not finished: {left}")
                load.wait_for_reply(simulations[0], 4)
            with self._step("conversations went on, and were scored at their end"):
                for number, each in enumerate(simulations):
                    last = 2 if number else 4
                    load.say(each, last)
                    load.wait_for_reply(each, last + 2)
                left = load.end(simulations)
                if left:
                    raise DrillError(f"not scored: {left}")
        finally:
            load.close()

    @contextmanager
    def _step(self, done: str) -> Iterator[Callable[[str], None]]:
        notes: list[str] = []
        start = time.monotonic()
        try:
            yield notes.append
        except DrillError as error:
            raise DrillError(f"{done}: {error}") from error
        told = "".join(f" ({note})" for note in notes)
        self._say(f"{time.monotonic() - start:6.1f} s  {done}{told}")
