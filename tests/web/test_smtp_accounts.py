"""SMTP accounts in the panel: secrets go in and never out, tests show the server's words."""

import html
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.channels import service
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel.db import db_now, transaction
from app.providers import dns
from app.sending import failover
from app.sending.models import ThrottleBucket
from app.sending.throttle import to_us
from jobs import sending as jobs
from tests import factories
from tests.providers.name_server import serving
from tests.providers.script import Script, at
from tests.providers.servers import Server
from tests.web.conftest import Browser, form_of

SECRET = "correct horse battery"


def stored() -> SmtpAccount:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(SmtpAccount)).one()


def filled(browser: Browser, **values: Any) -> dict[str, Any]:
    return form_of(browser, "/smtp-accounts/add") | {
        "name": "Office",
        "host": "smtp.example.org",
        "security": "starttls",
        "auth": "auto",
        "username": "office",
        "secret": SECRET,
        "from_email": "news@example.org",
        **values,
    }


def test_the_password_is_stored_and_never_shown(admin: Browser) -> None:
    page = admin.post("/smtp-accounts/add", data=filled(admin), follow_redirects=True)
    assert "was saved" in page.text
    account = stored()
    assert service.settings_of(account).secret == SECRET
    for path in ("list/", f"show/{account.id}", f"edit/{account.id}"):
        assert SECRET not in admin.get(f"/smtp-accounts/{path}").text


def test_an_empty_password_keeps_the_stored_one(admin: Browser) -> None:
    admin.post("/smtp-accounts/add", data=filled(admin))
    pk = stored().id
    changed = form_of(admin, f"/smtp-accounts/edit/{pk}") | {"secret": "", "per_hour": "100", "is_enabled": "y"}
    assert "was saved" in admin.post(f"/smtp-accounts/edit/{pk}", data=changed, follow_redirects=True).text
    account = stored()
    assert (account.per_hour, account.is_enabled, account.username) == (100, True, "office")
    assert service.settings_of(account).secret == SECRET


def test_a_refused_password_is_not_written_back_into_the_page(admin: Browser) -> None:
    page = admin.post("/smtp-accounts/add", data=filled(admin, host="http://nothing"))
    assert "Enter the name of the mail server" in page.text
    assert SECRET not in page.text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("port", "70000", "1 to 65535"),
        ("port", "many", "Not a valid integer"),
        ("from_email", "nobody", "address"),
        ("security", "half", "Not a valid choice"),
        ("per_day", "0", "1 to 10000000"),
        ("name", "", "Fill in “Name”."),
    ],
)
def test_a_wrong_value_is_said_at_its_field(admin: Browser, field: str, value: str, sentence: str) -> None:
    page = admin.post("/smtp-accounts/add", data=filled(admin, **{field: value}))
    assert sentence in page.text
    assert db.session.scalars(select(SmtpAccount)).all() == []


def test_a_warm_up_is_written_and_its_day_is_shown(admin: Browser) -> None:
    begins = (db_now() - timedelta(days=1)).date()
    values = filled(admin, per_day="400", warm_up_begins_on=begins.isoformat(), warm_up_growth_percent="50")
    admin.post("/smtp-accounts/add", data=values)
    account = stored()
    assert (account.warm_up_begins_on, account.warm_up_first_day, account.most_on(db_now().date())) == (begins, 50, 75)
    page = admin.get(f"/smtp-accounts/show/{account.id}").text
    assert "Warm-up, day 2 of 6: 75 today" in page and "0 of 75 messages in the last 24 hours" in page
    assert "Warm-up, day 2 of 6: 75 today" in admin.get("/limits/").text
    assert "Warm-up, day 2 of 6: 75 today" in admin.get("/limits/use").text
    refused = admin.post("/limits/", data={f"smtp:{account.id}:per_day": ""}).text
    assert "The warm-up grows until this limit is reached" in refused
    changed = form_of(admin, f"/smtp-accounts/edit/{account.id}") | {"secret": "", "warm_up_begins_on": ""}
    admin.post(f"/smtp-accounts/edit/{account.id}", data=changed)
    assert "Warm-up, day" not in admin.get(f"/smtp-accounts/show/{account.id}").text
    assert stored().most_on(db_now().date()) == 400


def test_paces_to_domains_are_written_in_lines_and_shown(admin: Browser) -> None:
    admin.post("/smtp-accounts/add", data=filled(admin, domain_paces="wp.pl 5\r\n\r\n GMail.com 20 a minute "))
    account = stored()
    assert account.domain_paces == {"gmail.com": 20, "wp.pl": 5}
    assert "gmail.com 20 a minute, wp.pl 5 a minute" in admin.get(f"/smtp-accounts/show/{account.id}").text
    form = form_of(admin, f"/smtp-accounts/edit/{account.id}") | {"secret": ""}
    assert form["domain_paces"].split("\n") == ["gmail.com 20 a minute", "wp.pl 5 a minute"]
    refused = admin.post(f"/smtp-accounts/edit/{account.id}", data=form | {"domain_paces": "gmail.com fast"}).text
    assert "Write a domain and a number in each line" in refused and "gmail.com fast" in refused
    admin.post(f"/smtp-accounts/edit/{account.id}", data=form | {"domain_paces": ""})
    assert stored().domain_paces is None


