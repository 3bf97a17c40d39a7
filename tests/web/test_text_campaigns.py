"""Campaigns of text messages in the panel, from the form to the launch check."""

import pytest
from flask import Flask
from sqlalchemy import select

from app.campaigns.models import Campaign
from app.channels.contract import Channel
from app.extensions import db
from tests import factories
from tests.providers.twilio_server import TwilioServer
from tests.web.conftest import Browser, form_of

ADD = "/campaigns/add?channel=sms"


def stored() -> Campaign:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Campaign)).one()


def made(**values: object) -> int:
    folder = factories.folder()
    factories.people_with_phones(3, folder)
    pk = factories.text_campaign(folder, **values).id  # type: ignore[arg-type]
    db.session.commit()
    return pk


def test_the_form_has_what_text_messages_have_and_nothing_of_e_mails(manager: Browser) -> None:
    factories.gateway(name="Twilio")
    db.session.commit()
    page = manager.get(ADD).text
    assert 'name="gateway_id"' in page
    assert 'name="text"' in page
    for name in ("html", "subject", "smtp_account_id", "to_second_email", "track_opens"):
        assert f'name="{name}"' not in page


def test_the_form_of_e_mails_is_as_it_was(manager: Browser) -> None:
    factories.account()
    db.session.commit()
    page = manager.get("/campaigns/add").text
    assert 'name="smtp_account_id"' in page
    assert 'name="gateway_id"' not in page


def test_a_campaign_is_written_and_edited(manager: Browser) -> None:
    gateway = factories.gateway()
    folder = factories.folder()
    db.session.commit()
    data = form_of(manager, ADD) | {"name": "Spring", "text": "Hi {{ first_name }}", "folders": [folder.id]}
    answer = manager.post(ADD, data=data, follow_redirects=True).text
    assert "saved as a draft" in answer
    campaign = stored()
    assert (campaign.channel, campaign.gateway_id, campaign.smtp_account_id) == (Channel.SMS, gateway.id, None)
    pk = campaign.id
    changed = form_of(manager, f"/campaigns/edit/{pk}") | {"text": "Hello", "folders": [folder.id]}
    assert "was saved" in manager.post(f"/campaigns/edit/{pk}", data=changed, follow_redirects=True).text
    assert (stored().text, stored().channel) == ("Hello", Channel.SMS)


def test_without_a_gateway_nothing_is_written_and_the_way_is_shown(admin: Browser) -> None:
    page = admin.get(ADD, follow_redirects=True).text
    assert "there is none yet" in page
    assert "/gateways/add" in page


def test_a_text_that_cannot_be_sent_is_refused_at_its_field(manager: Browser) -> None:
    factories.gateway()
    db.session.commit()
    data = form_of(manager, ADD) | {"name": "Spring", "text": "Hi {{ frist_name }}"}
    page = manager.post(ADD, data=data).text
    assert "frist_name" in page
    assert db.session.scalars(select(Campaign)).all() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello", "1 segment"),
        ("a" * 161, "2 segments"),
        ("Dzień dobry", "UCS-2"),
        ("a" * 1601, "Too long"),
        ("", "160 characters fit"),
    ],
)
def test_the_segments_are_counted_while_somebody_writes(manager: Browser, text: str, said: str) -> None:
    assert said in manager.post("/text-messages/segments", data={"text": text}).text


def test_the_page_of_the_campaign_speaks_of_text_messages(manager: Browser) -> None:
    pk = made()
    page = manager.get(f"/campaigns/show/{pk}").text
    assert "SMS sender" in page
    assert ">SMTP account<" not in page
    assert "Hi Person" in page


def test_the_launch_check_tells_segments_and_costs(manager: Browser) -> None:
    gateway = factories.gateway(segment_price_micros=50_000, currency="EUR")
    pk = made(sender=gateway, text="Cześć {{ first_name }}")
    check = manager.get(f"/launch/check/{pk}").text
    assert "The message takes 1 segment (UCS-2)." in check
    assert "ść takes a segment down" in check
    assert "€0.15" in check
    assert "3 text messages" in check
    assert "Reply STOP to opt out" in check


def test_a_test_goes_to_the_number_that_was_asked_for(
    panel: Flask, manager: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = made()
    with TwilioServer() as server:
        monkeypatch.setitem(panel.config, "TWILIO_URL", server.url)
        asked = manager.post(f"/campaigns/action/send_test/{pk}")
        assert asked.location.endswith(f"/text-messages/test/{pk}")
        answer = manager.post(asked.location, data=form_of(manager, asked.location) | {"to": "+48600100200"})
    assert "accepted the message" in answer.text
    assert server.taken[0]["To"] == "+48600100200"


def test_a_copy_is_of_the_same_channel(manager: Browser) -> None:
    pk = made()
    manager.post(f"/campaigns/action/duplicate/{pk}")
    db.session.rollback()
    assert [each.channel for each in db.session.scalars(select(Campaign))] == [Channel.SMS] * 2
