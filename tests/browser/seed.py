"""A panel in use, with invented people: what the tests in a browser look at and what the pictures of the docs show."""

import io
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import select

from app.audience import import_service, suppressions
from app.audience.models import Contact, ContactImport, Folder, ImportStatus, Reply
from app.campaigns import custom_fields, groups, statuses
from app.campaigns.custom_fields import Definition
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign, CustomKind, InternalStatus, OwnHoliday
from app.channels import web_push
from app.channels.contract import Channel, Reason
from app.channels.models import ApprovalState, SmtpAccount
from app.extensions import db
from app.kernel import clock
from app.missions.models import Mission
from app.missions.states import MissionPriority, MissionStatus
from app.sending import progress, replies
from app.sending.models import CampaignRecipient
from app.sending.replies import Inbound
from app.sending.states import RecipientState
from tests import factories
from tests.web.conftest import add_person

ROLES = ("Admin", "Campaign Manager", "Analyst")
BY = "admin"
NAMES = """Ann Nowak,Bob Lis,Cy Rak,Dee Sowa,Eve Zając,Fay Wilk,Gus Kos,Hal Bór,Ida Mazur,Jan Żak,Kim Stone,Leo Dąb,
Mia Weber,Ned Frost,Ola Kruk,Pia Rossi,Quin Hale,Rob Sikora,Sue Lane,Tom Novák,Una Byrne,Vic Sand,Wes Cole,Xenia Pop,
Yan Li,Zoe Adams,Ada Król,Ben Wolf,Cleo Fox,Dan Gray"""
COMPANIES = ("Amber Tools", "Blue Harbour", "Cedar & Sons", "")
CAMPAIGNS = (  # name, status, why it waits, when it goes on, people it has
    ("Christmas cards", CampaignStatus.DRAFT, "", None, 0),
    ("Birthday greetings", CampaignStatus.FAILED, "", None, 6),
    ("Early booking", CampaignStatus.EXPIRED, "", None, 8),
    ("Cancelled workshop", CampaignStatus.ENDED, "", None, 5),
    ("Service notice", CampaignStatus.FINISHED, "", None, 20),
    ("Winter survey", CampaignStatus.PAUSED, "", None, 12),
    ("Press news December", CampaignStatus.SCHEDULED, "waiting for the start time", timedelta(days=7), 9),
    ("Autumn sale", CampaignStatus.SENDING, "the delay between messages", timedelta(seconds=20), 30),
)
OUTCOMES: tuple[tuple[RecipientState, Reason | None, str], ...] = (
    (RecipientState.SENT, None, ""),
    (RecipientState.SENT, None, ""),
    (RecipientState.FAILED, Reason.INVALID_RECIPIENT, "550 5.1.1 The mailbox does not exist"),
    (RecipientState.SENT, None, ""),
    (RecipientState.SKIPPED, Reason.SUPPRESSED, ""),
    (RecipientState.SENT, None, ""),
    (RecipientState.SENDING, None, ""),
    (RecipientState.AWAITING, None, ""),
    (RecipientState.UNCONFIRMED, Reason.REPLY_LOST, ""),
)
STATUSES = (("Interested", "#2b8a3e"), ("Call again", "#e0a100"), ("No interest", "#d6336c"), ("Client", "#2f54d9"))
CSV = b"E-mail;First name;City\nann@people.example;Ann;Lublin\nbob@people.example;Bob;Gdynia\n"


@dataclass(frozen=True, slots=True)
class Seed:
    """The ids of one thing of each kind. campaigns: the id of the one in that state."""

    campaigns: dict[CampaignStatus, int]
    account: int
    folder: int
    contact: int
    group: int
    label: int
    mission: int
    done_import: int
    open_import: int
    holiday: int


def fill(app: Flask) -> Seed:
    """Write it all, inside the context of the app, and commit."""
    for role in ROLES:
        add_person(app, role)
    now = clock.utcnow()
    account, _ = _accounts(now)
    clients, people = _people()
    labels = [statuses.create(name, color, BY) for name, color in STATUSES]
    made = {
        status: _campaign(name, status, why, now + wait if wait else None, people[:size], clients, account, labels)
        for name, status, why, wait, size in CAMPAIGNS
    }
    web_push.ensure()
    _own_fields(made[CampaignStatus.DRAFT])
    group = groups.create("Shop", "What the shop tells its clients", [made[each].id for each in list(made)[:3]], BY)
    groups.create("Press", "", [made[CampaignStatus.SCHEDULED].id], BY)
    done, waiting = _imports(clients, now)
    holiday = OwnHoliday(on_date=(now + timedelta(days=40)).date(), name="Company day")
    db.session.add(holiday)
    mission = _missions(people, now)
    for name in ("gone", "stop", "never"):
        suppressions.suppress_email(f"{name}@people.example")
    _messages_to_phones(people[0])
    db.session.flush()
    seed = Seed(
        {status: campaign.id for status, campaign in made.items()},
        account.id,
        clients.id,
        people[0].id,
        group.id,
        labels[0].id,
        mission.id,
        done.id,
        waiting.id,
        holiday.id,
    )
    db.session.commit()
    return seed


def _own_fields(draft: Campaign) -> None:
    centre = custom_fields.define(Definition("Cost centre", help="As in the budget"), BY)
    kinds = ("Shop", "Service", "Press")
    ordered = custom_fields.define(Definition("Ordered by", CustomKind.CHOICE, choices=kinds, is_required=True), BY)
    custom_fields.write(draft, {centre.id: "C-100", ordered.id: "Shop"})


