"""HTTP face of learner tokens."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.learner_tokens.schemas import TokenCreate, TokenView
from services.api.learner_tokens.service import TokenService
from shared.errors import NotFoundError


class TokenRoutes:
    """`/v1/learner_tokens`."""

    def __init__(self, tokens: TokenService) -> None:
        self._tokens = tokens

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/learner_tokens",
            scope="learner_tokens:write",
            body=TokenCreate,
            answers={201: TokenView},
            problems=(NotFoundError,),
        )
    )
    async def create_learner_token(self, call: Call) -> Answer:
        """Make a short-lived token with which your page speaks for one learner.

        Nothing is stored, so a repeat makes another token. It ends with its time, and within 5
        seconds with the key that made it.
        """
        token, text = await self._tokens.make(call.principal, call.body)
        return Answer(
            body=TokenView.of(token, text), status=201, headers={"Cache-Control": "no-store"}
        )
