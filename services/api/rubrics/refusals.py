"""Refusals that only authors of rubrics meet."""

from collections.abc import Sequence

from shared.errors import AppError, ConflictError, FieldError
from shared.library.findings import Finding


class RubricFaultsError(AppError):
    """The rubric has faults that keep it from being published, or from being tried out; `errors`
    names all of them.
    """

    code, status, title = "rubric-has-faults", 422, "The rubric has faults"

    def __init__(self, findings: Sequence[Finding] = ()) -> None:
        super().__init__(errors=tuple(_field_error(finding) for finding in findings))


class RubricArchivedError(ConflictError):
    """The rubric is archived; restore it before publishing."""

    code, title = "rubric-archived", "The rubric is archived"


class RubricInUseError(ConflictError):
    """Published scenarios are scored by the rubric; they must name another one first."""

    code, title = "rubric-in-use", "The rubric is in use"

    def __init__(self, scenarios: Sequence[str] = ()) -> None:
        super().__init__(f"These scenarios are scored by it: {', '.join(scenarios)}")


def _field_error(finding: Finding) -> FieldError:
    lead = "Advice only: " if finding.severity == "warning" else ""
    return FieldError(
        pointer=f"/spec{finding.path}",
        code=finding.code,
        detail=f"{lead}{finding.message}. {finding.advice}",
    )
