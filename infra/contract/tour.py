"""Sends the requests of `tour.yaml` to an API and hands back what it answered."""

import asyncio
import re
import time
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import yaml

from services.api.openapi.examples import Taken
from shared.yaml_files import read_yaml

PATIENCE_S: Final = 60.0
"""Seconds for which a GET is repeated until its answer is as told."""

PAUSE_S: Final = 0.1

SHOWN_HEADERS: Final = ("Location", "Operation-Location", "Retry-After", "Link")

_ROOT: Final = Path(__file__).resolve().parents[2]

Json = dict[str, Any]


class TourError(Exception):
    """An answer is not the expected one."""


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request; what the fields mean stands in `tour.yaml`."""

    operation: str
    title: str
    path: dict[str, Any] = {}
    query: dict[str, Any] = {}
    body: Any = None
    keep: dict[str, str] = {}
    status: int | None = None
    until: dict[str, Any] = {}
    shown: bool = True


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A request of the tour with its answer."""

    step: Step
    template: str
    """Path of the operation, with its parameters by name."""
    method: str
    path: dict[str, Any]
    query: dict[str, Any]
    body: Any
    status: int
    headers: dict[str, str]
    answer: Any

    def taken(self) -> Taken:
        """Return what the document shows of it."""
        return Taken(
            operation=self.step.operation,
            title=self.step.title,
            path=self.path,
            query=self.query,
            body=self.body,
            status=self.status,
            headers={name: self.headers[name] for name in SHOWN_HEADERS if name in self.headers},
            answer=self.answer,
        )


def read_tour() -> list[Step]:
    """Return the steps in order."""
    raw = read_yaml(files("infra.contract").joinpath("tour.yaml"))
    return msgspec.convert(raw, list[Step])


class Tour:
    """Follows the steps with one client, whose headers carry the key."""

    def __init__(self, client: httpx.AsyncClient, document: Json, kept: Mapping[str, Any]) -> None:
        """Take the operations from the document that the API serves; `kept` are the values that
        steps use and no answer gives.
        """
        self._client = client
        self._operations = {
            operation["operationId"]: (method.upper(), template, operation)
            for template, methods in document["paths"].items()
            for method, operation in methods.items()
        }
        self._kept: dict[str, Any] = {"version": document["info"]["version"], **kept}

    async def play(self, steps: list[Step]) -> list[Sent]:
        """Send every request in turn.

        Raises:
            TourError: an answer has another status than expected, or never became as told.
        """
        return [await self._send(number, step) for number, step in enumerate(steps)]

    async def _send(self, number: int, step: Step) -> Sent:
        method, template, operation = self._operations[step.operation]
        path, query = self._filled(step.path), self._filled(step.query)
        body = self._filled(step.body)
        headers = {}
        if any(each["name"] == "Idempotency-Key" for each in operation["parameters"]):
            headers["Idempotency-Key"] = f"tour-{number}"
        address = re.sub(r"\{(\w+)\}", lambda found: str(path[found[1]]), template)
        expected = step.status or min(int(each) for each in operation["responses"])
        deadline = time.monotonic() + PATIENCE_S
        while True:
            response = await self._client.request(
                method, address, params=query or None, json=body, headers=headers
            )
            answer = _read(response)
            if response.status_code != expected:
                raise TourError(f"{step.operation}: {response.status_code} {response.text[:2000]}")
            if all(pointed(answer, at) == value for at, value in step.until.items()):
                break
            if time.monotonic() > deadline:
                raise TourError(f"{step.operation}: not {step.until} but {response.text[:2000]}")
            await asyncio.sleep(PAUSE_S)
        for name, pointer in step.keep.items():
            self._kept[name] = pointed(answer, pointer)
        return Sent(
            step=step,
            template=template,
            method=method,
            path=path,
            query=query,
            body=body,
            status=response.status_code,
            headers={name.title(): value for name, value in response.headers.items()},
            answer=answer,
        )

    def _filled(self, value: Any) -> Any:
        return fill(value, self._kept)


def fill(value: Any, kept: Mapping[str, Any]) -> Any:
    """Return a part of a request with the values it names."""
    if isinstance(value, str) and value.startswith("$"):
        return kept[value[1:]]
    if isinstance(value, dict):
        if "$yaml_of" in value:
            return _last_block(_ROOT / value["$yaml_of"])
        return {key: fill(each, kept) for key, each in value.items()}
    return [fill(each, kept) for each in value] if isinstance(value, list) else value


def pointed(value: Any, pointer: str) -> Any:
    """Return what a JSON Pointer leads to; None where it leads nowhere."""
    for part in pointer.split("/")[1:]:
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (IndexError, KeyError, TypeError):
            return None
    return value


def _last_block(page: Path) -> Any:
    return yaml.safe_load(page.read_text(encoding="utf-8").split("```yaml\n")[-1].split("```")[0])


def _read(response: httpx.Response) -> Any:
    if not response.content:
        return None
    is_json = response.headers["content-type"].endswith(("/json", "+json"))
    return response.json() if is_json else response.text


def operations_of(document: Json) -> Iterator[str]:
    """Yield the operationIds of a document."""
    for methods in document["paths"].values():
        for operation in methods.values():
            yield operation["operationId"]
