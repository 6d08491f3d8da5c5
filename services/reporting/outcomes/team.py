"""A team's customer outcomes."""

import calendar
from datetime import date, timedelta

import msgspec

from services.reporting.desk import Desk, QuestionError
from services.reporting.freshness import State, state
from services.reporting.outcomes import repository
from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.outcome_numbers import (
    Answers,
    Contacts,
    Form,
    handle_time_series,
    resolution_series,
    survey_series,
    transfer_series,
)
from services.reporting.trends.outcome_words import headline
from services.reporting.trends.outcomes import Frame
from shared.contracts.reports.outcomes import MAX_MONTHS, OutcomesQuery, OutcomesReply
from shared.db.tx import tenant_tx

_DAY = timedelta(days=1)


async def team_outcomes(desk: Desk, query: OutcomesQuery) -> OutcomesReply:
    """Answer from surveys and contacts as they are; nothing is folded ahead.

    Raises:
        QuestionError: an empty range, or more than `MAX_MONTHS`.
    """
    start, until = whole_months(query.start, query.end)
    scope = (query.tenant_id, query.team_id, start, until)
    async with tenant_tx(desk.database, query.tenant_id) as connection:
        known = await state(connection, query.tenant_id, desk.clock)
        forms = await repository.customer_forms(connection, query.tenant_id)
        surveys = await repository.team_surveys(connection, *scope)
        contacts = await repository.team_contacts(connection, *scope)
    return _reply(query, known, forms, surveys, contacts)


def whole_months(start: date, end: date) -> tuple[date, date]:
    """Return the first day of the first month, and the first day after the last.

    Raises:
        QuestionError: the range ends before it starts, is too long, or leaves the calendar.
    """
    if end < start:
        raise QuestionError("the range ends before it starts", "to")
    if 12 * (end.year - start.year) + end.month - start.month >= MAX_MONTHS:
        raise QuestionError(f"the range is longer than {MAX_MONTHS} months", "from")
    last = end.replace(day=calendar.monthrange(end.year, end.month)[1])
    if last == date.max:
        raise QuestionError("the range leaves the calendar", "to")
    return start.replace(day=1), last + _DAY


def _reply(
    query: OutcomesQuery,
    known: State,
    forms: dict[str, Form],
    surveys: dict[str, list[Answers]],
    contacts: list[Contacts],
) -> OutcomesReply:
    frame = Frame(
        start=query.start,
        end=query.end,
        unit=query.unit,
        open_from=bucket_of(known.today),
        min_people=known.settings.min_people,
    )
    reply = OutcomesReply(
        headline="",
        surveys=tuple(
            survey_series(forms[form], surveys[form], frame)
            for form in sorted(surveys.keys() & forms.keys())  # not what learners were asked
        ),
        handle_time=handle_time_series(contacts, frame),
        resolution=resolution_series(contacts, frame),
        transfers=transfer_series(contacts, frame),
        as_of=known.as_of,
    )
    return msgspec.structs.replace(reply, headline=headline(reply))
