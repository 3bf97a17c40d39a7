"""What is frozen is what is sent: cleaned once, and what was written stays as it is."""

import email
import email.policy

from flask import Flask

from app.campaigns import content
from app.campaigns.models import CampaignContent
from app.channels import email_html
from app.extensions import db
from tests import factories

WRITTEN = (
    '<style>p { margin: 0 }</style><p onclick=x>Hi {{ first_name | default: "you" }} '
    '<a href="https://shop.example/?n={{ first_name }}">a</a> <a href="https://shop.example/b">b</a> '
    '<a href="{{ unsubscribe_url }}">c</a></p><script>x</script>'
)


def test_a_frozen_version_holds_what_is_sent_and_the_campaign_what_was_written(app: Flask) -> None:
    campaign = factories.ready_campaign(html=WRITTEN, text="")
    version = content.freeze(campaign)
    kept = db.session.get_one(CampaignContent, (campaign.id, version)).html
    assert campaign.html == WRITTEN
    assert "<script" not in kept
    assert "onclick" not in kept
    assert '<p style="margin: 0;">' in kept


def test_fields_links_pixel_and_unsubscribe_outlive_it(app: Flask) -> None:
    campaign = factories.ready_campaign(html=WRITTEN, text="")
    compiled = content.compiled(campaign.id, content.freeze(campaign))
    made = compiled.render({"first_name": "Ann & Bob"}, "ann@shop.example", 7, b"Mon, 04 May 2026 09:00:00 +0000")
    body = email.message_from_bytes(made, policy=email.policy.default).get_body(("html",))
    assert body is not None
    html = str(body.get_content())
    assert "Hi Ann &amp; Bob" in html
    assert 'href="https://shop.example/?n=Ann%20%26%20Bob"' in html
    assert compiled.links == ("https://shop.example/b",)
    assert html.count("/u/") == 1
    assert "/o/" in html


def test_a_version_is_cleaned_once_and_never_for_a_message(app: Flask) -> None:
    campaign = factories.ready_campaign(html=WRITTEN, text="")
    version = content.freeze(campaign)
    once = db.session.get_one(CampaignContent, (campaign.id, version)).html
    content.compiled(campaign.id, version)
    assert content.freeze(campaign) == version
    assert db.session.get_one(CampaignContent, (campaign.id, version)).html == once


def test_what_is_not_sent_is_told(app: Flask) -> None:
    campaign = factories.ready_campaign(html=WRITTEN)
    assert [str(each) for each in content.left_out(campaign)] == ["<script>", "onclick"]
    assert content.left_out(campaign) == email_html.ready(WRITTEN).taken