def test_a_warm_up_to_come_and_one_that_is_over(admin: Browser) -> None:
    account = factories.account(per_day=60, warm_up_begins_on=(db_now() + timedelta(days=3)).date())
    db.session.commit()
    assert "50 until then" in admin.get("/limits/").text
    account.warm_up_begins_on -= timedelta(days=30)
    db.session.commit()
    assert "Warm-up" not in admin.get("/limits/").text


def test_a_slower_pace_is_shown_until_the_account_is_saved(admin: Browser) -> None:
    account = factories.account(name="Office")
    account.slow_factor, account.slow_from_per_hour = 4, 8000
    db.session.commit()
    show = f"/smtp-accounts/show/{account.id}"
    assert "sends at most 2,000 messages an hour, 4 times less than before" in admin.get(show).text
    assert "asked to slow down: at most 2,000 an hour" in admin.get("/limits/use").text
    soon = to_us(db_now()) + 60_000_000
    db.session.add(ThrottleBucket(key=f"smtp:{account.id}:slow:hour", next_us=soon, left_in_batch=0))
    db.session.commit()
    assert "waits for the slower pace that its server asked for" in admin.get("/limits/").text
    changed = form_of(admin, f"/smtp-accounts/edit/{account.id}") | {"secret": ""}
    admin.post(f"/smtp-accounts/edit/{account.id}", data=changed)
    assert "asked to slow down" not in admin.get(show).text


def test_a_stand_in_is_chosen_and_every_page_says_when_it_sends(admin: Browser) -> None:
    spare, account = factories.account(name="Spare", per_second=5), factories.account(name="Office", per_hour=60)
    campaign = factories.live_campaign(2, sender=account)
    factories.account(name="Elsewhere", from_email="news@else.example")
    db.session.commit()
    office, other, campaign_id = account.id, spare.id, campaign.id
    jobs.settle_campaign(campaign_id)
    edit, show = f"/smtp-accounts/edit/{office}", f"/smtp-accounts/show/{office}"
    assert f'value="{office}"' not in admin.get(edit).text.partition('name="stand_in_id"')[2].partition("</select>")[0]
    refused = admin.post(edit, data=form_of(admin, edit) | {"stand_in_id": str(other + 2)}).text
    assert "Elsewhere writes for else.example, this account for shop.example" in refused
    assert (
        "was saved"
        in admin.post(edit, data=form_of(admin, edit) | {"stand_in_id": str(other)}, follow_redirects=True).text
    )
    check = f"/launch/check/{campaign_id}"
    page = admin.get(check).text
    assert "When Office cannot send, its messages go over Spare." in page and "2 e-mails, 60 an hour" in page
    assert "stands in for Office" in admin.post(f"/smtp-accounts/delete/{other}", follow_redirects=True).text
    with transaction():
        failing = db.session.get_one(SmtpAccount, office)
        failing.last_error, failing.breaker_open_until = "connection refused", db_now() + timedelta(hours=1)
        failover.begin(failing, failing.last_error)
    said = "The messages of Office go over Spare, because it cannot send: connection refused"
    for path in (show, check, f"/reports/campaign/{campaign_id}", "/dashboard/"):
        assert said in admin.get(path).text, path
    assert "2 e-mails, 5 a second" in admin.get(check).text
    limits = admin.get("/limits/use").text
    assert "cannot send: goes over Spare" in limits and "sends for Office too" in limits
    assert "Office</a>" in admin.get(f"/smtp-accounts/show/{other}").text.partition('id="stands-in-for"')[2]
    admin.post(edit, data=form_of(admin, edit) | {"secret": ""})  # saving it ends it
    assert said not in admin.get(show).text


def test_a_used_account_cannot_be_deleted(admin: Browser) -> None:
    used, free = factories.account(), factories.account()
    factories.ready_campaign(1, sender=used, name="Spring sale")
    db.session.commit()
    assert "Spring sale uses this account" in admin.post(f"/smtp-accounts/delete/{used.id}", follow_redirects=True).text
    assert "was deleted" in admin.post(f"/smtp-accounts/delete/{free.id}", follow_redirects=True).text
    assert stored().id == used.id


def test_the_test_e_mail_goes_to_the_person_who_asks(manager: Browser) -> None:
    with Server() as server:
        account = factories.account(port=server.port)
        db.session.commit()
        page = manager.post(f"/smtp-accounts/action/send_test/{account.id}")
        assert "accepted the message" in page.text
        assert [each.recipient for each in server.accepted] == ["campaign-manager@example.org"]


def test_a_refused_test_shows_what_the_server_said(admin: Browser) -> None:
    with Server(Script(rules=[at("MAIL", "550 5.7.1 Sender <not> allowed")])) as server:
        account = factories.account(port=server.port)
        db.session.commit()
        page = admin.post(f"/smtp-accounts/action/send_test/{account.id}")
    assert "was not sent" in page.text
    assert "Sender &lt;not&gt; allowed" in page.text
    assert "C: EHLO" in page.text


