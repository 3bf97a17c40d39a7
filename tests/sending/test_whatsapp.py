"""Campaigns over WhatsApp over the whole way: templates, words of our own within a day, the limit of the channel."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.audience import service
from app.audience.models import Contact, Reply, Suppression, SuppressionSource
from app.campaigns import service as campaigns
from app.campaigns import text_content
from app.campaigns.lifecycle import CampaignStatus
from app.channels import limits as channel_limits
from app.channels.contract import Channel, Reason
from app.channels.models import ApprovalState, WhatsAppTemplate
from app.extensions import db
from app.kernel.db import db_now, in_transaction, transaction
from app.kernel.errors import InvalidInput
from app.sending import preview, replies, sender_limits, text_receipts
from app.sending import service as sending
from app.sending.replies import Inbound
from app.sending.states import RecipientState
from jobs import sending as jobs
from tests import factories
from tests.providers.twilio_server import TwilioServer, refused
from tests.sending.test_path import status, tick_and_work
from tests.sending.test_texts import provider as provider
from tests.sending.test_texts import rows

pytestmark = pytest.mark.usefixtures("app", "true_counters")
Provider = Callable[..., TwilioServer]


def publish(people: int = 3, **values: object) -> int:
    """A published campaign over WhatsApp."""
    with transaction():
        folder = factories.folder()
        factories.people_on_whatsapp(people, folder)
        made = factories.whatsapp_campaign(folder, **values)  # type: ignore[arg-type]
        return campaigns.publish(made.id, factories.BY).id


def number_of(campaign_id: int, seq: int) -> str:
    row = rows(campaign_id)[seq - 1]
    found = service.addresses_of(db.session.get_one(Contact, row.contact_id)).whatsapp
    db.session.rollback()
    assert found is not None
    return found


def write(campaign_id: int, number: str, sid: str, text: str = "hello") -> None:
    with transaction():
        gateway_id = campaigns.get(campaign_id).gateway_id or 0
    in_transaction(replies.receive, gateway_id, Channel.WHATSAPP, Inbound(sid, f"whatsapp:{number}", text))


def test_a_template_reaches_everybody_once_with_their_own_values(provider: Provider) -> None:
    server = provider()
    campaign_id = publish(60)
    tick_and_work()
    assert status(campaign_id) is CampaignStatus.FINISHED
    assert len({form["To"] for form in server.taken}) == len(server.taken) == 60
    form = server.taken[0]
    assert form["To"].startswith("whatsapp:+4851") and form["From"] == "whatsapp:+15005550006"
    assert form["ContentSid"].startswith("HX") and "Body" not in form
    assert json.loads(form["ContentVariables"]).keys() == {"1", "2"}
    assert {json.loads(each["ContentVariables"])["2"] for each in server.taken} == {"no. 7"}


def test_a_version_that_has_begun_keeps_its_template(provider: Provider) -> None:
    server = provider()
    campaign_id = publish(1)
    jobs.settle_campaign(campaign_id)
    jobs.look_at_campaigns()  # begins: the content is frozen
    sid = db.session.scalars(select(WhatsAppTemplate.content_sid)).one()
    with transaction():
        db.session.execute(update(WhatsAppTemplate).values(content_sid="HX_other", body="other"))
    tick_and_work()
    assert [form["ContentSid"] for form in server.taken] == [sid]


def test_words_of_our_own_reach_only_who_wrote_within_a_day(provider: Provider) -> None:
    server = provider()
    campaign_id = publish(4, text="Hi {{ first_name }}, we are open today.", template_values="")
    jobs.settle_campaign(campaign_id)
    today, yesterday, other = (number_of(campaign_id, seq) for seq in (1, 2, 3))
    write(campaign_id, today, "SM1")
    write(campaign_id, yesterday, "SM2")
    with transaction():
        other_gateway = factories.whatsapp_gateway().id
        old = update(Reply).where(Reply.provider_id == "SM2")
        db.session.execute(old.values(received_at=db_now() - timedelta(hours=24)))
    in_transaction(replies.receive, other_gateway, Channel.WHATSAPP, Inbound("SM3", f"whatsapp:{other}", "hello"))
    tick_and_work()
    assert [form["To"] for form in server.taken] == [f"whatsapp:{today}"]
    assert server.taken[0]["Body"].endswith("we are open today.")
    assert [(row.state, row.reason) for row in rows(campaign_id)] == [
        (RecipientState.SENT, None),
        *[(RecipientState.SKIPPED, Reason.OUTSIDE_WINDOW)] * 3,
    ]
    assert status(campaign_id) is CampaignStatus.FINISHED


PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"


def test_the_first_picture_that_whatsapp_shows_goes_as_media_and_all_else_as_links(provider: Provider) -> None:
    server = provider()
    with transaction():
        folder = factories.folder()
        factories.people_on_whatsapp(2, folder)
        made = factories.whatsapp_campaign(folder, text="Look:", template_values="")
        files = [("a.pdf", b"%PDF-1.7"), ("large.png", PNG + bytes(5_000_000)), ("b.png", PNG), ("c.jpg", JPEG)]
        documents = [campaigns.attach(made.id, name, "", data).id for name, data in files]
        campaign_id = campaigns.publish(made.id, factories.BY).id
    jobs.settle_campaign(campaign_id)
    for seq in (1, 2):
        write(campaign_id, number_of(campaign_id, seq), f"SM{seq}")
    tick_and_work()
    links = [text_content.document_link(each) for each in documents]
    shown = links.pop(2)
    assert [(form["Body"], form["MediaUrl"]) for form in server.taken] == [("\n".join(["Look:", *links]), shown)] * 2
    sid = rows(campaign_id)[0].provider_id or ""
    assert in_transaction(text_receipts.apply, campaign_id, 1, sid, "failed", "63019")
    assert [(row.state, row.reason) for row in rows(campaign_id)] == [
        (RecipientState.UNDELIVERED, Reason.MEDIA_REFUSED),
        (RecipientState.SENT, None),
    ]


def test_a_template_and_a_text_message_show_no_picture(app: Flask) -> None:
    with transaction():
        for made in (factories.whatsapp_campaign(), factories.text_campaign()):
            campaigns.attach(made.id, "a.png", "image/png", PNG)
            compiled = text_content.compiled_draft(made)
            assert (compiled.picture_url, text_content.picture_of(made)) == ("", None)


def test_stop_over_whatsapp_bars_whatsapp_and_leaves_text_messages(provider: Provider) -> None:
    provider()
    campaign_id = publish(1)
    tick_and_work()
    write(campaign_id, number_of(campaign_id, 1), "SM1", "STOP")
    db.session.rollback()
    entry = db.session.scalars(select(Suppression)).one()
    assert (entry.channel, entry.source) == (Channel.WHATSAPP, SuppressionSource.STOP_WORD)
    reply = db.session.scalars(select(Reply)).one()
    assert (reply.campaign_id, reply.seq) == (campaign_id, 1)


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        (63024, RecipientState.FAILED, Reason.INVALID_RECIPIENT),
        (63016, RecipientState.FAILED, Reason.OUTSIDE_WINDOW),
        (63049, RecipientState.FAILED, Reason.REJECTED),
    ],
)
def test_a_refusal_says_why(provider: Provider, code: int, state: RecipientState, reason: Reason) -> None:
    provider(lambda _form, _number: refused(400, code, "no"))
    campaign_id = publish(1)
    tick_and_work()
    (row,) = rows(campaign_id)
    assert (row.state, row.reason) == (state, reason)
    assert bool(db.session.scalars(select(Suppression)).all()) is (reason is Reason.INVALID_RECIPIENT)


def test_too_many_messages_let_the_sender_rest_and_burn_nobody(provider: Provider) -> None:
    provider(lambda _form, _number: refused(429, 63018, "rate"))
    campaign_id = publish(3)
    tick_and_work()
    assert {row.state for row in rows(campaign_id)} == {RecipientState.AWAITING}
    with transaction():
        gateway = campaigns.get(campaign_id).gateway
        assert gateway is not None and gateway.breaker_open_until is not None


def test_a_report_moves_a_message_of_whatsapp_too(provider: Provider) -> None:
    provider()
    campaign_id = publish(2)
    tick_and_work()
    for seq, (said, code) in enumerate((("read", ""), ("undelivered", "63024")), 1):
        sid = rows(campaign_id)[seq - 1].provider_id or ""
        assert in_transaction(text_receipts.gateway_of, campaign_id, seq) is not None
        assert in_transaction(text_receipts.apply, campaign_id, seq, sid, said, code)
    assert [row.state for row in rows(campaign_id)] == [RecipientState.DELIVERED, RecipientState.UNDELIVERED]
    assert db.session.scalars(select(Suppression.channel)).all() == [Channel.WHATSAPP]


def test_the_limit_of_an_hour_holds_over_all_gateways_in_every_window(
    provider: Provider, forward: Callable[[float], None]
) -> None:
    """Random steps through some hours; the limit is lowered and raised on the way."""
    import random

    chance, cap = random.Random(7), 3
    server, left = provider(), list[datetime]()
    with transaction():
        sender_limits.change(channel_limits.kept(Channel.WHATSAPP), {"per_hour": cap})
    ids = [publish(12), publish(12)]
    while status(ids[0]) is not CampaignStatus.FINISHED or status(ids[1]) is not CampaignStatus.FINISHED:
        tick_and_work(2)
        with transaction():
            left += [db_now()] * (len(server.taken) - len(left))
        forward(chance.choice((60, 400, 1250, 2500)))
        assert len(left) < 25
    assert len(left) == 24
    for at in left:
        assert sum(1 for other in left if at <= other < at + timedelta(seconds=3600)) <= cap


def test_who_shares_a_number_gets_it_once(provider: Provider) -> None:
    server = provider()
    with transaction():
        folder = factories.folder()
        for _ in range(2):
            factories.contact(folder, email=None, whatsapp="+48510000777")
        campaign_id = campaigns.publish(factories.whatsapp_campaign(folder).id, factories.BY).id
    tick_and_work()
    assert len(server.taken) == 1
    assert [row.reason for row in rows(campaign_id)] == [None, Reason.DUPLICATE_ADDRESS]


def test_a_person_without_a_value_is_told_of_and_the_others_get_it(provider: Provider) -> None:
    server = provider()
    campaign_id = publish(2, template_values="1 = {{ company }}\n2 = x")
    with transaction():
        db.session.scalars(select(Contact).order_by(Contact.id)).first().company = "Amber"  # type: ignore[union-attr]
    tick_and_work()
    assert len(server.taken) == 1
    assert rows(campaign_id)[1].reason is Reason.RENDER_ERROR


def test_a_test_goes_to_one_number_as_it_stands(provider: Provider) -> None:
    server = provider()
    with transaction():
        folder = factories.folder()
        factories.people_on_whatsapp(1, folder)
        campaign_id = factories.whatsapp_campaign(folder).id
    sending.send_test(campaign_id, "+48 501 000 001")
    assert server.taken[0]["To"] == "whatsapp:+48501000001"
    assert json.loads(server.taken[0]["ContentVariables"])["1"].startswith("Person")


def test_the_preview_shows_the_template_filled(app: Flask) -> None:
    made = factories.whatsapp_campaign(template_values="1 = {{ first_name }}\n2 = {{ company }}")
    person = factories.contact(first_name="Ann")
    shown = preview.of(made, person)
    assert shown.text == "Hi Ann, your parcel \u27e6company\u27e7 is here."
    assert shown.missing == ("company",)


@pytest.mark.parametrize(
    ("values", "template", "words"),
    [
        pytest.param({}, {"status": ApprovalState.PENDING}, "not approved", id="not approved"),
        pytest.param({}, {"status": ApprovalState.GONE}, "not approved", id="gone"),
        pytest.param({}, {"account_sid": f"AC{'9' * 32}"}, "another account", id="of another account"),
        pytest.param({"template_values": "1 = a"}, {}, "the variable 2", id="a variable is missing"),
        pytest.param({"template_values": "1 = a\n2 = b\n3 = c"}, {}, "no variable 3", id="one too many"),
    ],
)
def test_a_campaign_that_whatsapp_would_refuse_does_not_start(
    app: Flask, values: dict[str, str], template: dict[str, object], words: str
) -> None:
    folder = factories.folder()
    factories.people_on_whatsapp(1, folder)
    chosen = factories.whatsapp_template(**template)
    made = factories.whatsapp_campaign(folder, whatsapp_template_id=chosen.id, **values)
    with pytest.raises(InvalidInput, match=words):
        campaigns.publish(made.id, factories.BY)


def test_a_gateway_carries_one_channel(app: Flask) -> None:
    texts, whatsapp = factories.gateway(), factories.whatsapp_gateway()
    with pytest.raises(InvalidInput, match="Choose the gateway"):
        factories.whatsapp_campaign(sender=texts)
    with pytest.raises(InvalidInput, match="Choose the gateway"):
        factories.text_campaign(sender=whatsapp)


def test_nothing_of_whatsapp_stays_on_a_campaign_of_another_channel(app: Flask) -> None:
    made = factories.whatsapp_campaign()
    account = factories.account()
    made.channel, made.smtp_account_id = Channel.EMAIL, account.id
    campaigns.prepare_change(made, factories.BY)
    assert (made.whatsapp_template, made.whatsapp_template_id, made.template_values) == (None, None, "")
