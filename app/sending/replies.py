"""What people write back: kept once, tied to the message that they got, and heeded when it says STOP.

An opt-out holds for every message that is not handed over when this commits. Flushes, never commits.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from app.audience import replies, reply_words
from app.audience.addresses import phone_index
from app.audience.models import Contact, Reply, ReplyMeaning, ReplyState, SuppressionSource
from app.audience.replies import Said
from app.audience.suppressions import release, suppress
from app.campaigns.models import Campaign
from app.channels.contract import Channel
from app.channels.phone import normalise_phone
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import What
from app.kernel.db import db_now
from app.kernel.errors import Conflict, InvalidInput, Unavailable
from app.sending import destination, engagement
from app.sending.models import CampaignRecipient
from app.sending.states import HANDED_OVER, RecipientState

ANSWER_AGAIN = timedelta(hours=1)  # two machines that answer each other must not talk for ever
ANSWERABLE = (ReplyState.OPEN, ReplyState.NEEDS_LOOK, ReplyState.DISMISSED)

_R = CampaignRecipient.__table__.c
_C = Contact.__table__.c


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message as a provider tells of it. number: as it writes it. media: how many files came with it.

    meaning: what the provider has taken it for, and has answered already; None when it leaves that to us.
    """

    message_id: str
    number: str
    text: str
    media: int = 0
    meaning: ReplyMeaning | None = None


@dataclass(frozen=True, slots=True)
class _Message:
    """The message of a campaign that somebody answers."""

    campaign_id: int | None = None
    seq: int | None = None
    contact_id: int | None = None


def receive(gateway_id: int, channel: Channel, inbound: Inbound) -> str:
    """Keep a reply and do what it says; returns what to answer, "" for nothing.

    A message that is known already changes nothing and is answered nothing. Raises Unavailable when its contact is
    deleted at this moment.
    """
    number = _normalised(inbound.number)
    index, rules = phone_index(number), reply_words.rules()
    meaning = inbound.meaning or reply_words.meaning_of(inbound.text, rules)
    before = _last_message(channel, index)
    answer = "" if inbound.meaning else _answer(meaning, rules[meaning].answer, index) if meaning in rules else ""
    values = {"channel": channel, "gateway_id": gateway_id, "address_index": index, "meaning": meaning}
    reply_id = _keep(inbound, Said(number, inbound.text), before, values | {"state": _state(meaning, bool(answer))})
    if reply_id is None:
        return ""
    _heed(meaning, channel, index, before, reply_id)
    return answer


def _normalised(number: str) -> str:
    """In E.164; what is no number of a person, such as a short code, as it is."""
    try:
        return normalise_phone(number, None)
    except InvalidInput:
        return number.strip()[:64]


def _last_message(channel: Channel, index: bytes) -> _Message:
    """The last message that went to this number. By way of its contacts: the ledger has no index on addresses."""
    gone = (*HANDED_OVER, RecipientState.SENDING)  # a quick answer is here before the result of its message is written
    number = destination.OF_PHONES[channel].index
    query = select(_R.campaign_id, _R.seq, _R.contact_id).join(Contact.__table__, _C.id == _R.contact_id)
    query = query.join(Campaign, Campaign.id == _R.campaign_id).where(number == index)
    query = query.where(_R.address_index == index, _R.state.in_(gone), Campaign.channel == channel)
    row = db.session.execute(query.order_by(_R.sending_at.desc()).limit(1)).one_or_none()
    if row is not None:
        return _Message(*row)
    return _Message(contact_id=db.session.scalar(select(_C.id).where(number == index).order_by(_C.id).limit(1)))


def _state(meaning: ReplyMeaning, is_answered: bool) -> ReplyState:
    if meaning is ReplyMeaning.UNCLEAR:
        return ReplyState.NEEDS_LOOK
    if meaning in (ReplyMeaning.STOP, ReplyMeaning.START):
        return ReplyState.SETTLED
    return ReplyState.ANSWERED if is_answered else ReplyState.OPEN


