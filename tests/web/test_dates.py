"""Dates and times in the forms and filters that are made from tables."""

from datetime import UTC, datetime

import pytest

from app.campaigns.models import Campaign
from app.extensions import db
from app.web import dates
from tests import factories
from tests.web.conftest import Browser


def campaign_of(created_at: datetime, name: str) -> Campaign:
    made = factories.campaign(name=name)
    made.created_at = created_at
    return made


def test_the_filters_of_fabs_own_times_use_the_pages_picker(admin: Browser) -> None:
    page = admin.get("/users/list/")
    assert page.status_code == 200
    field = page.text.split('<template data-column="created_on">')[1].split("</template>")[0]
    assert "data-datetime" in field
    assert "appbuilder_datetime" not in page.text


def test_what_the_picker_writes_filters_fabs_own_times(admin: Browser) -> None:
    after = "/users/list/?_flt_1_created_on="
    assert "admin@example.org" in admin.get(f"{after}2020-01-01 00:00").text
    assert "admin@example.org" not in admin.get(f"{after}2999-01-01 00:00").text


@pytest.mark.parametrize(
    ("operator", "expected"),
    [(0, ["Late"]), (1, ["Early"])],
    ids=["from", "before"],
)
def test_our_times_are_filtered_by_the_clocks_of_the_person(
    manager: Browser, operator: int, expected: list[str]
) -> None:
    campaign_of(datetime(2026, 6, 1, 21, 59, tzinfo=UTC), "Early")
    campaign_of(datetime(2026, 6, 1, 22, 0, tzinfo=UTC), "Late")
    db.session.commit()
    manager.set_cookie("zone", "Europe/Warsaw")  # two hours before UTC in June
    page = manager.get(f"/campaigns/list/?_flt_{operator}_created_at=2026-06-02 00:00").text
    assert [name for name in ("Early", "Late") if f">{name}</a>" in page] == expected


def test_a_time_that_is_none_matches_nothing(manager: Browser) -> None:
    factories.campaign(name="Early")
    db.session.commit()
    page = manager.get("/campaigns/list/?_flt_0_created_at=tomorrow")
    assert page.status_code == 200
    assert ">Early</a>" not in page.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-01 10:30", datetime(2026, 6, 1, 10, 30, tzinfo=UTC)),
        ("2026-06-01", datetime(2026, 6, 1, tzinfo=UTC)),
        (" 2026-06-01T10:30:05+02:00 ", datetime(2026, 6, 1, 8, 30, 5, tzinfo=UTC)),
        ("soon", None),
        ("", None),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, expected: datetime | None) -> None:
    assert dates.moment_of(text) == expected
