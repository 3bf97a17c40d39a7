"""Replies over the whole way: STOP reaches running campaigns at once, each is kept once and tied to its message."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from app.audience import replies as stored
from app.audience import reply_words, rotation, service, suppressions
from app.audience.addresses import phone_index
from app.audience.models import Contact, Reply, ReplyMeaning, ReplyState, Suppression, SuppressionSource
from app.audience.reply_words import USUAL, Rule
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.channels.contract import Channel, Outcome, OutgoingText, Reason, SendResult
from app.extensions import db
from app.kernel import crypto
from app.kernel.audit import AuditEvent, What
from app.kernel.crypto import CannotOpen
from app.kernel.db import db_now, in_transaction, transaction
from app.kernel.errors import Conflict
from app.sending import progress, replies, slices
from app.sending import service as sending
from app.sending.deliver import BatchFeed
from app.sending.models import CampaignProgress, CampaignRecipient
from app.sending.replies import Inbound
from app.sending.states import RecipientState
from jobs import sending as jobs
from tests import factories
from tests.providers.twilio_server import TwilioServer, refused
from tests.sending import ledger
from tests.sending.test_path import status, tick_and_work
from tests.sending.test_texts import provider as provider
from tests.sending.test_texts import publish, rows

pytestmark = pytest.mark.usefixtures("app", "true_counters")

NUMBER = "+48501999001"


def tell(text: str = "STOP", number: str = NUMBER, sid: str = "SM1", **values: Any) -> str:
    """A reply as the hook takes it in; returns what is answered."""
    answer: str = in_transaction(replies.receive, 7, Channel.SMS, Inbound(sid, number, text, **values))
    return answer


def phone_of(contact_id: int) -> str:
    found = service.addresses_of(db.session.get_one(Contact, contact_id)).phone
    db.session.rollback()
    assert found is not None
    return found


def kept() -> list[Reply]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(Reply).order_by(Reply.id)))


def barred() -> list[tuple[Channel, SuppressionSource, int | None]]:
    db.session.rollback()
    return [(each.channel, each.source, each.campaign_id) for each in db.session.scalars(select(Suppression))]


def sent_to(number: str = NUMBER, state: RecipientState = RecipientState.SENT) -> int:
    """A campaign that has written to one number."""
    with transaction():
        folder = factories.folder()
        factories.contact(folder, email=None, phone=number)
        campaign_id = campaigns.publish(factories.text_campaign(folder).id, factories.BY).id
    jobs.settle_campaign(campaign_id)
    with transaction():
        values = {"state": state, "sending_at": db_now(), "reason": None}
        db.session.execute(update(CampaignRecipient).where(CampaignRecipient.campaign_id == campaign_id).values(values))
        progress.move(campaign_id, {RecipientState.AWAITING: -1, state: 1})
    return campaign_id


def test_who_says_stop_before_their_turn_is_skipped_with_the_reason(provider: Callable[..., TwilioServer]) -> None:
    server = provider()
    campaign_id = publish(30)
    jobs.settle_campaign(campaign_id)
    number = phone_of(rows(campaign_id)[-1].contact_id)
    tell("Stop.", number)
    tick_and_work()
    assert status(campaign_id) is CampaignStatus.FINISHED
    assert number not in {form["To"] for form in server.taken} and len(server.taken) == 29
    left_out = rows(campaign_id)[-1]
    assert (left_out.state, left_out.reason) == (RecipientState.SKIPPED, Reason.SUPPRESSED)


def test_stop_reaches_who_is_claimed_and_not_handed_over() -> None:
    campaign_id = publish(3)
    jobs.settle_campaign(campaign_id)
    jobs.look_at_campaigns()
    ready = in_transaction(slices.begin, campaign_id, "job")
    assert ready is not None
    feed = BatchFeed(ready.order)
    first, second = feed.take(), feed.take()
    assert isinstance(first, OutgoingText) and isinstance(second, OutgoingText)
    tell("STOP", first.recipient)
    assert feed.tick()
    assert not feed.hand_over(first.ref)
    assert feed.hand_over(second.ref)
    feed.report(first.ref, SendResult(Outcome.NOT_TRANSMITTED))
    feed.report(second.ref, SendResult(Outcome.ACCEPTED))
    feed.close()
    third = feed.take()
    feed.report(third.ref, SendResult(Outcome.ACCEPTED)) if isinstance(third, OutgoingText) else None
    assert rows(campaign_id)[0].reason is Reason.SUPPRESSED


def test_stop_puts_the_number_on_the_list_with_its_campaign_and_counts_once() -> None:
    campaign_id = sent_to()
    for sid in ("SM1", "SM1", "SM2"):
        tell("STOP", sid=sid)
    assert barred() == [(Channel.SMS, SuppressionSource.STOP_WORD, campaign_id)]
    assert [(each.provider_id, each.meaning, each.state) for each in kept()] == [
        ("SM1", ReplyMeaning.STOP, ReplyState.SETTLED),
        ("SM2", ReplyMeaning.STOP, ReplyState.SETTLED),
    ]
    assert ledger.row(campaign_id, 1).unsubscribed_at is not None
    assert db.session.get_one(CampaignProgress, campaign_id).unsubscribed == 1


def test_a_reply_is_tied_to_the_last_message_of_its_number() -> None:
    sent_to("+48501999002")
    sent_to()
    last = sent_to()
    ledger.sending_campaign(1)  # an e-mail is not what they answer
    tell("What does it cost?")
    (reply,) = kept()
    assert (reply.campaign_id, reply.seq) == (last, 1)
    assert reply.contact is not None and service.addresses_of(reply.contact).phone == NUMBER
    assert stored.opened(reply) == (NUMBER, "What does it cost?")
    assert (reply.meaning, reply.state) == (ReplyMeaning.MESSAGE, ReplyState.OPEN)


def test_nothing_of_a_reply_can_be_read_in_the_database() -> None:
    tell("my secret words")
    db.session.rollback()
    raw = str(db.session.execute(text("SELECT * FROM reply")).all())
    assert "secret" not in raw and NUMBER not in raw and NUMBER[1:] not in raw
    (reply,) = kept()
    with pytest.raises(CannotOpen):
        crypto.sealer(stored.PURPOSE).open(reply.sealed, b"x" * 16)


def test_a_reply_confirms_a_message_whose_answer_was_lost() -> None:
    campaign_id = sent_to(state=RecipientState.UNCONFIRMED)
    tell("thanks")
    assert ledger.states(campaign_id) == {"sent": 1}


@pytest.mark.parametrize("number", ["+48 501 999 001", "12345", "COMPANY", "+0"])
def test_nobody_is_too_strange_to_be_kept(number: str) -> None:
    tell("hello", number)
    (reply,) = kept()
    assert (reply.contact_id, reply.campaign_id) == (None, None)
    assert stored.opened(reply).text == "hello"


def test_a_text_that_is_too_long_is_cut() -> None:
    tell("ż" * 2000)
    assert stored.opened(kept()[0]).text == "ż" * 1600


def test_start_takes_back_what_stop_did_and_nothing_else() -> None:
    tell("STOP", sid="SM1")
    tell("START", sid="SM2")
    assert barred() == []
    assert kept()[1].state is ReplyState.SETTLED
    with transaction():
        suppressions.suppress(Channel.SMS, phone_index(NUMBER), SuppressionSource.BY_HAND)
    tell("START", sid="SM3")
    assert [source for _channel, source, _campaign in barred()] == [SuppressionSource.BY_HAND]
    assert kept()[2].state is ReplyState.NEEDS_LOOK


def test_an_opt_out_that_only_the_provider_knew_is_taken_back_by_start(provider: Callable[..., TwilioServer]) -> None:
    provider(lambda _form, _number: refused(400, 21610, "opted out"))
    publish(1)
    tick_and_work()
    assert [source for _channel, source, _campaign in barred()] == [SuppressionSource.STOP_WORD]
    db.session.rollback()
    tell("START", phone_of(db.session.scalars(select(Contact.id)).one()))
    assert barred() == []


def test_what_the_provider_takes_it_for_counts_whatever_the_words() -> None:
    with transaction():
        reply_words.save(_rules(ReplyMeaning.STOP, "Bye"))
    assert tell("genug", meaning=ReplyMeaning.STOP) == ""  # the provider has answered
    assert kept()[0].meaning is ReplyMeaning.STOP
    assert len(barred()) == 1


def test_an_opt_out_in_other_words_waits_for_a_person() -> None:
    tell("please stop texting me")
    (reply,) = kept()
    assert (reply.meaning, reply.state, barred()) == (ReplyMeaning.UNCLEAR, ReplyState.NEEDS_LOOK, [])


def _rules(meaning: ReplyMeaning, answer: str) -> dict[ReplyMeaning, Rule]:
    return {each: Rule(words, answer if each is meaning else "") for each, words in USUAL.items()}


def test_help_is_answered_once_in_an_hour() -> None:
    with transaction():
        reply_words.save(_rules(ReplyMeaning.HELP, "Call +48 22 000 00 00."))
    assert tell("POMOC", sid="SM1").startswith("Call")
    assert tell("help", sid="SM2") == ""
    assert tell("help", "+48501999009", sid="SM3").startswith("Call")
    with transaction():
        db.session.execute(update(Reply).values(received_at=db_now() - timedelta(hours=2)))
    assert tell("help", sid="SM4").startswith("Call")
    assert [each.state for each in kept()] == [
        ReplyState.ANSWERED,
        ReplyState.OPEN,
        ReplyState.ANSWERED,
        ReplyState.ANSWERED,
    ]


def test_a_person_unsubscribes_whom_no_word_did() -> None:
    campaign_id = sent_to()
    tell("please stop texting me")
    in_transaction(replies.unsubscribe, kept()[0].id, "eve")
    (reply,) = kept()
    assert barred() == [(Channel.SMS, SuppressionSource.UNSUBSCRIBED, campaign_id)]
    assert (reply.state, reply.settled_by) == (ReplyState.SETTLED, "eve")
    assert ledger.row(campaign_id, 1).unsubscribed_at is not None
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.what == What.REPLY_UNSUBSCRIBE)).one()
    assert (event.subject_id, event.done_by, event.detail["campaign_id"]) == (reply.id, "eve", campaign_id)


def test_a_reply_is_dismissed_and_answered_once() -> None:
    tell("stop it", sid="SM1")
    reply_id = kept()[0].id
    in_transaction(replies.dismiss, reply_id, "eve")
    assert kept()[0].state is ReplyState.DISMISSED
    with pytest.raises(Conflict):
        in_transaction(replies.dismiss, reply_id, "bob")
    in_transaction(replies.mark_answered, reply_id, "bob")
    with pytest.raises(Conflict):
        in_transaction(replies.mark_answered, reply_id, "eve")
    assert (kept()[0].state, kept()[0].settled_by) == (ReplyState.ANSWERED, "bob")


def test_replies_go_with_their_contact_and_the_opt_out_stays() -> None:
    sent_to()
    tell("before", "+48501999008", sid="SM0")  # a number that becomes a contact's later
    tell("STOP", sid="SM1")
    with transaction():
        late = factories.contact(email=None, phone="+48501999008").id
        first = db.session.scalars(select(Contact.id).order_by(Contact.id)).first() or 0
    assert [each.provider_id for each in stored.of_contact(db.session.get_one(Contact, late), 9)] == ["SM0"]
    db.session.rollback()
    for contact_id in (first, late):
        in_transaction(service.delete_contact, contact_id)
    assert kept() == []
    assert len(barred()) == 1


def test_replies_of_nobody_are_forgotten_after_a_while() -> None:
    sent_to()
    tell("hello", sid="SM1")
    tell("hello", "+48501999007", sid="SM2")
    tell("hello", "+48501999006", sid="SM3")
    with transaction():
        old = Reply.provider_id.in_(("SM1", "SM2"))
        db.session.execute(update(Reply).where(old).values(received_at=db_now() - timedelta(days=91)))
    jobs.forget_former()
    assert [each.provider_id for each in kept()] == ["SM1", "SM3"]


def test_a_reply_outlives_its_campaign() -> None:
    campaign_id = sent_to()
    tell("hello")
    in_transaction(campaigns.end, campaign_id, factories.BY)
    jobs.settle_campaign(campaign_id)
    in_transaction(sending.delete_campaign, campaign_id)
    assert kept()[0].campaign_id == campaign_id


def test_replies_are_sealed_again_with_a_new_key(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    tell("hello")
    ring = crypto.keyring().rotated()
    monkeypatch.setitem(app.extensions, "muster_sealers", cache(lambda purpose: crypto.Sealer(ring, purpose)))
    assert rotation.count_old() == 1
    assert in_transaction(rotation.reseal, 500) == 1
    assert (rotation.count_old(), in_transaction(rotation.reseal, 500)) == (0, 0)
    assert stored.opened(kept()[0]).text == "hello"
