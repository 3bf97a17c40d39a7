"""The launch check and the preview in the panel: what they say, what they mend, and what each role sees of them."""

import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from flask import Flask

from app.audience.suppressions import suppress_email
from app.campaigns import service
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.channels import service as channels
from app.extensions import db
from app.kernel import clock
from app.providers import dns
from app.reports.launch import LaunchCheck, Message, People, Sender
from app.sending.forecast import Forecast
from app.sending.limits import limits_of
from app.web import forecast, frames, launch
from app.web.launch import Level
from app.web.views import launch as launch_view
from tests import factories
from tests.providers.name_server import serving
from tests.web.conftest import Browser, SignIn

MONDAY = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
TUESDAY_9, WEDNESDAY_13 = datetime(2026, 11, 24, 8, 0, tzinfo=UTC), datetime(2026, 11, 25, 12, 10, 3, tzinfo=UTC)
WORK = {
    "zone": "Europe/Warsaw",
    "daily_from": time(9),
    "daily_until": time(17),
    "working_days_only": True,
    "delay_seconds": 20,
}


def made(outlook: Forecast, account: dict[str, Any] | None = None, **values: Any) -> LaunchCheck:
    """A check of a campaign with this outlook and nothing else to say."""
    campaign = factories.campaign(sender=factories.account(name="Shop", **(account or {})), **values)
    sender = campaign.smtp_account
    assert sender is not None
    return LaunchCheck(
        campaign=campaign,
        problems=(),
        people=People(outlook.people),
        missing=(),
        sender=Sender(sender, sender, None, False, False, False, False, 0),
        limits=limits_of(campaign, sender, None),
        outlook=outlook,
        message=Message(24_000, 20_000, 0, True),
    )


def test_paces_to_domains_are_said_and_the_end_is_the_earliest(manager: Browser) -> None:
    today = clock.utcnow()
    account = {"per_hour": 100, "domain_paces": {"wp.pl": 5, "gmail.com": 1200}}
    check = made(Forecast(1000, 0, today, today + timedelta(days=3)), account)
    assert forecast.sentence(check, today).endswith(" at the earliest.")
    assert check.sender is not None
    elsewhere = replace(
        check, sender=replace(check.sender, carrier=factories.account())
    )  # the paces of who carries count
    assert not forecast.sentence(elsewhere, today).endswith(" at the earliest.")
    db.session.commit()
    page = manager.get(f"/launch/check/{check.campaign.id}").text
    assert "Not faster than gmail.com 1,200 a minute, wp.pl 5 a minute." in page and "Shop is ready" in page


def test_a_warm_up_is_said_in_the_forecast_and_among_the_items(manager: Browser) -> None:
    today = clock.utcnow()
    account = {"per_day": 900, "warm_up_begins_on": today.date()}
    check = made(Forecast(1000, 0, today, today + timedelta(days=3)), account)
    assert "at most 50 in the first 24 hours and more from day to day" in forecast.sentence(check, today)
    db.session.commit()
    page = manager.get(f"/launch/check/{check.campaign.id}").text
    assert "Shop: Warm-up, day 1 of 12: 50 today." in page and "Shop is ready" in page


def test_a_slower_pace_is_a_warning_and_counts_in_the_forecast(manager: Browser) -> None:
    account = factories.account(name="Shop")
    account.slow_factor, account.slow_from_per_hour = 2, 1200
    campaign = factories.ready_campaign(3, sender=account)
    db.session.commit()
    page = manager.get(f"/launch/check/{campaign.id}").text
    assert "The server of Shop asked to slow down: at most 600 an hour for now" in page
    assert "3 e-mails, 600 an hour" in page


