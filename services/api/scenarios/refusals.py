"""Refusals that only authors of scenarios meet."""

from collections.abc import Sequence

from shared.errors import AppError, FieldError
from shared.library.lint import LANGUAGES, Finding


class LanguageNotSupportedError(AppError):
    """No engine here speaks the language; a language model must be configured first."""

    code, status, title = "language-not-supported", 422, "This language needs a language model"

    def __init__(
        self,
        language: str | None = None,
        *,
        pointer: str = "/spec/language",
        detail: str | None = None,
    ) -> None:
        detail = detail or (
            f"Scenarios are written in {', '.join(sorted(LANGUAGES))}; what is spoken may be"
            " another language, which a simulation asks for when it starts"
        )
        wrong = FieldError(pointer=pointer, code=self.code, detail=detail)
        super().__init__(detail, errors=() if language is None else (wrong,))


class ScenarioFaultsError(AppError):
    """The scenario has faults that keep it from being published; `errors` names all of them."""

    code, status, title = "scenario-has-faults", 422, "The scenario has faults"

    def __init__(self, findings: Sequence[Finding] = ()) -> None:
        super().__init__(errors=tuple(_field_error(finding) for finding in findings))


def _field_error(finding: Finding) -> FieldError:
    lead = "Advice only: " if finding.severity == "warning" else ""
    return FieldError(
        pointer=f"/spec{finding.path}",
        code=finding.code,
        detail=f"{lead}{finding.message}. {finding.advice}",
    )