def _answer(meaning: ReplyMeaning, answer: str, index: bytes) -> str:
    """The answer, unless this number was told the same within the hour."""
    if not answer:
        return ""
    same = (Reply.address_index == index, Reply.meaning == meaning, Reply.received_at > db_now() - ANSWER_AGAIN)
    return "" if db.session.scalar(select(Reply.id).where(*same).limit(1)) is not None else answer


def _keep(inbound: Inbound, said: Said, before: _Message, values: dict[str, Any]) -> int | None:
    """Write the reply down; returns its id, None when it is known already."""
    known, uid, now = select(Reply.id).where(Reply.provider_id == inbound.message_id), uuid4().bytes, db_now()
    if db.session.scalar(known) is not None:
        return None
    values |= {"provider_id": inbound.message_id, "uid": uid, "sealed": replies.seal(said, uid), "received_at": now}
    values |= {"campaign_id": before.campaign_id, "seq": before.seq, "contact_id": before.contact_id}
    values |= {"media": inbound.media, "settled_by": ""}
    if values["state"] is ReplyState.SETTLED:
        values["settled_at"] = now
    try:
        with db.session.begin_nested():
            return int(db.session.execute(insert(Reply).values(values)).inserted_primary_key[0])
    except IntegrityError as error:
        if db.session.scalar(known) is not None:  # the same one came a second time at the same moment
            return None
        raise Unavailable("The contact of this number is being deleted. Report again in a moment.") from error


def _heed(meaning: ReplyMeaning, channel: Channel, index: bytes, before: _Message, reply_id: int) -> None:
    if before.campaign_id is not None and before.seq is not None:
        note = engagement.record_opt_out if meaning is ReplyMeaning.STOP else engagement.record_reply
        note(before.campaign_id, before.seq)
    if meaning is ReplyMeaning.STOP:
        suppress(channel, index, SuppressionSource.STOP_WORD, before.campaign_id)
    elif meaning is ReplyMeaning.START and not release(channel, index, SuppressionSource.STOP_WORD):
        # on the list for another reason: whether that still holds is for a person to say
        db.session.execute(
            update(Reply)
            .where(Reply.id == reply_id)
            .values(state=ReplyState.NEEDS_LOOK, settled_at=None)
            .execution_options(synchronize_session=False)
        )


def unsubscribe(reply_id: int, by: str) -> None:
    """Put the number of a reply on the suppression list, because a person has read it so. Raises NotFound."""
    reply = replies.get(reply_id)
    if reply.campaign_id is not None and reply.seq is not None:
        engagement.record_opt_out(reply.campaign_id, reply.seq)
    suppress(reply.channel, reply.address_index, SuppressionSource.UNSUBSCRIBED, reply.campaign_id)
    _settle(reply, tuple(ReplyState), ReplyState.SETTLED, by)
    audit.note(What.REPLY_UNSUBSCRIBE, reply.id, by=by, contact_id=reply.contact_id, campaign_id=reply.campaign_id)


def dismiss(reply_id: int, by: str) -> None:
    """Say that a reply which needed a look is no opt-out. Raises NotFound, Conflict."""
    reply = replies.get(reply_id)
    _settle(reply, (ReplyState.NEEDS_LOOK,), ReplyState.DISMISSED, by)
    audit.note(What.REPLY_DISMISS, reply.id, by=by, contact_id=reply.contact_id, campaign_id=reply.campaign_id)


def mark_answered(reply_id: int, by: str) -> None:
    """Say that somebody has answered a reply. Raises NotFound, Conflict."""
    _settle(replies.get(reply_id), ANSWERABLE, ReplyState.ANSWERED, by)


def _settle(reply: Reply, old: tuple[ReplyState, ...], new: ReplyState, by: str) -> None:
    changed = db.session.execute(
        update(Reply)
        .where(Reply.id == reply.id, Reply.state.in_(old))
        .values(state=new, settled_by=by[:64], settled_at=db_now())
        .execution_options(synchronize_session=False)
    ).rowcount
    db.session.expire(reply)
    if not changed:
        raise Conflict("Somebody has dealt with this reply already.")
