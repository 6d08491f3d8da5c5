"""A result without words: what people said is taken out, every number stays."""

import msgspec

from shared.contracts.scoring import CriterionResult, IndicatorResult, JudgeResult


def without_quotes(result: JudgeResult) -> JudgeResult:
    """Return the result without quotes and without advice, which is about them."""
    return msgspec.structs.replace(
        result,
        criteria=tuple(
            msgspec.structs.replace(
                each, indicators=tuple(_unquoted(indicator) for indicator in each.indicators)
            )
            for each in result.criteria
        ),
        behaviors=tuple(msgspec.structs.replace(each, evidence=None) for each in result.behaviors),
        advice=(),
    )


def without_words(result: JudgeResult) -> JudgeResult:
    """Return the result without quotes, advice and the comments of people."""
    plain = without_quotes(result)
    return msgspec.structs.replace(
        plain, criteria=tuple(_uncommented(each) for each in plain.criteria)
    )


def _unquoted(indicator: IndicatorResult) -> IndicatorResult:
    return msgspec.structs.replace(indicator, evidence=())


def _uncommented(criterion: CriterionResult) -> CriterionResult:
    if criterion.override is None:
        return criterion
    silent = msgspec.structs.replace(criterion.override, comment="")
    return msgspec.structs.replace(criterion, override=silent)
