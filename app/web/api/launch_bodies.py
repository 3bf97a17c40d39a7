"""How the launch check of a campaign stands in the answers of the API."""

from datetime import datetime
from typing import Any

from marshmallow import fields

from app.reports.launch import LaunchCheck
from app.web import forecast, launch
from app.web.api.bodies import Body, Choice, Flag, Moment, Text, Whole


class LeftOutShown(Body):
    """How many people are left out for a reason."""

    reason = Text()
    count = Whole()


class PeopleShown(Body):
    """Whom a campaign would write to from now on."""

    waiting = Whole()
    left_out = fields.List(fields.Nested(LeftOutShown))


class MissingShown(Body):
    """A field that has no default, and how many people have nothing there. example_contact_id: null for those who may
    not read contacts."""

    field = Text()
    count = Whole()
    example_contact_id = Whole(allow_none=True)


class ForecastShown(Body):
    """When its messages leave. missed: people who are not reached before the calendar ends. is_paced: false when only
    the server says how fast they leave; then last_at is just the beginning."""

    sentence = Text()
    people = Whole()
    missed = Whole()
    first_at = Moment(allow_none=True)
    last_at = Moment(allow_none=True)
    is_paced = Flag()
    is_earliest = Flag()


class LaunchItemShown(Body):
    """One line of the check, in words."""

    key = Text()
    level = Choice(launch.Level)
    text = Text()


class LaunchCheckShown(Body):
    """What somebody should know before a campaign starts. forecast: null without an SMTP account."""

    is_blocked = Flag()
    people = fields.Nested(PeopleShown)
    missing = fields.List(fields.Nested(MissingShown))
    forecast = fields.Nested(ForecastShown, allow_none=True)
    items = fields.List(fields.Nested(LaunchItemShown))


def launch_shown(check: LaunchCheck, now: datetime, may_see_contacts: bool) -> Any:
    """The check as the API shows it."""
    outlook = check.outlook
    missing = [
        {"field": hole.name, "count": hole.people, "example_contact_id": hole.example_id if may_see_contacts else None}
        for hole in check.missing
    ]
    shown = outlook and {
        "sentence": forecast.sentence(check, now),
        "people": outlook.people,
        "missed": outlook.missed,
        "first_at": outlook.first_at,
        "last_at": outlook.last_at,
        "is_paced": outlook.is_paced,
        "is_earliest": check.is_earliest,
    }
    left_out = [{"reason": reason.value, "count": count} for reason, count in check.people.left_out.items()]
    return LaunchCheckShown().dump(
        {
            "is_blocked": launch.is_blocked(check),
            "people": {"waiting": check.people.waiting, "left_out": left_out},
            "missing": missing,
            "forecast": shown,
            "items": launch.items(check),
        }
    )
