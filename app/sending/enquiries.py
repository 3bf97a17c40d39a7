"""Questions to the provider for messages to phones whose answer was lost: does it know them? Nothing is ever sent.

Beside deliver.py and mailboxes.py the third domain module that runs its own transactions: none is open while the
provider is waited for.
"""

import logging
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, or_, select, update
from sqlalchemy.exc import NoResultFound

from app.audience.addresses import opener, phone_index
from app.audience.models import Contact
from app.campaigns import text_content
from app.campaigns.models import Campaign
from app.channels import gateways
from app.channels.contract import TO_PHONES, Channel, GatewaySettings, ReadingProblem, RememberedText
from app.channels.models import Gateway
from app.channels.registry import text_history
from app.extensions import db
from app.kernel import leases, processes
from app.kernel.crypto import CannotOpen
from app.kernel.db import db_now, in_transaction
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.queues import JobName, QueueName, enqueue_after_commit
from app.kernel.texts import N_, Phrase
from app.sending import destination, receipts, text_receipts
from app.sending.models import CampaignProgress, CampaignRecipient
from app.sending.states import RecipientState
from app.sending.writers import values_of

log = logging.getLogger(__name__)

ROLE = "enquiries"
RING_SECONDS = 60.0
MOST_AT_ONCE = 20  # questions of a campaign in a minute
# How long after its answer was lost a message is asked for: a report mostly comes within seconds, and a message that
# waits in the provider's own queue may be listed late.
ASK_AFTER = (timedelta(minutes=3), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6))
LOOKED_BACK = timedelta(hours=12)
AFTER_A_PROBLEM = timedelta(minutes=10)
MARGIN = timedelta(minutes=1)  # between the provider's clock and ours
FOUND = N_("The answer was lost; Twilio knows the message (asked on %(at)s UTC).")
UNKNOWN = N_("Twilio knows no such message (asked on %(at)s UTC).")
OTHER_WORDS = N_("Twilio knows a message of that minute to this number, with other words (asked on %(at)s UTC).")

_R = CampaignRecipient.__table__.c
_C = Contact.__table__.c


class Finding(StrEnum):
    """What came of a question."""

    FOUND = "found"
    UNKNOWN = "unknown"
    OTHER_WORDS = "other-words"  # something went to the number then, but not these words
    NO_ANSWER = "no-answer"


@dataclass(frozen=True, slots=True)
class Question:
    """A message to ask for. to: as OutgoingText.recipient has it. words: as the phone shows them. taken_at, lost_at:
    between these it was handed over. known: the provider's ids of this person's other messages."""

    seq: int
    settings: GatewaySettings = field(repr=False)
    to: str = field(repr=False)
    words: str = field(repr=False)
    taken_at: datetime
    lost_at: datetime
    known: frozenset[str]


def ring() -> None:
    """Once a minute, ring for every campaign that may have something to ask for."""
    owner = f"{processes.me()}:{secrets.token_hex(4)}"  # another one each time, so that the lease is a pause
    if not leases.acquire(ROLE, owner, RING_SECONDS):
        return
    counted = CampaignProgress.campaign_id == Campaign.id
    recent = (CampaignProgress.unconfirmed > 0, CampaignProgress.moved_at > db_now() - LOOKED_BACK)
    query = select(Campaign.id).join(CampaignProgress, counted).where(Campaign.channel.in_(TO_PHONES), *recent)
    for campaign_id in db.session.scalars(query.order_by(Campaign.id)):
        enqueue_after_commit(QueueName.DEFAULT, JobName.ASK_FOR_TEXTS, campaign_id, job_id=f"enquiry-{campaign_id}")


def ask(campaign_id: int) -> Counter[Finding]:
    """Ask for the messages of a campaign that are due, a few at a time. Talks to the network: call it outside a
    transaction."""
    findings: Counter[Finding] = Counter()
    for question in in_transaction(_questions, campaign_id):
        try:
            history = text_history()(question.settings, question.to, (question.taken_at - MARGIN).date())
            findings[in_transaction(_settle, campaign_id, question, history)] += 1
        except ReadingProblem:
            in_transaction(_put_off_a_little, campaign_id, question.seq)
            findings[Finding.NO_ANSWER] += 1
            break  # the next ones would wait as long
        except NotFound:
            break  # the campaign was deleted while the provider was asked
    if findings:
        log.info("provider asked", extra={"campaign_id": campaign_id} | {name.value: n for name, n in findings.items()})
    return findings


