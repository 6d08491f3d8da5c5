"""Group `db`: what row-level security and sealing cost an insert."""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import uvloop

from infra.bench.product import running
from infra.bench.rows import Report
from infra.devstack.credentials import Credentials
from infra.provision import settings_for
from infra.supervisor import UpFile
from infra.tenants import Registry
from shared.db import pool
from shared.db.sealed import MasterKey
from shared.db.tx import tenant_insert
from shared.ids import Uuid7Maker

WORKERS = 10
ROUNDS = 5
ROUND_S = 1.0
TEXT = ("I understand how upsetting this is, and I will sort it out with you today. " * 5)[:400]

_INSERT = """
insert into consumer_positions (tenant_id, consumer, position)
select $1, $2, 0
"""


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    with running(data_dir, {}) as (up, _):
        uvloop.run(_measure(report, up, data_dir))
