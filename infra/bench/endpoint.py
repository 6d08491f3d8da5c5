"""The scripted endpoint for measurements: a process of its own, whose work is nobody's."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.bench.product import ProductError


class ScriptedEndpoint:
    """A running `rapport llm fake`."""

    def __init__(self, url: str) -> None:
        self.url = url
        """The base URL for the product."""

    def environment(self) -> dict[str, str]:
        """Return what the product reads to use it, with money enough for every measurement."""
        return {
            "RAPPORT_LLM_BASE_URL": self.url,
            "RAPPORT_LLM_MODEL": "fake-1",
            "RAPPORT_LLM_ALLOW_PRIVATE": "true",
            "RAPPORT_LLM_MONTHLY_BUDGET_USD": "10000",
        }

    def counts(self) -> dict[str, Any]:
        """Return how often it was asked, and how many requests were in flight at most."""
        return self._ask("GET", "counts")

    def clear(self) -> None:
        """Count from zero again."""
        self._ask("DELETE", "requests")

    def _ask(self, method: str, name: str) -> dict[str, Any]:
        url = f"{self.url.removesuffix('/v1')}/fake/{name}"
        # An address on this machine that we made ourselves, so no other scheme can be meant.
        request = urllib.request.Request(url, method=method)  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def scripted_endpoint(latency_ms: float, script: Path | None = None) -> Iterator[ScriptedEndpoint]:
    """Start the endpoint; without a script it answers our own prompts, after `latency_ms`."""
    command = [sys.executable, "-m", "infra.cli.main", "llm", "fake", "--port", "0", "--quiet"]
    command += ["--latency-ms", str(latency_ms)]
    if script is not None:
        command += ["--script", str(script)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line.startswith("listening on "):
            raise ProductError("the scripted endpoint did not start")
        yield ScriptedEndpoint(line.split()[2].rstrip(";"))
    finally:
        process.terminate()
        process.wait(30)
