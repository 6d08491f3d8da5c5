"""A migrated template database, and clones of it."""

from itertools import count
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from infra.devstack.stack import Stack
from infra.provision import provision
from infra.supervisor import LOGIN
from shared.config import Secret, Settings

TEMPLATE = "rapport_template"


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


class Databases:
    """Clones of one migrated database on the run's server."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._names = count(1)

    @classmethod
    async def create(cls, stack: Stack) -> "Databases":
        self = cls(stack)
        await self._maintain(f"create database {TEMPLATE}")
        await provision(self.owner_url(TEMPLATE), login_password=stack.credentials.postgres_login)
        return self

    def owner_url(self, name: str) -> str:
        return _with_database(self._stack.database_url, name)

    async def clone(self) -> str:
        name = f"test_{next(self._names)}"
        await self._maintain(f"create database {name} template {TEMPLATE}")
        return name

    async def drop(self, name: str) -> None:
        await self._maintain(f"drop database {name} with (force)")

    def settings(self, owner_url: str, nats_user: str = "admin") -> Settings:
        login = self._stack.database_url_for(LOGIN, self._stack.credentials.postgres_login)
        return Settings(
            database_url=Secret(_with_database(login, urlsplit(owner_url).path.lstrip("/"))),
            nats_url=Secret(self._stack.nats_url_for(nats_user)),
            temporal_address=self._stack.temporal_address,
            master_key=Secret(self._stack.credentials.master_key),
            api_port=0,
        )

    async def _maintain(self, statement: str) -> None:
        connection = await asyncpg.connect(self._stack.database_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
