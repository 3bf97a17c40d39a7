"""The limits of all senders on one page."""

import re

import pytest
from sqlalchemy import insert, select

from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel.db import db_now
from app.sending.models import ThrottleCell
from app.sending.throttle import CELL_SECONDS
from tests import factories
from tests.web.conftest import Browser

PATH = "/limits/"


@pytest.fixture()
def accounts(panel: object) -> list[int]:
    made = [factories.account(name="Office", per_hour=100, per_day=400), factories.account(name="Shop")]
    db.session.flush()
    cell = int(db_now().timestamp()) // CELL_SECONDS
    db.session.execute(insert(ThrottleCell).values(key=f"smtp:{made[0].id}:day", cell=cell, granted=100))
    db.session.commit()
    return [each.id for each in made]


def limits() -> list[tuple[int | None, ...]]:
    db.session.rollback()
    db.session.expire_all()
    query = select(SmtpAccount.per_second, SmtpAccount.per_minute, SmtpAccount.per_hour, SmtpAccount.per_day)
    return [tuple(row) for row in db.session.execute(query.order_by(SmtpAccount.name))]


def test_every_sender_stands_there_with_what_it_has_used(admin: Browser, accounts: list[int]) -> None:
    text = admin.get(PATH).text
    assert text.index("Office") < text.index("Shop")
    assert f'name="smtp:{accounts[0]}:per_hour" value="100"' in text
    assert 'aria-valuemax="400" aria-valuenow="100"' in text and 'data-width="25.0"' in text
    assert "counted once there is a limit" in text


def test_limits_of_several_senders_are_saved_at_once(admin: Browser, accounts: list[int]) -> None:
    office, shop = accounts
    given = {f"smtp:{office}:per_hour": "", f"smtp:{office}:per_day": " 500 ", f"smtp:{shop}:per_second": "2"}
    assert "were saved" in admin.post(PATH, data=given, follow_redirects=True).text
    assert limits() == [(None, None, None, 500), (2, None, None, None)]


@pytest.mark.parametrize("bad", ["-1", "1.5", "ten", "0", "99999999999"])
def test_a_bad_number_is_said_at_its_field_and_nothing_is_saved(admin: Browser, accounts: list[int], bad: str) -> None:
    office, shop = accounts
    answer = admin.post(PATH, data={f"smtp:{office}:per_hour": "7", f"smtp:{shop}:per_minute": bad})
    assert answer.status_code == 200
    assert re.search(rf'name="smtp:{shop}:per_minute" value="{re.escape(bad)}"[^>]* aria-invalid="true"', answer.text)
    assert f'name="smtp:{office}:per_hour" value="7"' in answer.text
    assert limits() == [(None, None, 100, 400), (None, None, None, None)]


def test_a_manager_reads_and_changes_nothing(manager: Browser, accounts: list[int]) -> None:
    text = manager.get(PATH).text
    assert "Only an administrator changes limits." in text
    assert (
        re.search(rf'name="smtp:{accounts[0]}:per_hour"[^>]* disabled', text)
        and 'type="submit"' not in text.split("model_form")[1].split("</form>")[0]
    )
    assert manager.post(PATH, data={f"smtp:{accounts[0]}:per_hour": "1"}).status_code == 403
    assert limits()[0] == (None, None, 100, 400)


def test_an_analyst_does_not_see_limits(manager: Browser, analyst: Browser, accounts: list[int]) -> None:
    gear = f'href="{PATH}" data-modal-form'
    factories.ready_campaign()
    db.session.commit()
    assert gear in manager.get("/dashboard/campaigns").text
    assert gear not in analyst.get("/dashboard/campaigns").text
    assert "Office" not in analyst.get(PATH, follow_redirects=True).text


def test_without_a_sender_the_page_says_what_to_do(admin: Browser) -> None:
    assert "No sender yet" in admin.get(PATH).text
