"""Several keys of a tenant at once, and two master keys. [R-C10]"""

from uuid import UUID

import pytest

from shared.db.sealed import (
    LOOKUP_ID,
    MasterKey,
    SealKey,
    TenantKey,
    UnknownKeyError,
    UnsealError,
    WrappedKey,
)

TENANT, OTHER, LEARNER = UUID(int=1), UUID(int=2), UUID(int=3)
COLUMN = "teams.name"


def _wrapped(master: MasterKey, *ids: int, active: int) -> list[WrappedKey]:
    return [
        WrappedKey(
            key_id=each, wrapped=master.new_tenant_key(TENANT, each), is_active=each <= active
        )
        for each in ids
    ]


@pytest.fixture
def master() -> MasterKey:
    return MasterKey(b"m" * 32)


class TestATenantsKeys:
    def test_the_last_active_one_seals_and_all_of_them_open(self, master: MasterKey) -> None:
        wrapped = _wrapped(master, 1, 2, 3, active=2)
        now = master.tenant_keys(TENANT, wrapped)
        before = master.tenant_keys(TENANT, wrapped[:1])
        later = master.tenant_keys(TENANT, [WrappedKey(key_id=3, wrapped=wrapped[2].wrapped)])

        assert now.key_id == 2
        assert now.seal(b"x", COLUMN, b"r")[1] == 2
        for other in (before, later):
            assert now.open(other.seal(b"x", COLUMN, b"r"), COLUMN, b"r") == b"x"

    def test_an_unknown_key_is_named_and_told(self, master: MasterKey) -> None:
        told: list[int] = []
        wrapped = _wrapped(master, 1, 7, active=7)
        old = master.tenant_keys(TENANT, wrapped[:1], lambda: told.append(1))
        sealed = master.tenant_keys(TENANT, wrapped).seal(b"x", COLUMN, b"r")

        with pytest.raises(UnknownKeyError, match="sealed with key 7"):
            old.open(sealed, COLUMN, b"r")
        assert told == [1]
        with pytest.raises(UnsealError, match="does not belong here"):
            old.open(old.seal(b"x", COLUMN, b"r"), COLUMN, b"other row")
        assert told == [1], "a wrong row is no reason to read the keys again"

    def test_a_key_under_another_number_does_not_open(self, master: MasterKey) -> None:
        key = master.tenant_keys(TENANT, _wrapped(master, 1, active=1))
        sealed = bytearray(key.seal(b"x", COLUMN, b"r"))
        sealed[1] = 2
        both = TenantKey(TENANT, b"k" * 32, key_id=2, others={1: b"j" * 32})
        with pytest.raises(UnsealError):
            both.open(bytes(sealed), COLUMN, b"r")

    def test_the_lookup_hash_survives_the_first_key(self, master: MasterKey) -> None:
        first = _wrapped(master, 1, active=1)
        before = master.tenant_keys(TENANT, first)
        lookup = WrappedKey(
            key_id=LOOKUP_ID, wrapped=master.wrap(TENANT, LOOKUP_ID, before.lookup_key)
        )
        after = master.tenant_keys(TENANT, [lookup, *_wrapped(master, 2, active=2)])

        assert after.lookup("emp-1") == before.lookup("emp-1")
        assert master.tenant_keys(TENANT, _wrapped(master, 2, active=2)).lookup(
            "emp-1"
        ) != before.lookup("emp-1")

    def test_without_a_key_that_seals_there_is_none(self, master: MasterKey) -> None:
        with pytest.raises(UnknownKeyError, match="no key that seals"):
            master.tenant_keys(TENANT, _wrapped(master, 1, active=0))

    def test_a_learners_key_opens_under_the_old_and_the_new_one(self, master: MasterKey) -> None:
        wrapped = _wrapped(master, 1, 2, active=2)
        old = master.tenant_keys(TENANT, wrapped[:1])
        learner = old.new_learner_key(LEARNER)
        sealed = old.learner_key(LEARNER, learner).seal(b"said", "turns.text", b"r")
        new = master.tenant_keys(TENANT, wrapped)

        assert new.learner_key(LEARNER, learner).open(sealed, "turns.text", b"r") == b"said"
        again = new.seal(
            old.open(learner, "learner_keys.wrapped", LEARNER.bytes),
            "learner_keys.wrapped",
            LEARNER.bytes,
        )
        assert new.learner_key(LEARNER, again).open(sealed, "turns.text", b"r") == b"said"


class TestTheMasterKey:
    def test_both_open_and_the_new_one_wraps(self, master: MasterKey) -> None:
        both = MasterKey(b"n" * 32, previous=b"m" * 32)
        old = master.new_tenant_key(TENANT)
        again = both.rewrap(TENANT, 1, old)

        assert again is not None
        assert both.rewrap(TENANT, 1, again) is None
        sealed = master.tenant_key(TENANT, old).seal(b"x", COLUMN, b"r")
        assert MasterKey(b"n" * 32).tenant_key(TENANT, again).open(sealed, COLUMN, b"r") == b"x"
        assert both.tenant_key(TENANT, old).open(sealed, COLUMN, b"r") == b"x"

    def test_another_one_says_which_setting_is_wrong(self, master: MasterKey) -> None:
        with pytest.raises(UnknownKeyError, match="RAPPORT_MASTER_KEY is not the one"):
            MasterKey(b"z" * 32).tenant_key(TENANT, master.new_tenant_key(TENANT))
        with pytest.raises(UnknownKeyError):
            MasterKey(b"z" * 32, previous=b"y" * 32).rewrap(
                TENANT, 1, master.new_tenant_key(TENANT)
            )

    def test_the_hash_key_opens_with_either(self, master: MasterKey) -> None:
        wrapped = master.wrap_hash_key(b"h" * 32)
        assert MasterKey(b"n" * 32, previous=b"m" * 32).open_hash_key(wrapped) == b"h" * 32
        with pytest.raises(UnknownKeyError):
            MasterKey(b"n" * 32).open_hash_key(wrapped)

    def test_it_has_32_bytes(self) -> None:
        for key, previous in ((b"short", None), (b"m" * 32, b"short")):
            with pytest.raises(ValueError, match="32 bytes"):
                MasterKey(key, previous=previous)


@pytest.mark.parametrize(
    ("tenant", "column", "row"),
    [(OTHER, COLUMN, b"r"), (TENANT, "teams.external_id", b"r"), (TENANT, COLUMN, b"s")],
)
def test_a_sealed_value_moved_anywhere_else_does_not_open(
    tenant: UUID, column: str, row: bytes
) -> None:
    sealed = SealKey(TENANT, b"k" * 32).seal(b"x", COLUMN, b"r")
    with pytest.raises(UnsealError):
        SealKey(tenant, b"k" * 32).open(sealed, column, row)
