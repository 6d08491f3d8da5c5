"""HTTP face of the skill taxonomy."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.skills.schemas import (
    SkillDropped,
    SkillPut,
    SkillQuery,
    SkillView,
    TaxonomyView,
)
from services.api.skills.service import SkillService
from shared.errors import ConflictError, NotFoundError

READ = "skills:read"
WRITE = "skills:write"


class SkillRoutes:
    """`/v1/skills`."""

    def __init__(self, skills: SkillService) -> None:
        self._skills = skills

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/skills",
            scope=READ,
            query=SkillQuery,
            answers={200: TaxonomyView},
        )
    )
    async def get_skills(self, call: Call) -> Answer:
        """Get the skill taxonomy: nine roots, their skills, what shows each, where it is seen."""
        query: SkillQuery = call.query
        taxonomy = await self._skills.taxonomy(call.principal)
        return Answer(body=TaxonomyView.of(taxonomy, include_hidden=query.include_hidden))

    @endpoint(
        Endpoint(
            method="PUT",
            path="/v1/skills/{key:@}",
            scope=WRITE,
            body=SkillPut,
            answers={200: SkillView},
            problems=(NotFoundError, ConflictError),
        )
    )
    async def put_skill(self, call: Call) -> Answer:
        """Add a skill under one of the nine roots, or rename, recode or hide a standard one.

        Standard keys cannot be moved or removed: results and reports keep them.
        """
        body: SkillPut = call.body
        return Answer(
            body=SkillView.of(
                await self._skills.put(call.principal, call.texts["key"], body.word())
            )
        )

    @endpoint(
        Endpoint(
            method="DELETE",
            path="/v1/skills/{key:@}",
            scope=WRITE,
            answers={200: SkillDropped},
            problems=(NotFoundError, ConflictError),
        )
    )
    async def drop_skill(self, call: Call) -> Answer:
        """Take back what you said about a skill; one that you added is gone then."""
        key = call.texts["key"]
        await self._skills.drop(call.principal, key)
        return Answer(body=SkillDropped(key=key))