@pytest.mark.parametrize(
    ("outlook", "values", "sentence"),
    [
        (
            Forecast(1103, 0, TUESDAY_9, WEDNESDAY_13),
            WORK,
            "1,103 e-mails, one each 20 s, Mon–Fri 09:00–17:00 Europe/Warsaw: "
            "from Tue 24 Nov 09:00 to Wed 25 Nov about 13:10.",
        ),
        (
            Forecast(300, 0, MONDAY, MONDAY + timedelta(hours=1)),
            {"zone": "UTC", "delay_seconds": 300, "customers_batch_size": 10, "customers_delay_seconds": 7200},
            "300 e-mails, one each 5 min, a pause of 2 h after each 10, day and night UTC: from now to about 20:00.",
        ),
        (Forecast(1, 0, TUESDAY_9, TUESDAY_9), WORK, "1 e-mail, Mon–Fri 09:00–17:00 Europe/Warsaw: Tue 24 Nov 09:00."),
        (
            Forecast(300, 0, TUESDAY_9, TUESDAY_9, is_paced=False),
            {"zone": "Europe/Warsaw", "daily_from": time(22), "daily_until": time(6)},
            "300 e-mails, as fast as the server takes them, daily 22:00–06:00 Europe/Warsaw: from Tue 24 Nov 09:00 on.",
        ),
        (
            Forecast(300, 100, TUESDAY_9, TUESDAY_9.replace(year=2027)),
            {"delay_seconds": 90},
            "200 e-mails, one each 90 s, day and night UTC: from Tue 24 Nov 08:00 to Wed 24 Nov 2027 about 08:00.",
        ),
        (Forecast(300, 300), WORK, "No message can leave: the calendar has no time for it."),
        (Forecast(0), WORK, "Nobody waits for this message."),
    ],
)
def test_the_forecast_is_one_sentence(panel: Any, outlook: Forecast, values: dict[str, Any], sentence: str) -> None:
    with panel.test_request_context():
        assert forecast.sentence(made(outlook, **values), MONDAY) == sentence


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ({"per_second": 5}, "300 e-mails, 5 a second, "),
        ({"per_minute": 60}, "300 e-mails, 60 a minute, "),
        ({"per_hour": 1500}, "300 e-mails, 1,500 an hour, "),
        ({"per_hour": 1500, "per_day": 200}, "300 e-mails, 1,500 an hour, at most 200 in 24 hours, "),
        ({"per_day": 1000}, "300 e-mails, as fast as the server takes them, "),
    ],
)
def test_the_forecast_names_the_limit_that_binds(panel: Any, account: dict[str, int], words: str) -> None:
    with panel.test_request_context():
        outlook = Forecast(300, 0, MONDAY, TUESDAY_9)
        assert forecast.sentence(made(outlook, account), MONDAY).startswith(words)


@pytest.mark.parametrize(
    ("message", "words", "level"),
    [
        (Message(24_000, 20_000, 0, True), "The message has 24 KB.", Level.OK),
        (Message(124_000, 120_000, 0, True), "The HTML has 120 KB. Gmail cuts", Level.WARNING),
        (Message(9_300_000, 20_000, 2, True), "With its documents the message has 9 MB.", Level.WARNING),
    ],
)
def test_a_message_that_is_too_large_is_a_warning(panel: Any, message: Message, words: str, level: Level) -> None:
    with panel.test_request_context():
        check = made(Forecast(1, 0, MONDAY, MONDAY))
        (item,) = (each for each in launch.items(replace(check, message=message)) if each.key == "size")
        assert item.text.startswith(words) and item.level is level


def test_who_is_not_reached_is_a_warning_with_the_end(panel: Any) -> None:
    with panel.test_request_context():
        check = made(Forecast(300, 1, MONDAY, MONDAY), valid_until=clock.utcnow() + timedelta(days=1))
        (item,) = (each for each in launch.items(check) if each.key == "missed")
        assert "1 person is not reached before the validity period ends on" in item.text


@pytest.fixture()
def ready() -> int:
    """A draft for three people of whom one is suppressed and one has no name."""
    folder = factories.folder("Clients")
    factories.contact(folder, first_name="Ann", last_name="Nowak")
    factories.contact(folder, first_name="", last_name="Lis")
    factories.contact(folder, first_name="Cy", email="cy@people.example")
    suppress_email("cy@people.example")
    campaign = factories.campaign(folder, name="Spring sale", sender=factories.account(name="Shop"))
    db.session.commit()
    return campaign.id


