"""What the SCIM face reads and writes, in one transaction of a tenant."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg
import msgspec
from scim2_models import UniquenessException

from services.api.learners.repository import Learner, LearnerRepository
from services.api.principal import Principal
from services.api.scim.asking import Query
from services.api.scim.documents import COLUMN, Profile, Stored, unwritten
from services.api.scim.moves import moved
from services.api.users.records import (
    DISPLAY_NAME,
    EMAIL,
    USER_NAME,
    User,
    name_key,
)
from services.api.users.repository import UserRepository
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.errors import ConflictError

_SQL = Queries("services.api.scim")


def external_key(external_id: str) -> str:
    """Return what the keyed hash of a provider's own id is made of."""
    return f"scim_external_id\0{external_id}"


def email_key(address: str) -> str:
    """Return what the keyed hash of an address is made of: the same for every case."""
    return f"scim_email\0{address.casefold()}"


class Store:
    """People of a tenant as its provider sees them."""

    def __init__(
        self, connection: Connection, tenant: TenantKey, principal: Principal, now: datetime
    ) -> None:
        self.connection = connection
        self.tenant = tenant
        self.tenant_id = tenant.tenant_id
        self.today: date = principal.today(now)
        """The tenant's day, on which memberships begin and end."""
        self.users = UserRepository(connection, tenant)
        self.learners = LearnerRepository(connection, principal.bounds(now), tenant)

    async def page(self, query: Query) -> tuple[int, list[Stored]]:
        """Return how many users match, and those of one page."""
        wanted = query.wanted
        found: dict[str, object] = {"id": None, "userName": None, "externalId": None}
        found["emails.value"] = None
        if wanted is not None:
            keys = {"userName": name_key, "externalId": external_key, "emails.value": email_key}
            if wanted.attribute == "id":
                found["id"] = wanted.id_of("usr")
            elif wanted.attribute in keys:
                found[wanted.attribute] = self.tenant.lookup(keys[wanted.attribute](wanted.value))
            else:
                return 0, []
        bounds = (self.tenant_id, *found.values())
        total = int(await self.connection.fetchval(_SQL["count_users"], *bounds))
        rows = await self.connection.fetch(
            _SQL["list_users"], *bounds, query.start - 1, query.count
        )
        return total, [self._stored(row) for row in rows]

    async def get(self, user_id: UUID) -> Stored:
        """Return a user; raises `NotFoundError`."""
        user = await self.users.get(user_id)
        sealed = await self.connection.fetchval(_SQL["get_document"], self.tenant_id, user_id)
        return Stored(user=user, profile=self._profile(user, sealed))

    async def has_signed_in(self, user_id: UUID) -> bool:
        """Say whether a user is known by their `sub`, and no longer by their name."""
        found = await self.connection.fetchval(_SQL["has_signed_in"], self.tenant_id, user_id)
        return bool(found)

    async def put_profile(self, user_id: UUID, profile: Profile) -> None:
        """Store the provider's words.

        Raises:
            UniquenessException: the provider's own id is somebody else's.
        """
        key, hashed = self.tenant, None
        if profile.external_id is not None:
            hashed = key.lookup(external_key(profile.external_id))
            if await self.connection.fetchval(
                _SQL["other_with_external_id"], self.tenant_id, hashed, user_id
            ):
                raise UniquenessException(detail="Another user has this externalId")
        sealed = key.seal(msgspec.json.encode(profile), COLUMN, user_id.bytes)
        await self.connection.execute(_SQL["put_document"], self.tenant_id, user_id, sealed, hashed)
        await self.connection.execute(_SQL["drop_emails"], self.tenant_id, user_id)
        hashes = [key.lookup(email_key(each.value)) for each in profile.emails]
        await self.connection.execute(_SQL["add_emails"], self.tenant_id, user_id, hashes)

    async def groups_of(self, user_ids: Sequence[UUID]) -> dict[UUID, list[tuple[UUID, str]]]:
        """Return the groups of users, each with its name, in the order of joining."""
        rows = await self.connection.fetch(_SQL["groups_of"], self.tenant_id, list(user_ids))
        found: dict[UUID, list[tuple[UUID, str]]] = defaultdict(list)
        for row in rows:
            team_id: UUID = row["team_id"]
            name = self.tenant.open_text(row["name"], "teams.name", team_id.bytes)
            found[row["user_id"]].append((team_id, name))
        return found

    async def newest_groups(self, user_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """Return the group of each user that decides about the team."""
        rows = await self.connection.fetch(_SQL["newest_groups"], self.tenant_id, list(user_ids))
        return {row["user_id"]: row["team_id"] for row in rows}

    async def lock_users(self, user_ids: Collection[UUID]) -> list[asyncpg.Record]:
        """Hold users in the order of their ids; return who there is."""
        return await self.connection.fetch(_SQL["lock_users"], self.tenant_id, list(user_ids))

    async def place(self, teams: dict[UUID, UUID | None], *, keeps_future: bool = True) -> None:
        """Put learners into teams from today on; those who were erased are passed over.

        Args:
            teams: The team by learner; None: in no team.
            keeps_future: Memberships that begin later stay.
        """
        if not teams:
            return
        await self.connection.execute(_SQL["lock_learners"], self.tenant_id, list(teams))
        for learner in await self.learners.get_many(list(teams)):
            before = learner.memberships
            team_id = teams[learner.learner_id]
            after = moved(before, team_id, self.today, keeps_future=keeps_future)
            await self.learners.replace_memberships(learner.learner_id, before, after)

    async def learner_for(
        self, user_id: UUID, user_name: str, new: Learner, person_id: UUID
    ) -> UUID:
        """Return the learner who a user is: the one of this external id, or a new one.

        Raises:
            UniquenessException: that learner is another user.
        """
        hashed = self.tenant.lookup(user_name)
        found: UUID | None = await self.connection.fetchval(
            _SQL["find_learner"], self.tenant_id, hashed
        )
        if found is None:
            try:
                await self.learners.insert(new, person_id)
            except ConflictError:  # somebody provisions the same person at this moment
                raise UniquenessException(detail="Another user has this userName") from None
            return new.learner_id
        if await self.connection.fetchval(
            _SQL["other_user_of_learner"], self.tenant_id, found, user_id
        ):
            raise UniquenessException(detail="The learner of this name is another user")
        return found

    async def name_learner(self, learner_id: UUID, name: str | None) -> None:
        """Show this name of a learner from now on; of one who was erased, none."""
        wrapped = await self.connection.fetchval(_SQL["learner_key"], self.tenant_id, learner_id)
        if wrapped is None:
            return
        key = self.tenant.learner_key(learner_id, wrapped)
        sealed = None if name is None else key.seal_text(name, "learners.name", learner_id.bytes)
        await self.connection.execute(_SQL["name_learner"], self.tenant_id, learner_id, sealed)

    def _stored(self, row: asyncpg.Record) -> Stored:
        user = opened(row, self.tenant)
        return Stored(user=user, profile=self._profile(user, row["document"]))

    def _profile(self, user: User, sealed: bytes | None) -> Profile:
        if sealed is None:
            return unwritten(user)
        plain = self.tenant.open(sealed, COLUMN, user.user_id.bytes)
        return msgspec.json.decode(plain, type=Profile)


def opened(row: asyncpg.Record, tenant: TenantKey) -> User:
    """Return a row of `app.users` with its texts opened."""
    plain = {name: row[name] for name in User.__struct_fields__}
    columns = {"user_name": USER_NAME, "email": EMAIL, "display_name": DISPLAY_NAME}
    for name, column in columns.items():
        if row[name] is not None:
            plain[name] = tenant.open_text(row[name], column, row["user_id"].bytes)
    return msgspec.convert(plain, User)
