"""The limits of all senders on one page."""

import re

import pytest
from sqlalchemy import insert, select

from app.channels import limits as channel_limits
from app.channels.contract import Channel
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel.db import db_now
from app.sending.models import ThrottleBucket, ThrottleCell
from app.sending.throttle import CELL_SECONDS, SECOND_US, to_us
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
    assert text.index("E-mail") < text.index("all senders of this channel together") < text.index("Office")


def test_limits_of_several_senders_are_saved_at_once(admin: Browser, accounts: list[int]) -> None:
    office, shop = accounts
    given = {f"smtp:{office}:per_hour": "", f"smtp:{office}:per_day": " 500 ", f"smtp:{shop}:per_second": "2"}
    assert "were saved" in admin.post(PATH, data=given, follow_redirects=True).text
    assert limits() == [(None, None, None, 500), (2, None, None, None)]


def test_a_whole_channel_gets_a_limit_and_loses_it(admin: Browser, accounts: list[int]) -> None:
    assert 'name="channel:sms:per_hour"' not in admin.get(PATH).text  # no gateway, no row
    admin.post(PATH, data={"channel:email:per_hour": "90"})
    assert 'name="channel:email:per_hour" value="90"' in admin.get(PATH).text
    admin.post(PATH, data={"channel:email:per_hour": ""})
    db.session.rollback()
    assert channel_limits.of_all()[Channel.EMAIL].per_hour is None


def test_the_use_of_each_limit_and_what_binds_stay_fresh(admin: Browser, accounts: list[int]) -> None:
    now = db_now()
    key, second = f"smtp:{accounts[0]}", int(now.timestamp())
    for back, granted in ((5, 7), (600, 30), (4000, 9)):
        db.session.execute(insert(ThrottleCell).values(key=f"{key}:use", cell=second - back, granted=granted))
    next_us = to_us(now) + 600 * SECOND_US
    db.session.execute(insert(ThrottleBucket).values(key=f"{key}:hour", next_us=next_us, left_in_batch=0))
    db.session.commit()
    text = admin.get(f"{PATH}use").text
    hour = text.split(f'id="use-smtp-{accounts[0]}-per_hour" hx-swap-oob="morph"')[1].split('id="use-')[0]
    assert "37 of 100" in hour and 'aria-valuenow="37"' in hour
    assert "waits for the limit per hour" in text and "next message at" in text
    assert f'id="now-smtp-{accounts[1]}"' in text and "<form" not in text


def test_a_full_day_is_what_binds(admin: Browser, accounts: list[int]) -> None:
    admin.post(PATH, data={f"smtp:{accounts[0]}:per_day": "100"})
    assert "waits for the limit of 24 hours" in admin.get(f"{PATH}use").text


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


def test_gateways_of_one_twilio_account_get_a_limit_together(admin: Browser, accounts: list[int]) -> None:
    factories.gateway(name="Texts")
    db.session.commit()
    key = f"twilio:AC{'0' * 32}"
    assert key not in admin.get(PATH).text  # its only gateway has the same limit
    factories.whatsapp_gateway(name="WhatsApp 1")
    db.session.commit()
    page = admin.get(PATH).text
    assert f'name="{key}:per_day" value=""' in page
    assert "Twilio account …0000" in page and "Texts, WhatsApp 1" in page
    admin.post(PATH, data={f"{key}:per_day": "90"})
    assert f'name="{key}:per_day" value="90"' in admin.get(PATH).text
    assert "0 of 90" in admin.get(f"{PATH}use").text
    assert "Limits of a Twilio account edited" in admin.get("/operations/audit/").text
    admin.post(PATH, data={f"{key}:per_day": ""})
    assert f'name="{key}:per_day" value=""' in admin.get(PATH).text