def match(question: Question, history: Sequence[RememberedText]) -> tuple[Finding, RememberedText | None]:
    """Which of the messages that the provider remembers is the one that was asked for. Pure."""
    first, last = question.taken_at - MARGIN, question.lost_at + MARGIN
    then = [each for each in history if first <= each.at <= last and each.provider_id not in question.known]
    same = [each for each in then if each.body.strip() == question.words.strip()]
    if same:
        return Finding.FOUND, min(same, key=lambda each: each.at)
    return (Finding.OTHER_WORDS if then else Finding.UNKNOWN), None


def next_question(lost_at: datetime, now: datetime) -> datetime:
    """When to ask again for a message whose answer was lost then; the end of all looking when it was asked enough.
    Pure."""
    return min((lost_at + wait for wait in ASK_AFTER if lost_at + wait > now), default=lost_at + LOOKED_BACK)


def _questions(campaign_id: int) -> list[Question]:
    """What is to be asked for now; never again for whom nothing is left to ask with."""
    campaign, now = db.session.get(Campaign, campaign_id), db_now()
    if campaign is None or campaign.channel not in TO_PHONES:
        return []
    asked: list[Question] = []
    for row in db.session.execute(_due(campaign_id, now)).all():
        try:
            asked.append(_question(campaign, row))
        except (InvalidInput, NotFound, CannotOpen, NoResultFound):  # the last one: deleted at this moment
            _put_off(campaign_id, row.seq, row.done_at + LOOKED_BACK)
    return asked


def _due(campaign_id: int, now: datetime) -> Any:
    columns = (_R.seq, _R.contact_id, _R.address_index, _R.content_version, _R.sender_id, _R.sending_at, _R.done_at)
    people = (_C.uid, _C.sealed, _C.first_name, _C.last_name, _C.company, _C.country, _C.language, _C.attributes)
    source = CampaignRecipient.__table__.outerjoin(Contact.__table__, _C.id == _R.contact_id)
    lost = (_R.state == RecipientState.UNCONFIRMED, _R.provider_id.is_(None), _R.sending_at.is_not(None))
    while_asked = (_R.done_at <= now - ASK_AFTER[0], _R.done_at > now - LOOKED_BACK)
    is_due = or_(_R.not_before.is_(None), _R.not_before <= now)
    query = select(*columns, *people).select_from(source)
    return query.where(_R.campaign_id == campaign_id, *lost, *while_asked, is_due).order_by(_R.seq).limit(MOST_AT_ONCE)


def _question(campaign: Campaign, row: Row[Any]) -> Question:
    """Raises NotFound, CannotOpen or InvalidInput when nothing is left to ask with."""
    gateway = db.session.get(Gateway, row.sender_id) if row.sender_id else None
    addresses = opener()(row.sealed, row.uid) if row.sealed is not None else None
    number = destination.of(campaign).address(addresses) if addresses else None
    if gateway is None or addresses is None or not number or phone_index(number) != row.address_index:
        raise NotFound(receipts.UNKNOWN)
    message = text_content.compiled_words(campaign, row.content_version)
    return Question(
        seq=row.seq,
        settings=gateways.settings_of(gateway),
        to=gateways.PREFIXES[Channel(campaign.channel)] + number,
        words=message.render(values_of(row, addresses, message.fields)),
        taken_at=row.sending_at,
        lost_at=row.done_at,
        known=_known(row.contact_id),
    )


def _known(contact_id: int) -> frozenset[str]:
    query = select(_R.provider_id).where(_R.contact_id == contact_id, _R.provider_id.is_not(None))
    return frozenset(db.session.scalars(query))


def _settle(campaign_id: int, question: Question, history: Sequence[RememberedText]) -> Finding:
    finding, message = match(question, history)
    now = db_now()
    at = now.strftime("%Y-%m-%d %H:%M")
    if message is not None:
        said = Phrase(FOUND.message, at=at)
        text_receipts.apply(campaign_id, question.seq, message.provider_id, message.status, message.code, said)
        detail = None
    else:
        detail = Phrase((OTHER_WORDS if finding is Finding.OTHER_WORDS else UNKNOWN).message, at=at)
    # of a message that was found in a state that says nothing yet, too: then it is unconfirmed as before
    _put_off(campaign_id, question.seq, next_question(question.lost_at, now), detail)
    return finding


def _put_off_a_little(campaign_id: int, seq: int) -> None:
    _put_off(campaign_id, seq, db_now() + AFTER_A_PROBLEM)


def _put_off(campaign_id: int, seq: int, until: datetime, detail: str | None = None) -> None:
    """Ask for a message no sooner, if it is still unconfirmed. detail: what is known now."""
    mine = (_R.campaign_id == campaign_id, _R.seq == seq, _R.state == RecipientState.UNCONFIRMED)
    values = {"not_before": until} | ({"detail": detail} if detail else {})
    changed = update(CampaignRecipient).where(*mine).values(values)
    db.session.execute(changed.execution_options(synchronize_session=False))
