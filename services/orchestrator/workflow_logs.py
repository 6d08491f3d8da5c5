"""Log lines of activities say which workflow they belong to, and broken replays are counted."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor
from typing_extensions import override

from shared.telemetry import catalog, metrics

LOGGER: Final = "temporalio.worker._workflow"
"""Where the SDK says, at level debug, why it drops a workflow from its cache."""

_MARK: Final = "nondeterminis"
"""In whatever it says of a replay that took another way."""


class WorkflowIds(Interceptor):
    """Binds `workflow_id` to everything that an activity logs."""

    @override
    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Bound(super().intercept_activity(next))


class _Bound(ActivityInboundInterceptor):
    @override
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        with structlog.contextvars.bound_contextvars(workflow_id=activity.info().workflow_id):
            return await super().execute_activity(input)


class ReplayFilter(logging.Filter):
    """Counts workflow tasks whose replay took another way than their history; hides debug lines."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if _MARK in record.getMessage().lower() or _MARK in type(error).__name__.lower():
            catalog.NON_DETERMINISM.add()
        return record.levelno > logging.DEBUG


@asynccontextmanager
async def counted_replays() -> AsyncIterator[None]:
    """Count broken replays while the block runs, if this process counts anything."""
    if not metrics.is_on():
        yield
        return
    catalog.NON_DETERMINISM.add(by=0)  # an alert on the first one needs a nought before it
    logger, watch = logging.getLogger(LOGGER), ReplayFilter()
    logger.addFilter(watch)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.setLevel(logging.NOTSET)
        logger.removeFilter(watch)
