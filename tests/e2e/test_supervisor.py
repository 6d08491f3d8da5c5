"""`rapport up` as a process: how it ends, what a crash of it leaves, and the commands beside it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from infra.devstack.process import wait_for
from infra.supervisor import SERVICES
from shared.ids import parse_id
from tests.e2e.partner import Partner
from tests.e2e.truth import assert_whole, settled
from tests.support.product import Product
from tests.support.waiting import eventually

GONE_TIMEOUT_S = 5.0
"""Seconds after a crash of the supervisor until nothing of it may run any more."""

REVOKED_TIMEOUT_S = 10.0
"""Seconds: the command says 5, and the machine may be busy."""


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Product]:
    """A product of the test's own, not started yet."""
    made = Product(tmp_path / "data", {"RAPPORT_WORDING_DELAY_MS": "300"})
    yield made
    made.clean_up()


def _is_one_line(text: str) -> bool:
    return text.startswith("rapport: ") and text.count("\n") == 1 and text.endswith("\n")


async def test_a_crash_of_the_supervisor_and_a_clean_end(
    fresh: Product, recovered: Callable[[str], None]
) -> None:
    # One product for the three: kill -9 with work in flight, a new start, SIGINT.
    fresh.start()
    first = fresh.up
    partner = Partner.new(fresh, "survivor")
    learner = await partner.learner(await partner.team("Survivors"))
    simulations = await partner.simulations(learner, 5)
    await partner.simulations(learner, 2, mode="autopilot", profile="unskilled")
    await partner.score_many(learner, 20)
    keys = [f"turn-{number}" for number in range(5)]
    for key, one in zip(keys, simulations, strict=True):
        partner.begin(_say_once(partner, one, key))
    await _committed(partner, 5)

    fresh.kill_supervisor()
    crashed = time.monotonic()
    assert wait_for(lambda: not fresh.processes(), GONE_TIMEOUT_S), fresh.processes()
    gone = time.monotonic() - crashed
    await partner.close()

    fresh.start()
    assert fresh.up.api_key == first.api_key
    assert fresh.up.ops_key == first.ops_key
    partner.reconnect()
    for key, one in zip(keys, simulations, strict=True):
        await partner.say(one, 1, "I am so sorry.", key=key)
        await partner.end(one)
    done = await settled(partner)
    recovered(
        f"supervisor       all processes gone after {gone:5.1f} s, work done {done:5.1f} s after"
    )
    await assert_whole(partner)
    await partner.close()

    assert fresh.stop(signal.SIGINT) == 0
    assert not fresh.up_path.exists()
    assert not fresh.processes()


async def _committed(partner: Partner, amount: int) -> None:
    """Return once so many first turns are stored."""

    async def all_are_there() -> bool:
        rows = await partner.product.sql(
            "select count(*) from turns where tenant_id = $1 and seq = 1", partner.tenant_id
        )
        return bool(rows[0][0] >= amount)

    await eventually(all_are_there)


async def _say_once(partner: Partner, simulation_id: str, key: str) -> None:
    body = {"text": "I am so sorry.", "expected_seq": 0}
    await partner.post(f"/v1/simulations/{simulation_id}/turns", body, key=key)


async def test_sigterm_lets_turns_in_flight_finish(fresh: Product) -> None:
    fresh.start()
    partner = Partner.new(fresh, "polite")
    simulation = await partner.simulation(await partner.learner())
    answer = partner.begin(_expect_reply(partner, simulation["id"]))
    await _committed(partner, 1)

    fresh.ask_to_stop(signal.SIGTERM)
    await answer
    await partner.close()

    assert fresh.wait() == 0
    assert not fresh.up_path.exists()
    assert not fresh.processes()
    assert fresh.output.endswith("stopping ...\nstopped\n")


async def _expect_reply(partner: Partner, simulation_id: str) -> None:
    path = f"/v1/simulations/{simulation_id}/turns"
    answer = await partner.post(path, {"text": "I am so sorry.", "expected_seq": 0})
    assert answer.status_code == 200
    assert answer.json()["reply"]["seq"] == 2


def test_a_second_product_in_the_same_place_is_refused(product: Product) -> None:
    before = product.up

    second = product.run("up", "--no-durable")

    assert second.returncode == 1
    assert _is_one_line(second.stderr), second.stderr
    assert f"another rapport is running here (pid {before.pids['supervisor']})" in second.stderr
    assert product.up == before
    assert httpx.get(f"{before.api_url}/livez").status_code == 200


