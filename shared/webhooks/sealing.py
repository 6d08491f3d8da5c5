"""Which sealed column of webhooks is bound to which row, and whose key seals it.

All are sealed with the tenant's key, apart from bodies and responses of deliveries that say
`learner_id`: those hold that person's words or name, and become noise when the person is erased.
"""

from typing import Final
from uuid import UUID

from shared.db.keys import KeyRing
from shared.db.pool import Connection
from shared.db.sealed import SealKey

URL: Final = "webhook_endpoints.url"
"""Row: the endpoint's id."""
DESCRIPTION: Final = "webhook_endpoints.description"
"""Row: the endpoint's id."""
METADATA: Final = "webhook_endpoints.metadata"
"""JSON object. Row: the endpoint's id."""
SECRET: Final = "webhook_secrets.secret"
"""The 32 bytes. Row: the secret's id."""
PRIVATE_KEY: Final = "webhook_keys.private_key"
"""The 32 bytes. Row: the key's id."""
BODY: Final = "webhook_deliveries.body"
"""Row: the delivery's id."""
RESPONSE: Final = "webhook_attempts.response"
"""Row: the delivery's id and the number of the attempt, `attempt_row`."""


def attempt_row(delivery_id: UUID, number: int) -> bytes:
    """Return the row bytes of an attempt."""
    return delivery_id.bytes + number.to_bytes(4, "big")


async def delivery_key(
    keys: KeyRing, connection: Connection, tenant_id: UUID, learner_id: UUID | None
) -> SealKey:
    """Return the key of a delivery's body and responses.

    Raises:
        NotFoundError: the learner was erased.
    """
    if learner_id is None:
        return await keys.tenant(connection, tenant_id)
    return await keys.learner(connection, tenant_id, learner_id)
