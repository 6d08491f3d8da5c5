"""Sealed columns open only where they belong."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.db.sealed import MasterKey, SealKey, TenantKey, UnsealError

TENANT = UUID(int=1)
OTHER = UUID(int=2)
LEARNER = UUID(int=3)


@pytest.fixture
def master() -> MasterKey:
    return MasterKey(b"m" * 32)


@pytest.fixture
def tenant(master: MasterKey) -> TenantKey:
    return master.tenant_key(TENANT, master.new_tenant_key(TENANT))


def test_a_learner_key_opens_what_it_sealed(tenant: TenantKey) -> None:
    key = tenant.learner_key(LEARNER, tenant.new_learner_key(LEARNER))
    sealed = key.seal_text("I never got my parcel", "turns.text", b"row")
    assert b"parcel" not in sealed
    assert key.open_text(sealed, "turns.text", b"row") == "I never got my parcel"


def test_another_row_column_or_tenant_does_not_open(tenant: TenantKey) -> None:
    sealed = tenant.seal(b"x", "teams.name", b"row")
    same_key = SealKey(OTHER, b"k" * 32)
    for key, column, row in [
        (tenant, "teams.name", b"other"),
        (tenant, "teams.external_id", b"row"),
        (same_key, "teams.name", b"row"),
    ]:
        with pytest.raises(UnsealError):
            key.open(sealed, column, row)


def test_wrapped_keys_are_bound_to_their_owner(master: MasterKey, tenant: TenantKey) -> None:
    with pytest.raises(UnsealError):
        master.tenant_key(OTHER, master.new_tenant_key(TENANT))
    with pytest.raises(UnsealError):
        tenant.learner_key(UUID(int=4), tenant.new_learner_key(LEARNER))


def test_a_changed_byte_does_not_open(tenant: TenantKey) -> None:
    sealed = bytearray(tenant.seal(b"text", "teams.name", b"row"))
    for position in range(len(sealed)):
        changed = (
            bytes(sealed[:position]) + bytes([sealed[position] ^ 1]) + bytes(sealed[position + 1 :])
        )
        with pytest.raises(UnsealError):
            tenant.open(changed, "teams.name", b"row")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_not_crashed_on(junk: bytes) -> None:
    key = SealKey(TENANT, b"k" * 32)
    with pytest.raises(UnsealError):
        key.open(junk, "turns.text", b"row")


def test_lookups_differ_between_tenants(master: MasterKey) -> None:
    one = master.tenant_key(TENANT, master.new_tenant_key(TENANT))
    other = master.tenant_key(OTHER, master.new_tenant_key(OTHER))
    assert one.lookup("emp-7") == one.lookup("emp-7")
    assert one.lookup("emp-7") != other.lookup("emp-7")