def change(campaign_id: int, **values: Any) -> Campaign:
    db.session.rollback()
    campaign = service.get(campaign_id)
    for name, value in values.items():
        setattr(campaign, name, value)
    db.session.commit()
    return campaign


def test_the_check_is_asked_for_after_the_page_is_shown(manager: Browser, ready: int) -> None:
    page = manager.get(f"/campaigns/show/{ready}").text
    assert f'hx-get="/launch/check/{ready}"' in page and "Launch check" in page
    part = manager.get(f"/launch/check/{ready}").text
    assert "<html" not in part and "data-blocked" not in part
    assert "2 e-mails, as fast as the server takes them, day and night UTC: from now on." in part
    assert "2 people get it. 1 is left out: on the suppression list." in part
    assert "1 person has no “first name”: the message leaves a gap there." in part
    assert f'href="/campaigns/edit/{ready}#html"' in part
    assert "Shop is ready and writes as news@shop.example." in part
    assert "An unsubscribe link is added below the message." in part


def test_the_example_of_a_gap_shows_that_person(manager: Browser, ready: int) -> None:
    part = manager.get(f"/launch/check/{ready}").text
    found = re.search(r'href="(/launch/message/\d+\?contact=\d+)"', part)
    assert found is not None
    page = manager.get(found[1]).text
    assert "This person has no first name." in page
    assert "<mark>[first name]</mark>" in page


def test_what_blocks_is_what_a_start_refuses(manager: Browser, ready: int) -> None:
    change(ready, subject="", valid_until=clock.utcnow() - timedelta(days=1))
    part = manager.get(f"/launch/check/{ready}").text
    assert "data-blocked" in part
    assert "Write a subject." in part and f"/campaigns/edit/{ready}#subject" in part
    assert "There is no moment left to send" in part and f"/campaigns/edit/{ready}#valid_until" in part
    assert part.index("Write a subject.") < part.index("people get it")
    refused = manager.post(f"/campaigns/action/publish/{ready}", follow_redirects=True).text
    assert "Write a subject." in refused
    db.session.rollback()
    assert service.get(ready).status is CampaignStatus.DRAFT


def test_a_paused_account_leads_those_who_may_mend_it_to_it(admin: Browser, manager: Browser, ready: int) -> None:
    account = change(ready).smtp_account
    assert account is not None
    account.paused_reason, account_id = "535 wrong password", account.id
    db.session.commit()
    part = admin.get(f"/launch/check/{ready}").text
    assert "535 wrong password" in part and f'href="/smtp-accounts/show/{account_id}"' in part
    assert f"/campaigns/edit/{ready}#smtp_account_id" in manager.get(f"/launch/check/{ready}").text


def test_publish_asks_with_the_check_in_its_question(manager: Browser, ready: int) -> None:
    page = manager.get(f"/campaigns/show/{ready}").text
    (form,) = re.findall(rf'<form action="/campaigns/action/publish/{ready}"[^>]*>', page)
    assert f'data-more="/launch/check/{ready}"' in form
    assert len(re.findall("data-more=", page)) == 1


def test_a_campaign_that_is_over_has_no_check(manager: Browser, ready: int) -> None:
    change(ready, status=CampaignStatus.ENDED)
    assert "/launch/check/" not in manager.get(f"/campaigns/show/{ready}").text


def test_a_live_campaign_shows_its_forecast(manager: Browser, ready: int) -> None:
    change(ready, status=CampaignStatus.SCHEDULED)
    assert "Forecast" in manager.get(f"/campaigns/show/{ready}").text
    part = manager.get(f"/launch/check/{ready}").text
    assert "2 e-mails" in part and "data-blocked" not in part and "gap" not in part


