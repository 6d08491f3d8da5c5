"""The rendering process: begun when needed, ended when it hangs, dies or rests."""

import asyncio

import pytest

from services.reporting.documents import rendering
from services.reporting.documents.jobs import ChartJob, PageJob
from services.reporting.documents.rendering import Renderer, RenderError
from tests.support.report_pages import page


async def test_a_hung_process_is_ended_and_the_next_document_gets_a_new_one() -> None:
    renderer = Renderer(deadline_s=0.001)
    with pytest.raises(TimeoutError):
        await renderer.render(ChartJob(page=page(), chart="trend", format="vega"))
    assert not renderer.is_running
    renderer = Renderer(deadline_s=60)
    assert await renderer.render(ChartJob(page=page(), chart="trend", format="vega"))
    await renderer.close()
    assert not renderer.is_running


async def test_what_cannot_be_drawn_is_refused_and_the_process_goes_on() -> None:
    renderer = Renderer(deadline_s=60)
    wrong = PageJob(page=page(), format="pdf", paper="a99")  # type: ignore[arg-type]  # on purpose
    with pytest.raises(RenderError):
        await renderer.render(wrong)
    good = ChartJob(page=page(), chart="heatmap", format="vega")
    assert await renderer.render(good) == await renderer.render(good)
    await renderer.close()


async def test_a_dead_process_is_replaced() -> None:
    renderer = Renderer(deadline_s=60)
    job = ChartJob(page=page(), chart="distribution", format="vega")
    first = await renderer.render(job)
    assert renderer._process is not None
    renderer._process.kill()
    await renderer._process.wait()
    assert await renderer.render(job) == first
    await renderer.close()


async def test_an_idle_process_goes() -> None:
    renderer = Renderer(deadline_s=60, idle_s=0.01)
    await renderer.render(ChartJob(page=page(), chart="trend", format="vega"))
    process = renderer._process
    assert process is not None
    async with asyncio.timeout(60):
        assert await process.wait() == 0
    assert not renderer.is_running


async def test_no_secret_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_MASTER_KEY", "secret")
    seen: list[dict[str, str]] = []
    begin = asyncio.create_subprocess_exec

    async def noted(*program: str, **options: object) -> asyncio.subprocess.Process:
        seen.append(options["env"])  # type: ignore[arg-type]  # a mapping of texts
        return await begin(*program, **options)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(rendering.asyncio, "create_subprocess_exec", noted)
    renderer = Renderer(deadline_s=60)
    await renderer.render(ChartJob(page=page(), chart="trend", format="vega"))
    await renderer.close()
    assert set(seen[0]) == {"PYTHONPATH"}
