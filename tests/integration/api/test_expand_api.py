"""`expand`: what an answer names, shown with it, in a fixed number of statements. [R-A9]"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest

from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.ids import parse_id
from shared.keys import SCOPES
from tests.integration.api.conftest import KeyMaker, Partner
from tests.support.scored import judged, score_simulation


async def _scored(
    partner: Partner, database: Database, keys: KeyRing, learner: str | None = None
) -> dict[str, Any]:
    learner = learner or await partner.learner(name="Ada")
    simulation = await partner.simulation(learner)
    await score_simulation(
        database,
        keys,
        partner.tenant.tenant_id,
        parse_id("sim", simulation["id"]),
        judged(71, {"relate.empathy": 71}),
    )
    found: dict[str, Any] = (await partner.get(f"/v1/simulations/{simulation['id']}")).json()
    return found


@contextmanager
def _counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements of a block that have values: all but begin, commit and settings."""
    statements: list[str] = []
    real = asyncpg.connection.Connection._execute

    async def noted(self: Any, query: str, args: Any, *rest: Any, **options: Any) -> Any:
        statements.append(query)
        return await real(self, query, args, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.connection.Connection, "_execute", noted)
        yield statements


async def test_a_simulation_with_everything(
    partner: Partner, database: Database, keys: KeyRing
) -> None:
    plain = await _scored(partner, database, keys)
    path = f"/v1/simulations/{plain['id']}"

    shown = (
        await partner.get(path, params={"expand": "learner,scenario,scoring.assessment"})
    ).json()

    assert "expanded" not in plain
    beside = shown.pop("expanded")
    assert shown == plain
    assert beside["learner"] == (await partner.get(f"/v1/learners/{plain['learner_id']}")).json()
    assert beside["scenario"]["id"] == plain["scenario"]["id"]
    assert beside["scoring"]["id"] == plain["scoring_id"]
    assessment = beside["scoring"]["expanded"]["assessment"]
    assert (assessment["id"], assessment["overall"]) == (plain["assessment_id"], 71)


async def test_repeated_is_as_good_as_commas(
    partner: Partner, database: Database, keys: KeyRing
) -> None:
    plain = await _scored(partner, database, keys)
    path = f"/v1/scorings/{plain['scoring_id']}"

    commas = await partner.get(path, params={"expand": "learner,simulation.scenario"})
    repeated = await partner.get(
        path, params=[("expand", "learner"), ("expand", "simulation.scenario")]
    )

    assert commas.status_code == 200, commas.text
    assert repeated.json() == commas.json()
    beside = commas.json()["expanded"]
    assert beside["simulation"]["expanded"]["scenario"]["id"] == plain["scenario"]["id"]


async def test_assessments_in_both_forms(
    partner: Partner, database: Database, keys: KeyRing
) -> None:
    plain = await _scored(partner, database, keys)
    expand = {"expand": "scoring.simulation,scoring.learner,learner"}

    whole = (await partner.get(f"/v1/assessments/{plain['assessment_id']}", params=expand)).json()
    listed = (
        await partner.get("/v1/assessments", params={**expand, "learner_id": plain["learner_id"]})
    ).json()["data"]

    for each in (whole, *listed):
        beside = each["expanded"]["scoring"]["expanded"]
        assert beside["simulation"]["id"] == plain["id"]
        assert beside["learner"] == each["expanded"]["learner"]
    assert "criteria" in whole
    assert "criteria" not in listed[0]


async def test_what_is_not_there_is_null(partner: Partner) -> None:
    simulation = await partner.simulation()

    shown = await partner.get(
        f"/v1/simulations/{simulation['id']}", params={"expand": "scoring.assessment,learner"}
    )

    assert shown.json()["expanded"]["scoring"] is None
    assert shown.json()["expanded"]["learner"]["id"] == simulation["learner_id"]


@pytest.mark.parametrize(
    ("noun", "expand"),
    [
        ("simulations", "learner,scenario,scoring.assessment"),
        ("scorings", "learner,simulation.scenario,assessment"),
        ("assessments", "learner,scoring.simulation,scoring.learner"),
    ],
)
async def test_the_number_of_statements_does_not_grow(
    partner: Partner,
    database: Database,
    keys: KeyRing,
    monkeypatch: pytest.MonkeyPatch,
    noun: str,
    expand: str,
) -> None:
    for _ in range(6):
        await _scored(partner, database, keys)
    counts = {}
    for limit in (1, 6):
        params = {"limit": limit, "expand": expand, "created_after": "2020-01-01T00:00:00Z"}
        await partner.get(f"/v1/{noun}", params=params)
        with _counted(monkeypatch) as statements:
            response = await partner.get(f"/v1/{noun}", params=params)
        assert len(response.json()["data"]) == limit
        counts[limit] = len(statements)
    with _counted(monkeypatch) as statements:
        await partner.get(f"/v1/{noun}", params={"limit": 6})
    kinds = len(
        {path.split(".")[-1] for path in expand.split(",")}
        | {path.split(".")[0] for path in expand.split(",")}
    )
    skills = "assessment" in expand.replace(",", ".").split(".")

    assert counts[1] == counts[6]
    assert counts[6] - len(statements) == kinds + skills


@pytest.mark.parametrize(
    ("path", "expand", "count"),
    [
        ("/v1/simulations", "turns", 1),
        ("/v1/simulations", "", 1),
        ("/v1/simulations", "learner,", 1),
        ("/v1/simulations", "learner.team,scoring.assessment.scoring", 2),
        ("/v1/scorings", "scoring", 1),
        ("/v1/assessments", "scoring.assessment", 1),
        ("/v1/simulations/sim_" + "0" * 26, "nothing", 1),
        ("/v1/assessments/asm_" + "0" * 26, "simulation", 1),
    ],
)
async def test_an_unknown_path_is_named(
    partner: Partner, path: str, expand: str, count: int
) -> None:
    response = await partner.get(path, params={"expand": expand})

    assert response.status_code == 400
    errors = response.json()["errors"]
    assert [(each["pointer"], each["code"]) for each in errors] == [
        ("query:expand", "unknown-value")
    ] * count


async def test_the_scope_of_what_is_shown_is_needed(
    partner: Partner, database: Database, keys: KeyRing, key_maker: KeyMaker
) -> None:
    plain = await _scored(partner, database, keys)
    scopes = [scope for scope in SCOPES if scope != "learners:read"]
    narrow = partner.as_key(await key_maker.new(partner.tenant.tenant_id, scopes=scopes))
    path = f"/v1/simulations/{plain['id']}"

    refused = await narrow.get(path, params={"expand": "learner"})

    assert (refused.status_code, refused.json()["code"]) == (403, "scope-missing")
    assert "learners:read" in refused.json()["detail"]
    assert (await narrow.get(path, params={"expand": "scoring"})).status_code == 200


async def test_an_erased_learner_is_null(
    partner: Partner, database: Database, keys: KeyRing
) -> None:
    from shared.db.tx import tenant_tx  # noqa: PLC0415  (only here)

    plain = await _scored(partner, database, keys)
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        await connection.execute(
            "delete from learner_keys where tenant_id = $1 and learner_id = $2",
            partner.tenant.tenant_id,
            parse_id("lrn", plain["learner_id"]),
        )

    shown = await partner.get(f"/v1/simulations/{plain['id']}", params={"expand": "learner"})

    assert shown.json()["expanded"] == {"learner": None}
