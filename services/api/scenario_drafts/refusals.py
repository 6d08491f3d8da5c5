"""Refusals that only those meet who want something drafted."""

from shared.contracts.llm import WhyEmbedded
from shared.errors import AppError

_DETAILS = {
    WhyEmbedded.TEST_KEY: "This is a test key, and those never spend money: use a live one",
    WhyEmbedded.DISABLED: "The tenant has turned the model off for drafting",
}


class ModelRequiredError(AppError):
    """Only a language model can do this, and there is none for this request."""

    code, status, title = "model-required", 422, "This needs a language model"

    def __init__(self, why: WhyEmbedded = WhyEmbedded.NO_MODEL) -> None:
        super().__init__(
            _DETAILS.get(
                why,
                "Neither the tenant nor the installation has a language model configured",
            )
        )
