"""Requests and answers of `/v1/settings/reports`."""

from datetime import datetime
from typing import Annotated

import msgspec

from services.api.fields import utc
from services.api.report_settings.service import Stored, Wish
from shared.contracts.reports.settings import MAX_MIN_PEOPLE, MIN_PEOPLE, ReportSettings

MinPeople = Annotated[
    int,
    msgspec.Meta(
        ge=MIN_PEOPLE,
        le=MAX_MIN_PEOPLE,
        description="Distinct people behind every number about a group; fewer are not shown.",
    ),
]
Weekday = Annotated[int, msgspec.Meta(ge=1, le=7, description="Of the weekly page; 1 is Monday.")]
Hour = Annotated[
    int, msgspec.Meta(ge=0, le=23, description="Of the weekly page, in your time zone.")
]


class ReportSettingsPut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Your choices, in place of earlier ones; what is absent has its default again."""

    expected_revision: Annotated[
        int,
        msgspec.Meta(
            ge=0, le=2**31 - 1, description="The revision that you have read; 0 where none is set."
        ),
    ]
    min_people: MinPeople = MIN_PEOPLE
    rank_people: Annotated[
        bool,
        msgspec.Meta(
            description="Whether lists may order people by their scores. Off unless you say so."
        ),
    ] = False
    is_weekly: Annotated[
        bool, msgspec.Meta(description="Whether a page per team is made each week.")
    ] = False
    weekly_weekday: Weekday = 1
    weekly_hour: Hour = 6

    def wish(self) -> Wish:
        """Return what the service takes."""
        return Wish(
            expected_revision=self.expected_revision,
            settings=ReportSettings(
                min_people=self.min_people,
                rank_people=self.rank_people,
                is_weekly=self.is_weekly,
                weekly_weekday=self.weekly_weekday,
                weekly_hour=self.weekly_hour,
            ),
        )


class ReportSettingsView(msgspec.Struct, frozen=True, kw_only=True):
    """What is set about your reports."""

    revision: int
    """0: nothing is set, these are the defaults."""
    min_people: int
    rank_people: bool
    is_weekly: bool
    weekly_weekday: int
    weekly_hour: int
    updated_at: datetime | None

    @classmethod
    def of(cls, stored: Stored) -> "ReportSettingsView":
        """Return the public form."""
        settings, at = stored
        return cls(
            **{name: getattr(settings, name) for name in ReportSettings.__struct_fields__},
            updated_at=None if at is None else utc(at),
        )
