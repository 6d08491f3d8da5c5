"""What an activity logs says which workflow it belongs to, and nothing afterwards does. [R-D4]"""

from dataclasses import replace
from typing import Any

import structlog
from structlog.contextvars import get_contextvars
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput
from typing_extensions import override

from services.orchestrator.workflow_logs import WorkflowIds


class Logging(ActivityInboundInterceptor):
    """The innermost: an activity that logs, and may fail."""

    def __init__(self, *, fails: bool = False) -> None:
        self._fails = fails

    @override
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        structlog.get_logger().info("activity.worked", rows=3)
        if self._fails:
            raise OSError("away")
        return dict(get_contextvars())


async def _run(innermost: ActivityInboundInterceptor) -> Any:
    environment = ActivityEnvironment()
    environment.info = replace(ActivityEnvironment.default_info(), workflow_id="scr_01")
    work = WorkflowIds().intercept_activity(innermost)
    given = ExecuteActivityInput(fn=lambda: None, args=(), executor=None, headers={})
    return await environment.run(work.execute_activity, given)


async def test_every_line_of_an_activity_has_the_id_of_its_workflow() -> None:
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as lines:
        assert await _run(Logging()) == {"workflow_id": "scr_01"}
    (line,) = lines
    assert (line["event"], line["workflow_id"], line["rows"]) == ("activity.worked", "scr_01", 3)
    assert "workflow_id" not in get_contextvars()


async def test_a_failure_leaves_no_id_behind() -> None:
    with structlog.testing.capture_logs():
        try:
            await _run(Logging(fails=True))
        except OSError:
            pass
        else:
            raise AssertionError("it fails")
    assert "workflow_id" not in get_contextvars()
