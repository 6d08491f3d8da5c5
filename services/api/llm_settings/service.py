"""Reading and replacing what a tenant has set about its language model."""

from typing import Final

import msgspec

from services.api.context import ProcessContext
from services.api.principal import Principal
from services.api.trail.recording import note
from shared.db.tx import tenant_tx
from shared.errors import ConflictError, FieldError, ScopeMissingError, ValidationFailedError
from shared.llm.egress import check_base_url, policy_for
from shared.llm.endpoint import Endpoint
from shared.llm.failures import BaseUrlRefusedError
from shared.llm.stored import (
    ModelSettings,
    StoredSettings,
    delete_settings,
    find_settings,
    hold_settings,
    put_settings,
)
from shared.log import get_logger

log = get_logger()

TARGET: Final = "settings/llm"
"""What the audit trail calls these settings."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to be set."""

    settings: ModelSettings
    expected_revision: int
    keeps_key: bool
    """The key that was given before stays."""
    keeps_headers: bool


class LlmSettingsService:
    """Settings of a tenant's language model."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    @property
    def has_installation(self) -> bool:
        """Whether there is an endpoint for tenants without their own."""
        return bool(self._context.settings.llm_base_url)

    async def get(self, principal: Principal) -> StoredSettings:
        """Return what is set.

        Raises:
            ScopeMissingError: the key is bound.
        """
        check_whole(principal)
        context = self._context
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            return await find_settings(connection, tenant)

    async def put(self, principal: Principal, wish: Wish) -> StoredSettings:
        """Replace what is set; the same again changes nothing, whatever revision is expected.

        Raises:
            ScopeMissingError: the key is bound, or a test key.
            ValidationFailedError: the base URL may not be called, or a kept key would go to
                another host.
            ConflictError: the settings have moved on.
        """
        _check_live(principal)
        self._check(wish.settings.endpoint)
        context = self._context
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            await hold_settings(connection, principal.tenant_id)
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            before = await find_settings(connection, tenant)
            wanted = completed(wish, before.settings.endpoint)
            if before.revision and before.settings == wanted:
                return before
            _check_revision(before, wish.expected_revision)
            await put_settings(connection, tenant, wanted, context.clock.now())
            after = await find_settings(connection, tenant)
            await note(
                connection,
                principal,
                context.clock.now(),
                "settings.changed",
                TARGET,
                before=_without_secrets(before.settings),
                after=_without_secrets(wanted),
                facts={"revision": after.revision, "is_redacted": wanted.policy.is_redacted},
            )
        log.info(
            "llm.settings_changed",
            key_id=str(principal.key_id),
            revision=after.revision,
            has_endpoint=wanted.endpoint is not None,
            is_redacted=wanted.policy.is_redacted,
        )
        return after

    async def delete(self, principal: Principal) -> None:
        """Forget everything, the key with it; a second time changes nothing.

        Raises:
            ScopeMissingError: the key is bound, or a test key.
        """
        _check_live(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            await delete_settings(connection, principal.tenant_id)
            now = self._context.clock.now()
            await note(connection, principal, now, "settings.deleted", TARGET)
        log.info("llm.settings_deleted", key_id=str(principal.key_id))

    def _check(self, endpoint: Endpoint | None) -> None:
        if endpoint is None:
            return
        policy = policy_for(is_own=True, allow_private=self._context.settings.llm_allow_private)
        try:
            check_base_url(policy, endpoint.base_url)
        except BaseUrlRefusedError as error:
            raise _wrong("/endpoint/base_url", "not-allowed", f"Not allowed: {error}") from None


def _without_secrets(settings: ModelSettings) -> tuple[str, object]:
    """Return what a digest may be made of: everything but the key and the values of headers."""
    endpoint = settings.endpoint
    if endpoint is None:
        return "", settings
    where = f"{endpoint.base_url} {endpoint.api_version} {sorted(endpoint.headers)}"
    return where, msgspec.structs.replace(settings, endpoint=None)


def check_whole(principal: Principal) -> None:
    """Refuse keys that see only some people.

    Raises:
        ScopeMissingError: the key is bound.
    """
    if principal.team_ids is not None or principal.learner_id is not None:
        raise ScopeMissingError("A key bound to teams or to a learner has no settings")


def _check_live(principal: Principal) -> None:
    """Refuse test keys too: what is set counts for live conversations, and for their money."""
    check_whole(principal)
    if principal.environment == "test":
        raise ScopeMissingError("A test key reads these settings, and does not change them")


def completed(wish: Wish, before: Endpoint | None) -> ModelSettings:
    """Return what is to be set, with the secrets that stay.

    Raises:
        ValidationFailedError: a key that stays would be sent to another host.
    """
    endpoint = wish.settings.endpoint
    if endpoint is None:
        return wish.settings
    if before is not None and before.origin == endpoint.origin:
        if wish.keeps_key:
            endpoint = msgspec.structs.replace(endpoint, key=before.key)
        if wish.keeps_headers:
            endpoint = msgspec.structs.replace(endpoint, headers=before.headers)
    elif wish.keeps_key and before is not None and before.key.reveal:
        detail = "The endpoint is another one: give its key, or null for none"
        raise _wrong("/api_key", "required", detail)
    return msgspec.structs.replace(wish.settings, endpoint=endpoint)


def _check_revision(before: StoredSettings, expected: int) -> None:
    if before.revision != expected:
        detail = f"The settings are at revision {before.revision}: read them and replace those"
        wrong = FieldError(pointer="/expected_revision", code="conflict", detail=detail)
        raise ConflictError(detail, errors=(wrong,))


def _wrong(pointer: str, code: str, detail: str) -> ValidationFailedError:
    return ValidationFailedError(errors=(FieldError(pointer=pointer, code=code, detail=detail),))
