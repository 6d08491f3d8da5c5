"""`rapport scenarios draft` and `rapport rubrics draft`, with a database and a scripted endpoint."""

import asyncio
import os
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from shared.config import Settings
from tests.support.drafting import TRANSCRIPT, impossible, leaking
from tests.support.llm import Answer, FakeLlm, answering, endpoint, environment
from tests.support.product import COMMAND
from tests.support.tenants import Tenant, TenantFactory

IDEA = "A bakery moved somebody's cake to the wrong day."
SCORECARD = "1. Greets the customer (20)\n2. Explains the reason (60)\n3. Wears a badge (20)"


@pytest.fixture
async def fake() -> AsyncIterator[FakeLlm]:
    async with endpoint() as running:
        yield running


@pytest.fixture(scope="module")
async def tenant(tenants: TenantFactory) -> Tenant:
    return await tenants.new()


class Shell:
    """Runs the command on a file, and remembers what it said."""

    def __init__(self, folder: Path, tenant: Tenant, variables: dict[str, str]) -> None:
        self._folder = folder
        self._tenant = tenant
        self.variables = variables
        self.out = self.err = ""

    async def run(self, noun: str, text: str, *options: str) -> int:
        path = self._folder / "source.txt"
        path.write_text(text, encoding="utf-8")
        line = ("draft", "--from", str(path), "--tenant", self._tenant.slug, *options)
        return await self._call(noun, *line)

    async def lint(self, noun: str) -> int:
        path = self._folder / "drafted.yaml"
        path.write_text(self.out, encoding="utf-8")
        return await self._call(noun, "lint", str(path))

    async def _call(self, *line: str) -> int:
        running = await asyncio.create_subprocess_exec(
            COMMAND, *line, env=self.variables, stdout=PIPE, stderr=PIPE
        )
        out, err = await running.communicate()
        self.out, self.err = out.decode(), err.decode()
        assert running.returncode is not None
        return running.returncode


@pytest.fixture
def shell(tmp_path: Path, tenant: Tenant, settings: Settings, fake: FakeLlm) -> Shell:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("RAPPORT_")}
    reached = {
        "RAPPORT_DATABASE_URL": settings.database_url.reveal,
        "RAPPORT_MASTER_KEY": settings.master_key.reveal,
    }
    return Shell(tmp_path, tenant, inherited | reached | environment(fake.url))


async def test_a_scenario_is_printed_as_a_file_that_can_be_published(
    shell: Shell, fake: FakeLlm
) -> None:
    assert await shell.run("scenarios", IDEA, "--role", "sales", "--slug", "my-cake") == 0
    spec = yaml.safe_load(shell.out)
    assert (spec["slug"], spec["role"]) == ("my-cake", "sales")
    assert "skilled: 6 of 6 ended well" in shell.err
    assert shell.err.endswith("it may be published\n")
    assert await shell.lint("scenarios") == 0
    assert fake.count == 1


@pytest.mark.slow
async def test_a_transcript_is_read_without_the_people_in_it(shell: Shell, fake: FakeLlm) -> None:
    text = "\n".join(f"{side.title()}: {said}" for side, said in TRANSCRIPT)
    assert await shell.run("scenarios", text, "--kind", "transcript") == 0
    assert "Brandl" not in str(fake.asked[0].json())
    fake.play(answering(json=leaking()))
    assert await shell.run("scenarios", text, "--kind", "transcript") == 1
    assert shell.out == ""
    assert "failed checks" in shell.err


@pytest.mark.slow
async def test_what_fails_its_trial_is_printed_with_what_is_wrong(
    shell: Shell, fake: FakeLlm
) -> None:
    fake.play(answering(json=impossible()))
    assert await shell.run("scenarios", IDEA) == 1
    assert yaml.safe_load(shell.out)["title"]
    assert "trial-skilled-fails" in shell.err


@pytest.mark.slow
async def test_a_rubric(shell: Shell) -> None:
    await shell.run("rubrics", SCORECARD, "--title", "Badge form")
    assert yaml.safe_load(shell.out)["title"] == "Badge form"
    assert "not in the rubric: Wears a badge" in shell.err


@pytest.mark.slow
async def test_what_cannot_be_done_is_one_line(shell: Shell, fake: FakeLlm) -> None:
    assert await shell.run("scenarios", "  ") == 1
    assert "is empty" in shell.err
    assert await shell.run("scenarios", IDEA, "--slug", "No Slug") == 1
    fake.play(answering(Answer(status=401)))
    assert await shell.run("scenarios", IDEA) == 1
    assert shell.err == "rapport: the model brought no draft: unauthorized\n"
    shell.variables["RAPPORT_LLM_BASE_URL"] = ""
    assert await shell.run("scenarios", IDEA) == 1
    assert shell.err == "rapport: the model brought no draft: no model\n"