def test_what_is_secret_is_private(product: Product) -> None:
    for name in ("up.json", "secrets.json", "demo-keys.json", "nats.conf", "stack.json"):
        assert (product.data_dir / name).stat().st_mode & 0o077 == 0, name
    assert product.data_dir.stat().st_mode & 0o077 == 0


def test_up_json_tells_the_truth(product: Product) -> None:
    up = product.up
    assert set(up.pids) == {
        "supervisor", "postgres", "nats", "temporal",
        "orchestrator", "api", "sim-worker", "scoring-worker", "reporting",
    }  # fmt: skip
    for pid in up.pids.values():
        os.kill(pid, 0)
    assert set(up.pids.values()) <= set(product.processes())
    headers = {"Authorization": f"Bearer {up.api_key}"}
    assert httpx.get(f"{up.api_url}/v1/scenarios", headers=headers).status_code == 200
    assert httpx.get(f"{up.api_url}/readyz").status_code == 200
    assert set(up.health_ports) == set(SERVICES)
    for name, port in up.health_ports.items():
        for path in ("livez", "readyz", "metrics"):
            probe = httpx.get(f"http://127.0.0.1:{port}/{path}")
            assert probe.status_code == 200, (name, path, probe.text)


def test_config_lists_every_variable(product: Product) -> None:
    listed = product.run("config")

    assert listed.returncode == 0
    lines = listed.stdout.splitlines()
    variables = [line for line in lines if not line.startswith(" ")]
    assert {"RAPPORT_DATABASE_URL", "RAPPORT_MASTER_KEY", "RAPPORT_TURN_WAIT_S"} <= set(variables)
    assert len(lines) == 3 * len(variables), "each with its meaning and its default"
    assert all(line.startswith("RAPPORT_") for line in variables)


def _status(product: Product, key: str, path: str = "/v1/scenarios") -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.get(f"{product.up.api_url}{path}", headers=headers).status_code


def test_keys_come_and_go(product: Product) -> None:
    tenant = product.run("tenants", "create", "keys-come-and-go", "--time-zone", "Europe/Vienna")
    assert tenant.returncode == 0, tenant.stderr
    parse_id("ten", tenant.stdout.strip())
    made = [product.run("keys", "create", "keys-come-and-go") for _ in range(2)]
    kept, revoked = (each.stdout.strip() for each in made)
    reader = product.run("keys", "create", "keys-come-and-go", "--scope", "scenarios:read")
    assert (_status(product, kept), _status(product, revoked)) == (200, 200)
    assert _status(product, reader.stdout.strip()) == 200
    assert _status(product, reader.stdout.strip(), "/v1/scorings") == 403

    done = product.run("keys", "revoke", revoked)

    assert done.returncode == 0, done.stderr
    assert wait_for(lambda: _status(product, revoked) == 401, REVOKED_TIMEOUT_S)
    assert _status(product, kept) == 200


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("tenants", "create", "demo"), "exists already"),
        (("tenants", "create", "Not A Slug"), "lower-case"),
        (("tenants", "create", "nowhere", "--time-zone", "Mars/Base"), "Mars/Base"),
        (("keys", "create", "no-such-tenant"), "no tenant no-such-tenant"),
        (("keys", "create", "demo", "--scope", "everything"), "unknown scope"),
        (("keys", "revoke", "nonsense"), "key_"),
        (("keys", "revoke", "key_00000000000000000000000000"), "no such key"),
        (("reports", "verify", "no-such-tenant"), "no tenant no-such-tenant"),
    ],
)
def test_an_error_is_one_line(product: Product, arguments: tuple[str, ...], says: str) -> None:
    failed = product.run(*arguments)

    assert failed.returncode == 1
    assert failed.stdout == ""
    assert _is_one_line(failed.stderr), failed.stderr
    assert says in failed.stderr


def test_without_a_product_commands_say_what_to_do(fresh: Product) -> None:
    failed = fresh.run("tenants", "create", "lonely")

    assert failed.returncode == 1
    assert _is_one_line(failed.stderr), failed.stderr
    assert "rapport up" in failed.stderr