def test_an_analyst_reads_the_check_without_contacts_and_without_anything_to_mend(analyst: Browser, ready: int) -> None:
    part = analyst.get(f"/launch/check/{ready}").text
    assert "2 people get it." in part and "leaves a gap there" in part
    assert "<a " not in part


def test_the_message_is_shown_as_the_contact_that_was_chosen(manager: Browser, ready: int) -> None:
    person = factories.contact(first_name="Łucja", last_name="Bąk")
    db.session.commit()
    page = manager.get(f"/launch/message/{ready}?contact={person.id}").text
    assert "News for Łucja" in page and f'<option value="{person.id}" selected>Łucja Bąk</option>' in page
    frame = manager.get(f"/launch/preview/{ready}?contact={person.id}")
    assert "Dear Łucja, look at our" in frame.text and "https://shop.example/new" in frame.text
    assert "sandbox" in frame.headers["Content-Security-Policy"]
    assert "script-src" not in frame.headers["Content-Security-Policy"]


def test_the_page_of_a_campaign_shows_its_first_person(manager: Browser, ready: int) -> None:
    page = manager.get(f"/campaigns/show/{ready}").text
    assert "News for Ann" in page and "Ann Nowak" in page
    assert re.search(rf'<iframe[^>]*src="/launch/preview/{ready}\?contact=\d+"[^>]*sandbox=', page)
    assert "Dear Ann, look at our new things" in page


def test_who_may_not_read_contacts_sees_the_fields_marked(analyst: Browser, ready: int) -> None:
    person = factories.contact(first_name="Secret")
    db.session.commit()
    for address in (f"/campaigns/show/{ready}", f"/launch/message/{ready}?contact={person.id}"):
        page = analyst.get(address).text
        assert "News for <mark>[first name]</mark>" in page
        assert "filled in for each person" in page
        assert "Ann" not in page and "Secret" not in page and "preview-contact" not in page
    frame = analyst.get(f"/launch/preview/{ready}?contact={person.id}").text
    assert "Dear <mark>[first name]</mark>, look" in frame and "Secret" not in frame


@pytest.mark.parametrize("contact", ["999999", "x", "0", "99999999999999"])
def test_a_contact_that_is_gone_is_told(manager: Browser, ready: int, contact: str) -> None:
    page = manager.get(f"/launch/message/{ready}?contact={contact}")
    assert page.status_code == 200 and "There is no such contact." in page.text
    assert "There is no such contact." in manager.get(f"/launch/preview/{ready}?contact={contact}").text


def test_a_person_who_would_not_get_it_is_told_so(manager: Browser, ready: int) -> None:
    person = factories.contact(email=None, phone="+48600100200")
    db.session.commit()
    assert "would not get it: no address." in manager.get(f"/launch/message/{ready}?contact={person.id}").text


def test_a_message_that_cannot_be_made_says_why_and_where_to_mend_it(manager: Browser, ready: int) -> None:
    change(ready, html="<p>{{ nobody }}</p>")
    page = manager.get(f"/campaigns/show/{ready}").text
    assert "There is no field “nobody”." in page and f'href="/campaigns/edit/{ready}"' in page
    assert "There is no field" in manager.get(f"/launch/preview/{ready}").text


def test_width_and_darkness_are_kept_in_the_address(manager: Browser, ready: int) -> None:
    page = manager.get(f"/launch/message/{ready}?width=phone&dark=1").text
    assert "is-phone" in page and "is-dark" in page and "dark=1" in page
    assert "invert(1)" in manager.get(f"/launch/preview/{ready}?dark=1").text
    assert "invert(1)" not in manager.get(f"/launch/preview/{ready}").text


def test_a_message_with_rules_for_the_dark_is_shown_by_them() -> None:
    html = "<style>@media (prefers-color-scheme:dark) { p { color: #fff } }</style><p>Hi</p>"
    assert frames.darkened(html) == html.replace("@media (prefers-color-scheme:dark)", "@media all")