def test_a_server_that_is_not_there_is_said_too(admin: Browser) -> None:
    with Server() as server:
        port = server.port
    account = factories.account(port=port)
    db.session.commit()
    page = admin.post(f"/smtp-accounts/action/send_test/{account.id}")
    assert (page.status_code, "was not sent" in page.text) == (200, True)


def test_a_campaign_can_be_test_sent_to_oneself(manager: Browser) -> None:
    with Server() as server:
        made = factories.ready_campaign(1, sender=factories.account(port=server.port))
        db.session.commit()
        page = manager.post(f"/campaigns/action/send_test/{made.id}")
        assert "accepted the message" in page.text
        assert b"News for Person" in server.accepted[0].content
    made.subject = ""
    db.session.commit()
    page = manager.post(f"/campaigns/action/send_test/{made.id}", follow_redirects=True)
    assert "Write a subject and a message first." in page.text


def test_messages_are_signed_once_domain_and_selector_are_given(admin: Browser) -> None:
    admin.post("/smtp-accounts/add", data=filled(admin, dkim_domain="Example.org", dkim_selector="muster1"))
    account = stored()
    name, text = service.dkim_record(account) or ("", "")
    assert name == "muster1._domainkey.example.org"
    page = admin.get(f"/smtp-accounts/show/{account.id}").text
    assert name in page
    assert text in html.unescape(page)
    for path in ("show", "edit"):
        assert "PRIVATE KEY" not in admin.get(f"/smtp-accounts/{path}/{account.id}").text
    assert service.signer_of(account) is not None


def test_the_stored_signing_key_is_kept_and_can_be_forgotten(admin: Browser) -> None:
    admin.post("/smtp-accounts/add", data=filled(admin, dkim_domain="example.org", dkim_selector="muster1"))
    pk, record = stored().id, service.dkim_record(stored())
    values = form_of(admin, f"/smtp-accounts/edit/{pk}")
    assert values["dkim_key"] == ""
    admin.post(f"/smtp-accounts/edit/{pk}", data=values | {"from_name": "Shop"})
    assert (stored().from_name, service.dkim_record(stored())) == ("Shop", record)
    admin.post(f"/smtp-accounts/edit/{pk}", data=values | {"dkim_domain": "", "dkim_selector": ""})
    assert (stored().dkim_key_sealed, service.signer_of(stored())) == (None, None)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"dkim_domain": "example.org"}, "The DKIM selector is a name"),
        ({"dkim_selector": "muster1"}, "The DKIM domain must look like"),
        ({"dkim_domain": "example.org", "dkim_selector": "a", "dkim_key": "secret!"}, "not a private key in PEM form"),
    ],
)
def test_a_wrong_signing_key_is_refused(admin: Browser, values: dict[str, str], sentence: str) -> None:
    page = admin.post("/smtp-accounts/add", data=filled(admin, **values)).text
    assert sentence in page
    assert "secret!" not in page
    assert db.session.scalars(select(SmtpAccount)).all() == []


def test_what_receivers_find_in_the_dns_is_said_with_the_record_to_put_there(
    panel: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = factories.account(from_email="news@shop.example", host="mail.shop.example")
    db.session.commit()
    with serving({"shop.example": ["v=spf1 a ~all"], "_dmarc.shop.example": ["v=DMARC1; p=none"]}) as server:
        monkeypatch.setitem(panel.config, "DNS_SERVER", server)
        page = html.unescape(admin.get(f"/smtp-accounts/dns/{account.id}").text)
    assert "SPF</strong> · It says which servers may send" in page
    assert "DKIM</strong> · Its messages are not signed" in page
    assert "watch only" in page


def test_the_dns_must_let_the_stand_in_send_as_well(
    panel: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = factories.account(name="Spare", from_email="news@shop.example", host="spare.shop.example")
    account = factories.account(from_email="news@shop.example", host="mail.shop.example", stand_in_id=spare.id)
    db.session.commit()
    places = {("A", "mail.shop.example"): ["192.0.2.1"], ("A", "spare.shop.example"): ["192.0.2.2"]}
    for record, said in (
        ("v=spf1 a:mail.shop.example ~all", "does not let spare.shop.example send, the server of the stand-in Spare"),
        ("v=spf1 ip4:192.0.2.0/30 ~all", "It lets spare.shop.example send as well"),
    ):
        with serving({"shop.example": [record]}, places) as server:
            monkeypatch.setitem(panel.config, "DNS_SERVER", server)
            page = html.unescape(admin.get(f"/smtp-accounts/dns/{account.id}").text)
        assert "mail.shop.example is among them" in page and said in page


def test_a_silent_name_server_is_said(panel: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    account = factories.account()
    db.session.commit()
    monkeypatch.setattr(dns, "TIMEOUT_SECONDS", 0.3)
    with serving({}, is_silent=True) as server:
        monkeypatch.setitem(panel.config, "DNS_SERVER", server)
        assert "No name server answered in time" in admin.get(f"/smtp-accounts/dns/{account.id}").text
