"""A panel in which every page has something to show; every text of its own carries the mark §."""

import io
from datetime import timedelta

from sqlalchemy import select

from app.audience import import_service, suppressions
from app.audience.models import ContactImport, ImportStatus, Reply
from app.campaigns import groups, statuses
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign, OwnHoliday
from app.channels import bounce_mailboxes, receipt_hooks, stand_ins
from app.channels.bounce_mailboxes import Wanted
from app.channels.contract import Channel, Reason, Security
from app.channels.mailbox import MailProtocol
from app.channels.models import ApprovalState
from app.channels.receipts import ReceiptKind, ReceiptWay
from app.extensions import db
from app.kernel import clock
from app.missions.states import MissionPriority, MissionStatus
from app.sending import failover, progress, replies
from app.sending.models import CampaignRecipient, Receipt
from app.sending.replies import Inbound
from app.sending.states import RecipientState
from tests import factories

BY = "§"
WAITING = {
    CampaignStatus.SCHEDULED: "waiting for the start time",
    CampaignStatus.SENDING: "waiting for the limit per hour of §",
    CampaignStatus.FAILED: "",
}
REASONS = {
    RecipientState.AWAITING: (None, ""),
    RecipientState.SENT: (None, ""),
    RecipientState.FAILED: (Reason.INVALID_RECIPIENT, "The connection to § broke: Connection reset by peer."),
    RecipientState.UNCONFIRMED: (Reason.REPLY_LOST, ""),
    RecipientState.SKIPPED: (Reason.NO_ADDRESS, ""),
    RecipientState.STOPPED: (Reason.REMOVED_BY_USER, "removed by §"),
}


def fill() -> None:
    """Write it all and commit."""
    now = clock.utcnow()
    spare = factories.account(name="Zapas §", per_hour=100)
    account = factories.account(
        name="Konto §", from_name="§", per_hour=100, dkim_domain="", auth="auto", stand_in_id=spare.id
    )
    account.paused_reason = account.last_error = "The certificate of § is not valid: certificate has expired."
    account.last_error_at = account.breaker_open_until = account.failing_since = now
    stand_ins.begin(account, account.paused_reason)
    folder = factories.folder("Klienci §")
    people = [
        factories.contact(
            folder, first_name="§", last_name="§", company="§", country="PL", language="pl", time_zone="§"
        )
        for _ in REASONS
    ]
    campaigns = [_campaign(f"{status} §", status, folder, account) for status in CampaignStatus]
    label = statuses.create("Etykieta §", "#2f54d9", BY)
    groups.create("Grupa §", "§", [campaigns[0].id], BY)
    for campaign in campaigns[1:3]:
        _recipients(campaign, people, label.id)
    for status, priority in zip(MissionStatus, (*MissionPriority, MissionPriority.LOW), strict=True):
        factories.mission(people[0], title="Misja §", status=status, priority=priority, due_on=now.date(), note="§")
    for status in ImportStatus:
        _import(status)
    import_service.create(io.BytesIO("Kolumna §\n§ala@example.org\n".encode()), "§.csv", BY)
    suppressions.suppress_email("nikt@example.org")
    _what_comes_back(campaigns[1], account, people[0])
    _messages_to_phones(people[0])
    db.session.add(OwnHoliday(on_date=now.date() + timedelta(days=9), name="§"))
    db.session.commit()


def _campaign(name: str, status: CampaignStatus, folder: factories.Folder, account: factories.SmtpAccount) -> Campaign:
    written = {"subject": "§", "html": "<p>§</p>", "text": "§", "description": "§"}
    made = factories.campaign(folder, sender=account, name=name, delay_seconds=20, **written)
    made.status, made.waiting_for = status, WAITING.get(status, "")
    if status is CampaignStatus.FAILED:
        made.status_detail = "The SMTP account § is switched off."
    failover.note_way(made, stand_ins.carrier_of(account))
    return made


def _recipients(campaign: Campaign, people: list[factories.Contact], label_id: int) -> None:
    progress.ensure(campaign.id)
    for seq, (person, (state, (reason, detail))) in enumerate(zip(people, REASONS.items(), strict=True), 1):
        row = CampaignRecipient(campaign_id=campaign.id, seq=seq, contact_id=person.id, state=state, reason=reason)
        row.detail, row.internal_status_id = detail, label_id
        row.sender_id, row.sending_at = campaign.stand_in_id, clock.utcnow()
        db.session.add(row)
        progress.move(campaign.id, {state: 1})


def _what_comes_back(campaign: Campaign, account: factories.SmtpAccount, person: factories.Contact) -> None:
    account.bounce_address = "zwroty@example.org"
    wanted = Wanted(MailProtocol.IMAP, "imap.example.org", None, Security.TLS, "§", "§")
    bounce_mailboxes.save(account, wanted).problem = "The server refused: §"
    receipt_hooks.save(ReceiptWay.MAILGUN, "§" * 20)
    for kind in ReceiptKind:
        made = Receipt(campaign_id=campaign.id, seq=1, kind=kind, address_index=person.email_index, detail="§")
        made.came_by, made.happened_at = ReceiptWay.MAILBOX, clock.utcnow()
        db.session.add(made)


def _messages_to_phones(person: factories.Contact) -> None:
    factories.whatsapp_gateway(name="Bramka §", segment_price_micros=7, currency="EUR")
    for state in ApprovalState:
        factories.whatsapp_template(name="§", status=state, category="§", body="§ {{1}}", why="§", language="§")
    for number, text in enumerate(("STOP", "START", "INFO", "§ please stop", "§")):
        replies.receive(1, Channel.SMS, Inbound(f"§{number}", "+48501000999", text, media=number))
    for reply in db.session.scalars(select(Reply)):
        reply.contact_id = person.id
    replies.mark_answered(db.session.scalars(select(Reply.id).order_by(Reply.id.desc())).first() or 0, BY)


def _import(status: ImportStatus) -> None:
    now = clock.utcnow()
    made = ContactImport(file_name=f"{status}§.csv", status=status, encoding="utf-8", delimiter=";", columns=["§"])
    made.rows_done, made.bad, made.size_bytes, made.bytes_done = 7, 2, 9, 3
    made.created_by, made.created_at, made.started_at = BY, now, now
    if status is ImportStatus.FAILED:
        made.error = "A quotation mark is opened in line 3 and not closed."
    db.session.add(made)