@pytest.mark.parametrize(
    ("html", "marked"),
    [
        ("<p>Dear ⟦a⟧</p>", "<p>Dear <b>a</b></p>"),
        ("<p title='⟦a⟧ > b'>x</p>", "<p title='a > b'>x</p>"),
        ('<img alt="⟦a⟧">⟦b⟧', '<img alt="a"><b>b</b>'),
        ("<title>⟦a⟧</title><style>p{}</style><!-- ⟦a⟧ -->", "<title>a</title><style>p{}</style><!-- a -->"),
        ("a < b ⟦a⟧", "a < b <b>a</b>"),
    ],
)
def test_a_field_is_marked_in_the_text_and_named_in_a_tag(html: str, marked: str) -> None:
    assert frames.marked(html, lambda field: f"<b>{field}</b>") == marked


@pytest.mark.parametrize("path", ["check", "message", "preview"])
def test_a_campaign_that_is_gone_is_a_404(manager: Browser, path: str) -> None:
    for pk in (999, 99999999999999999999):
        assert manager.get(f"/launch/{path}/{pk}").status_code == 404


def test_every_role_may_look_and_nobody_sends(sign_in: SignIn, ready: int) -> None:
    for role in ("Admin", "Campaign Manager", "Analyst"):
        browser = sign_in(role)
        for path in ("check", "message", "preview"):
            assert browser.get(f"/launch/{path}/{ready}").status_code == 200
            assert browser.post(f"/launch/{path}/{ready}").status_code in (400, 405)


def test_before_many_the_dns_is_asked_whether_receivers_trust_the_account(
    panel: Flask, manager: Browser, analyst: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch_view, "BULK_PEOPLE", 3)
    many, few = (factories.ready_campaign(people, sender=factories.account()) for people in (3, 2))
    account = many.smtp_account
    assert account is not None
    account.from_email, account.dkim_domain, account.dkim_selector = "news@shop.example", "shop.example", "muster"
    channels.prepare_dkim(account)
    record = channels.dkim_record(account)
    db.session.commit()
    assert f'hx-get="/launch/trust/{many.id}"' in manager.get(f"/launch/check/{many.id}").text
    assert "/launch/trust" not in manager.get(f"/launch/check/{few.id}").text
    assert record is not None
    texts = {"shop.example": ["v=spf1 a ~all"], record[0]: [record[1]]}
    with serving({record[0]: [record[1]]}) as server:
        monkeypatch.setitem(panel.config, "DNS_SERVER", server)
        part = manager.get(f"/launch/trust/{many.id}").text
        assert part.count("<li") == 2 and "SPF: " in part and "DMARC: " in part
        assert part.count("Google and Yahoo refuse") == 1  # without SPF; DMARC they want
        assert f"/smtp-accounts/show/{account.id}" in part
        assert "/smtp-accounts/" not in analyst.get(f"/launch/trust/{many.id}").text
    with serving(texts | {"_dmarc.shop.example": ["v=DMARC1; p=reject"]}) as server:
        monkeypatch.setitem(panel.config, "DNS_SERVER", server)
        part = manager.get(f"/launch/trust/{many.id}").text
        assert part.count("<li") == 1 and "Receivers find SPF, DKIM and DMARC" in part
    account.stand_in_id = factories.account(name="Spare", host="spare.example", from_email="news@shop.example").id
    db.session.commit()
    with serving(texts | {"_dmarc.shop.example": ["v=DMARC1; p=reject"]}) as server:
        monkeypatch.setitem(panel.config, "DNS_SERVER", server)
        part = manager.get(f"/launch/trust/{many.id}").text
        assert part.count("<li") == 1 and "It does not let spare.example send" in part
    monkeypatch.setattr(dns, "TIMEOUT_SECONDS", 0.3)
    with serving({}, is_silent=True) as server:
        monkeypatch.setitem(panel.config, "DNS_SERVER", server)
        assert "<li" not in manager.get(f"/launch/trust/{many.id}").text