def _accounts(now: datetime) -> tuple[SmtpAccount, SmtpAccount]:
    factories.gateway(name="Twilio", sender="+447700900123", per_day=5000, segment_price_micros=47_900, currency="EUR")
    office = factories.account(name="Office mail", per_hour=3600, per_day=20_000, is_enabled=True)
    events = factories.account(name="Events", from_email="events@shop.example")
    events.paused_reason = "535 5.7.8 The user name or password is wrong"
    events.last_error, events.last_error_at = events.paused_reason, now - timedelta(minutes=12)
    return office, events


def _messages_to_phones(ann: Contact) -> None:
    factories.whatsapp_template(name="parcel_ready")
    factories.whatsapp_template(name="winter_sale", status=ApprovalState.PENDING, category="MARKETING")
    for number, text in enumerate(("Stop.", "please stop texting me", "Is the blue one still there?")):
        replies.receive(1, Channel.SMS, Inbound(f"SM{number}", f"+4850199900{number}", text))
    for reply in db.session.scalars(select(Reply)):
        reply.contact_id = ann.id


def _people() -> tuple[Folder, list[Contact]]:
    clients, press, partners = (factories.folder(name) for name in ("Clients", "Press", "Partners"))
    people = []
    for number, name in enumerate(NAMES.replace("\n", "").split(",")):
        first, last = name.split()
        folders = (clients, press) if number % 3 == 0 else (clients,) if number % 3 == 1 else (clients, partners)
        values = {"company": COMPANIES[number % 4], "country": "PL" if number % 2 else "DE", "language": "pl"}
        address = f"{first.lower()}@people.example"
        people.append(factories.contact(*folders, email=address, first_name=first, last_name=last, **values))
    return clients, people


def _campaign(
    name: str,
    status: CampaignStatus,
    why: str,
    next_send_at: datetime | None,
    people: list[Contact],
    folder: Folder,
    account: SmtpAccount,
    labels: list[InternalStatus],
) -> Campaign:
    made = factories.campaign(folder, sender=account, name=name, delay_seconds=20)
    made.status, made.waiting_for, made.next_send_at = status, why, next_send_at
    if status is CampaignStatus.FAILED:
        made.status_detail = "The server refused the sign-in: 535 5.7.8 The user name or password is wrong"
    if status is CampaignStatus.SCHEDULED:
        made.start_at = next_send_at
    if status is CampaignStatus.FINISHED:
        made.finished_at = clock.utcnow() - timedelta(minutes=40)
    if people:
        made.started_at = None if status is CampaignStatus.SCHEDULED else clock.utcnow() - timedelta(hours=2)
        progress.ensure(made.id)
    for seq, person in enumerate(people, 1):
        _recipient(made, seq, person, labels[seq % 9] if seq % 9 < len(labels) else None)
    return made


def _recipient(campaign: Campaign, seq: int, person: Contact, label: InternalStatus | None) -> None:
    state, reason, detail = OUTCOMES[(seq - 1) % len(OUTCOMES)]
    if campaign.status is CampaignStatus.SCHEDULED:
        state, reason, detail = RecipientState.AWAITING, None, ""
    at = clock.utcnow() - timedelta(hours=2) + timedelta(seconds=20 * seq)
    is_sent = state is RecipientState.SENT
    is_opened, is_clicked = is_sent and seq % 4 == 1, is_sent and seq % 8 == 1
    db.session.add(
        CampaignRecipient(
            campaign_id=campaign.id,
            seq=seq,
            contact_id=person.id,
            address_index=person.email_index,
            state=state,
            reason=reason,
            detail=detail,
            attempt=int(state not in (RecipientState.AWAITING, RecipientState.SKIPPED)),
            sending_at=None if state in (RecipientState.AWAITING, RecipientState.SKIPPED) else at,
            done_at=at + timedelta(seconds=1) if is_sent else None,
            opened_at=at + timedelta(minutes=9) if is_opened else None,
            clicked_at=at + timedelta(minutes=10) if is_clicked else None,
            internal_status_id=label.id if label else None,
        )
    )
    progress.move(campaign.id, {state: 1})
    counted = db.session.execute(
        db.select(progress.CampaignProgress).where(progress.CampaignProgress.campaign_id == campaign.id)
    ).scalar_one()
    counted.opened += is_opened
    counted.clicked += is_clicked


def _imports(folder: Folder, now: datetime) -> tuple[ContactImport, ContactImport]:
    waiting = import_service.create(io.BytesIO(CSV), "partners.csv", BY)
    done = ContactImport(
        file_name="clients-2026.csv",
        size_bytes=48_211,
        bytes_done=48_211,
        status=ImportStatus.DONE,
        encoding="utf-8",
        delimiter=";",
        columns=["E-mail", "Name"],
        mapping={"E-mail": "email"},
        folder_id=folder.id,
        rows_done=1_204,
        added=1_180,
        updated=20,
        bad=4,
        created_by=BY,
        created_at=now - timedelta(days=2),
        started_at=now - timedelta(days=2),
        finished_at=now - timedelta(days=2),
    )
    db.session.add(done)
    db.session.flush()
    return done, waiting


def _missions(people: list[Contact], now: datetime) -> Mission:
    made = [
        factories.mission(
            person,
            title=title,
            status=status,
            priority=priority,
            due_on=(now + timedelta(days=days)).date(),
            assignee_name=who,
        )
        for person, title, status, priority, days, who in (
            (people[2], "Ask about the new catalogue", MissionStatus.DONE, MissionPriority.LOW, -9, "Test Analyst"),
            (people[1], "Send the price list", MissionStatus.IN_PROGRESS, MissionPriority.NORMAL, 2, "Test Admin"),
            (people[4], "Renew the contract", MissionStatus.WAITING, MissionPriority.URGENT, -1, ""),
            (people[0], "Welcome back after the summer", MissionStatus.OPEN, MissionPriority.HIGH, 5, "Test Admin"),
        )
    ]
    return made[-1]
