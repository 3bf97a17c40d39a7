"""A message as one person would get it: what the send path makes, with missing fields marked, and nothing is sent."""

import email
import email.policy
from typing import Any

import pytest
from flask import Flask

from app.campaigns import content
from app.campaigns.models import Campaign
from app.channels.merge import MergeError
from app.extensions import db
from app.sending import preview
from tests import factories

HTML = "<title>For {{ company }}</title><p>Dear {{ first_name }} {{ last_name | default: 'friend' }}, {{ company }}</p>"
TEXT = "Dear {{ first_name }}, {{ attributes.city }}, {{ unsubscribe_url }}"


def made(**values: Any) -> Campaign:
    return factories.campaign(factories.folder(), subject="News for {{ first_name }}", html=HTML, text=TEXT, **values)


def test_it_is_filled_with_the_values_of_the_contact(app: Flask) -> None:
    person = factories.contact(first_name="Żaneta", last_name="O'Neil", company="A & B", attributes={"city": "Łódź"})
    found = preview.of(made(), person)
    assert found.subject == "News for Żaneta"
    assert "<p>Dear Żaneta O&#x27;Neil, A &amp; B</p>" in found.html.replace("&#39;", "&#x27;")
    assert found.text.startswith("Dear Żaneta, Łódź, http")
    assert found.missing == ()


def test_a_missing_value_is_marked_unless_it_has_a_default(app: Flask) -> None:
    found = preview.of(made(), factories.contact(first_name="", last_name="", company=""))
    assert found.subject == "News for ⟦first_name⟧"
    assert "Dear ⟦first_name⟧ friend, ⟦company⟧" in found.html
    assert found.text.startswith("Dear ⟦first_name⟧, ⟦attributes.city⟧, http")
    assert found.missing == ("attributes.city", "company", "first_name")
    assert preview.marked(found.subject, lambda field: f"<{field}>") == "News for <first_name>"


def test_for_nobody_every_field_without_a_default_is_marked(app: Flask) -> None:
    found = preview.of(made(), None)
    assert "Dear ⟦first_name⟧ friend, ⟦company⟧" in found.html
    assert found.missing == ("attributes.city", "company", "first_name")


def test_it_is_what_the_send_path_makes(app: Flask) -> None:
    campaign, person = made(), factories.contact(company="Shop", attributes={"city": "Gdynia"})
    values = {"first_name": person.first_name, "company": "Shop", "attributes.city": "Gdynia"}
    sent = content.compiled_draft(campaign).render(values, "a@people.example", preview.SEQ, b"x")
    message = email.message_from_bytes(sent, policy=email.policy.default)
    part = message.get_body(("html",))
    assert part is not None
    assert part.get_content() == preview.of(campaign, person).html


def test_nothing_in_it_is_counted(app: Flask) -> None:
    found = preview.of(factories.campaign(), factories.contact())
    assert "https://shop.example/new" in found.html
    assert "/c/" not in found.html and "/o/" not in found.html


def test_a_contact_without_an_address_can_be_looked_at(app: Flask) -> None:
    person = factories.contact(email=None, phone="+48600100200", first_name="Ewa")
    assert preview.of(made(to_second_email=True), person).subject == "News for Ewa"


def test_a_plain_text_message_has_no_html(app: Flask) -> None:
    assert preview.of(factories.campaign(html="", text="Hello"), None).html == ""


def test_what_does_not_compile_says_why(app: Flask) -> None:
    campaign = made()
    campaign.html = "<p>{{ nonsense }}</p>"
    with pytest.raises(MergeError, match="no field"):
        preview.of(campaign, None)


def test_the_first_of_the_audience_stands_for_all(app: Flask) -> None:
    one, two = factories.folder(), factories.folder()
    campaign = factories.campaign(two, one)
    assert preview.first_of(campaign) is None
    second = factories.contact(two)
    assert preview.first_of(campaign) is second
    factories.contact(one)
    assert preview.first_of(campaign) is second
    assert preview.first_of(factories.campaign(one)) is not second
    db.session.flush()
