"""WhatsApp in the panel: templates read from Twilio, the form of a campaign, its launch check."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from app.campaigns import service
from app.campaigns.models import Campaign
from app.channels.contract import Channel
from app.channels.models import ApprovalState, Gateway, WhatsAppTemplate
from app.extensions import db
from app.kernel.audit import AuditEvent, What
from app.providers.twilio_content import FIRST_PAGE
from app.web import phone_documents
from tests import factories
from tests.providers.test_twilio_content import content, page
from tests.providers.twilio_server import TwilioServer, refused
from tests.web.conftest import Browser, form_of

ADD = "/campaigns/add?channel=whatsapp"
LIST = "/whatsapp-templates/list/"


@pytest.fixture()
def provider(panel: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwilioServer]:
    """Twilio with two templates."""
    with TwilioServer() as server:
        pending = {"name": "sale", "category": "MARKETING", "status": "pending"}
        server.pages = {FIRST_PAGE: page(content("HX1"), content("HX2", approval_requests=pending))}
        for name in ("TWILIO_URL", "TWILIO_CONTENT_URL"):
            monkeypatch.setitem(panel.config, name, server.url)
        yield server


def stored() -> Campaign:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Campaign)).one()


def made(people: int = 2, **values: object) -> int:
    folder = factories.folder()
    factories.people_on_whatsapp(people, folder)
    pk = factories.whatsapp_campaign(folder, **values).id  # type: ignore[arg-type]
    db.session.commit()
    return pk


def test_templates_are_read_by_a_button(manager: Browser, provider: TwilioServer) -> None:
    assert "Write templates in Twilio" in manager.get(LIST).text
    factories.whatsapp_gateway(name="Twilio")
    factories.gateway(account_sid=f"AC{'7' * 32}")  # of text messages: its account is not asked
    db.session.commit()
    told = manager.post("/whatsapp-templates/sync", follow_redirects=True).text
    assert "Twilio: 2 templates were read, 1 approved." in told
    for words in ("parcel", "sale", "approved", "waits for approval", "UTILITY", "Hi {{1}}"):
        assert words in told
    assert provider.asked == [FIRST_PAGE]
    db.session.rollback()
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.what == What.GATEWAY_SYNC)).one()
    assert (event.name, event.detail) == ("Twilio", {"templates": 2, "approved": 1})
    pk = db.session.scalars(select(WhatsAppTemplate.id).order_by(WhatsAppTemplate.id)).first()
    assert "HX1" in manager.get(f"/whatsapp-templates/show/{pk}").text
    assert "sale" not in manager.get(f"{LIST}?_flt_0_status=approved").text
    assert "sale" not in manager.get(f"{LIST}?_flt_0_category=UTILITY").text
    assert "sale" in manager.get(f"{LIST}?_flt_0_language=pl").text


def test_what_twilio_refuses_is_said_and_nothing_changes(manager: Browser, provider: TwilioServer) -> None:
    factories.whatsapp_gateway(name="Twilio")
    factories.whatsapp_template()
    db.session.commit()
    provider.pages = {FIRST_PAGE: refused(401, 20003, "Authenticate")}
    told = manager.post("/whatsapp-templates/sync", follow_redirects=True).text
    assert "The templates of Twilio could not be read: 401 Authenticate" in told
    db.session.rollback()
    assert db.session.scalars(select(WhatsAppTemplate.status)).all() == [ApprovalState.APPROVED]


def test_an_analyst_reads_templates_and_does_not_ask_twilio(analyst: Browser, provider: TwilioServer) -> None:
    factories.whatsapp_gateway()
    db.session.commit()
    page = analyst.get(LIST)
    assert page.status_code == 200 and "Sync now" not in page.text
    analyst.post("/whatsapp-templates/sync")
    assert provider.asked == []


def test_a_campaign_is_written_with_a_template(manager: Browser) -> None:
    gateway, template = factories.whatsapp_gateway(), factories.whatsapp_template()
    factories.gateway(name="Only texts")
    waiting = factories.whatsapp_template(status=ApprovalState.PENDING, name="not yet")
    folder = factories.folder()
    db.session.commit()
    page = manager.get(ADD).text
    assert 'name="whatsapp_template_id"' in page and "parcel (en)" in page
    assert waiting.name not in page and "Only texts" not in page
    for name in ("html", "subject", "smtp_account_id"):
        assert f'name="{name}"' not in page
    values = "1 = {{ first_name }}\r\n2 = seven"
    data = form_of(manager, ADD) | {"name": "Parcel", "whatsapp_template_id": template.id, "template_values": values}
    answer = manager.post(ADD, data=data | {"folders": [folder.id]}, follow_redirects=True).text
    assert "saved as a draft" in answer
    campaign = stored()
    assert (campaign.channel, campaign.gateway_id) == (Channel.WHATSAPP, gateway.id)
    assert (campaign.whatsapp_template_id, campaign.template_values) == (template.id, "1 = {{ first_name }}\n2 = seven")
    shown = manager.get(f"/campaigns/show/{campaign.id}").text
    assert "parcel (en)" in shown and "WhatsApp sender" in shown and "your parcel seven is here" in shown


def test_what_is_wrong_with_the_variables_stands_at_their_field(manager: Browser) -> None:
    factories.whatsapp_gateway()
    db.session.commit()
    data = form_of(manager, ADD) | {"name": "Parcel", "template_values": "1 = {{ frist_name }}"}
    answer = manager.post(ADD, data=data).text
    assert "first_name" in answer and "1 = {{ frist_name }}" in answer


def test_the_template_is_shown_filled_while_it_is_written(manager: Browser) -> None:
    pk = factories.whatsapp_template().id
    db.session.commit()
    path = "/whatsapp-templates/filled"
    asked = {"whatsapp_template_id": pk, "template_values": "1 = {{ first_name }}\n2 = <b>"}
    filled = manager.post(path, data=asked).text
    assert "Hi ⟨first_name⟩, your parcel &lt;b&gt; is here." in filled
    assert "Variables of this template: 1, 2." in filled
    missing = manager.post(path, data=asked | {"template_values": "1 = x"}).text
    assert "The template has the variable 2" in missing
    for nothing in ("", "0", "99999999", "x"):
        assert manager.post(path, data=asked | {"whatsapp_template_id": nothing}).status_code in (200, 404)


def test_the_launch_check_warns_of_haste_and_of_words_without_a_template(manager: Browser) -> None:
    quick = manager.get(f"/launch/check/{made(delay_seconds=60)}").text
    assert "at least 6 minutes" in quick and "approved template parcel (en)" in quick
    slow = manager.get(f"/launch/check/{made(delay_seconds=360)}").text
    assert "at least 6 minutes" not in slow and "2 WhatsApp messages" in slow
    free = manager.get(f"/launch/check/{made(text='Hello', template_values='')}").text
    assert "Without a template it reaches only people who wrote within 24 hours" in free


def test_what_becomes_of_documents_is_seen_before_the_start(
    manager: Browser, panel: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(panel.config, "PUBLIC_URL", "https://muster.example")
    pk = made(text="Look:", template_values="")
    png = b"\x89PNG\r\n\x1a\n"
    files = [("offer.png", png), ("scan.tiff", b"II*"), ("terms.pdf", b"%PDF-1.7"), ("more.png", png)]
    shown = [service.attach(pk, name, "", data).id for name, data in files][0]
    db.session.commit()
    form, page = manager.get(f"/campaigns/edit/{pk}").text, manager.get(f"/campaigns/show/{pk}").text
    as_picture, as_link = "shown as a picture above the text</", "follows the text as a link</"
    for text in (form, page):
        assert (text.count(as_picture), text.count(as_link)) == (1, 3)
    assert f'src="/documents/{shown}/file"' in page and f'src="/documents/{shown}/file"' not in form
    address = f"/launch/check/{pk}"
    check = manager.get(address).text
    assert "offer.png is shown as a picture above the text." in check and "3 documents follow as links." in check
    assert "scan.tiff goes as a link: WhatsApp shows" in check and "terms.pdf goes" not in check
    assert "Neither Twilio nor the phones" not in check
    monkeypatch.setitem(panel.config, "PUBLIC_URL", "http://127.0.0.1:8080")
    assert "Neither Twilio nor the phones reach 127.0.0.1" in manager.get(address).text
    campaign = stored()
    campaign.text = "x" * 1025
    db.session.commit()
    assert "Below a picture WhatsApp shows 1024 characters, and the text has" in manager.get(address).text
    campaign = stored()
    campaign.whatsapp_template_id, campaign.template_values = factories.whatsapp_template().id, "1 = a\n2 = b"
    db.session.commit()
    assert "Its documents are not sent" in manager.get(address).text
    page = manager.get(f"/campaigns/show/{pk}").text
    assert as_picture not in page and "offer.png" in page and '/file" alt' not in page


@pytest.mark.parametrize(
    ("host", "is_reachable"),
    [
        ("muster.example.org", True),
        ("8.8.8.8", True),
        ("localhost", False),
        ("panel.local", False),
        ("10.1.2.3", False),
        ("::1", False),
    ],
)
def test_an_address_of_this_network_is_known(host: str, is_reachable: bool) -> None:
    assert phone_documents.is_reachable(host) is is_reachable


def test_a_gateway_for_whatsapp_is_made_and_keeps_what_it_carries(admin: Browser) -> None:
    values = {"name": "WA", "account_sid": f"AC{'a' * 32}", "secret": "token", "channel": "whatsapp"}
    data = form_of(admin, "/gateways/add") | values | {"sender": "whatsapp:+44 7700 900123"}
    assert "was saved" in admin.post("/gateways/add", data=data, follow_redirects=True).text
    gateway = db.session.scalars(select(Gateway)).one()
    assert (gateway.channel, gateway.sender) == (Channel.WHATSAPP, "+447700900123")
    pk = gateway.id
    named = admin.post("/gateways/add", data=data | {"name": "WA2", "sender": "Muster"}).text
    assert "Enter the number that WhatsApp knows" in named
    other = form_of(admin, f"/gateways/edit/{pk}") | {"channel": "sms"}
    assert "keeps what it carries" in admin.post(f"/gateways/edit/{pk}", data=other).text


def test_a_test_of_such_a_gateway_goes_over_whatsapp(admin: Browser, provider: TwilioServer) -> None:
    pk = factories.whatsapp_gateway().id
    db.session.commit()
    path = f"/gateways/test/{pk}"
    admin.post(path, data=form_of(admin, path) | {"to": "+48501000001"})
    assert provider.taken[0]["To"] == "whatsapp:+48501000001"
    assert provider.taken[0]["From"] == "whatsapp:+15005550006"


def test_the_limit_of_the_channel_stands_on_the_page_of_limits(admin: Browser) -> None:
    factories.whatsapp_gateway()
    db.session.commit()
    assert 'name="channel:whatsapp:per_hour"' in admin.get("/limits/").text
