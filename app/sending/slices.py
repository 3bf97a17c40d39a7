"""Slices of sending: a transaction before each decides what it may do, one after it notes what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.campaigns import checks, content
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignEvent, CampaignStatus
from app.campaigns.models import Campaign
from app.channels import service as channels
from app.channels.address import wire_address
from app.channels.contract import Channel, Fault, RunReport, Transport
from app.channels.models import SmtpAccount
from app.channels.registry import transport_for
from app.extensions import db
from app.kernel import audit, processes
from app.kernel.audit import What
from app.kernel.db import db_now
from app.kernel.queues import JobName, QueueName, enqueue_after_commit
from app.kernel.texts import N_
from app.sending import breaker, claim, finish, journal
from app.sending.breaker import Breaker
from app.sending.claim import ClaimOrder, Later, Nothing
from app.sending.deliver import BatchFeed, SliceOrder
from app.sending.journal import ClaimKey
from app.sending.limits import limits_of
from app.sending.models import SendBatch, SenderLane
from app.sending.states import BatchState

MAX_LANES = 4
LONG_WAIT = timedelta(minutes=10)  # a longer wait shows the campaign as scheduled again


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice that may begin: its order, its transport and its share of the account's connections."""

    order: SliceOrder
    transport: Transport
    connections: int
    sender_id: int
    lane: int


def lanes_of(account: SmtpAccount) -> int:
    """How many workers may use an account at the same time; its connections are shared out among them."""
    return min(MAX_LANES, account.max_connections)


def ring(campaign_id: int, number: int, turn: int = 0) -> None:
    """Ring for a slice after the commit. number: which of the campaign's bells; turn: 0 or 1, so that a slice can ring
    for its successor while its own job is still there."""
    enqueue_after_commit(
        QueueName.SEND, JobName.SEND_SLICE, campaign_id, number, turn, job_id=f"send-{campaign_id}-{number}-{turn}"
    )


def begin(campaign_id: int, job_id: str) -> Slice | None:
    """Take a lane of the sender and read all that the slice needs; None when it may not run now."""
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None or campaign.status is not CampaignStatus.SENDING:
        return None
    account = channels.get_account(campaign.smtp_account_id or 0)
    if account.paused_reason or not account.is_enabled:
        is_off = N_("The SMTP account %(name)s is switched off.", name=account.name)
        campaigns.fail(campaign_id, account.paused_reason or is_off)
        return None
    now = db_now()
    state = Breaker(account.breaker_open_until, account.breaker_open_seconds)
    if breaker.is_blocking(state, now):
        return None
    is_probe = breaker.is_probe(state, now)
    if is_probe and not _reserve_probe(account, state):
        return None
    owner = processes.me()
    lease_seconds: float = current_app.config["LEASE_SECONDS"]
    lane = _take_lane(account, owner, job_id, lease_seconds)
    if lane is None:
        return None
    order = _order(campaign, account, now, owner=owner, lane=lane, is_probe=is_probe)
    connections = 1 if is_probe else max(1, account.max_connections // lanes_of(account))
    transport = transport_for(Channel.EMAIL)(channels.settings_of(account))
    return Slice(order, transport, connections, account.id, lane)


def _order(
    campaign: Campaign, account: SmtpAccount, now: datetime, *, owner: str, lane: int, is_probe: bool
) -> SliceOrder:
    folder = Path(current_app.config["JOURNAL_FOLDER"])
    lease_seconds: float = current_app.config["LEASE_SECONDS"]
    message = content.compiled(campaign.id, campaign.content_version)
    claim_order = ClaimOrder(
        campaign_id=campaign.id,
        content_version=campaign.content_version,
        sender_id=account.id,
        owner=owner,
        journal_host=journal.host(folder),
        window=checks.window_of(campaign, now),
        limits=limits_of(campaign, account),
        needs_attributes=any(name.startswith("attributes.") for name in message.fields),
        to_second_email=campaign.to_second_email,
        lease_seconds=lease_seconds,
    )
    account_id = account.id  # renew runs in later transactions, without this row

    def renew(keys: Sequence[ClaimKey]) -> set[ClaimKey]:
        _renew_lane(account_id, lane, owner, lease_seconds)
        return claim.renew(claim_order, keys)

    return SliceOrder(
        claim_order=claim_order,
        message=message,
        signer=channels.signer_of(account),
        mail_from=wire_address(account.from_email),
        journal_folder=folder,
        renew=renew,
        is_probe=is_probe,
    )


def end(ran: Slice, feed: BatchFeed, report: RunReport, number: int, turn: int) -> None:
    """Free the lane, let the breaker and the campaign learn from the run, and ring for the successor."""
    order = ran.order.claim_order
    _free_lane(ran.sender_id, ran.lane, order.owner)
    account = channels.get_account(ran.sender_id)
    campaign = campaigns.get(order.campaign_id)
    if report.fault is Fault.SENDER:
        _pause_account(account, report)
        return
    if report.fault is Fault.PROVIDER:
        _open_breaker(account, campaign, report, ran.order.is_probe)
        return
    if report.accepted and account.breaker_open_until is not None:
        account.breaker_open_until, account.breaker_open_seconds = None, 0
    _next(campaign, feed.later, number, turn)


def _next(campaign: Campaign, later: Later | None, number: int, turn: int) -> None:
    db.session.refresh(campaign, with_for_update=True)  # a person may have moved it since the slice began
    if campaign.status is not CampaignStatus.SENDING:
        return
    if later is None:
        campaigns.wait(campaign, "", None)
        ring(campaign.id, number, 1 - turn)
    elif later.reason is Nothing.NOT_DUE:
        due_at = claim.next_due(campaign.id)  # not what the slice saw some seconds ago: people may have been added
        if due_at is not None:
            campaigns.wait(campaign, N_("waiting to try again those whom the server refused for now"), due_at)
        else:
            finish.finish_if_done(campaign)
    elif later.at is not None:
        campaigns.wait(campaign, later.why, later.at)
        if later.at - later.now > LONG_WAIT:
            campaigns.move(campaign, CampaignEvent.WAIT)


def _pause_account(account: SmtpAccount, report: RunReport) -> None:
    """The server refuses us, not a recipient: nobody is burned, a person has to mend the account."""
    words = f"{report.code} {report.detail}".strip() or N_("The server refused the sender.")
    if not account.paused_reason:  # else another lane was first
        audit.note(What.ACCOUNT_PAUSE, account.id, account.name, audit.MUSTER, reason=words)
    account.paused_reason = words[:255]
    account.last_error, account.last_error_at = words, db_now()
    live = select(Campaign.id).where(Campaign.smtp_account_id == account.id, Campaign.status == CampaignStatus.SENDING)
    for campaign_id in db.session.scalars(live).all():
        why = N_("The SMTP account %(name)s was refused: %(answer)s", name=account.name, answer=words)
        campaigns.fail(campaign_id, why)


def _open_breaker(account: SmtpAccount, campaign: Campaign, report: RunReport, was_probe: bool) -> None:
    now = db_now()
    words = f"{report.code} {report.detail}".strip() or N_("no answer")
    state = Breaker(account.breaker_open_until, account.breaker_open_seconds)
    if was_probe or not breaker.is_blocking(state, now):  # else another lane met the same failure just before
        state = breaker.opened(breaker.CLOSED if report.accepted else state, now)
        account.breaker_open_until, account.breaker_open_seconds = state.open_until, state.open_seconds
    account.last_error, account.last_error_at = words, now
    campaigns.wait(
        campaign,
        N_("%(name)s does not answer (%(answer)s)", name=account.name, answer=words),
        account.breaker_open_until,
    )


def _reserve_probe(account: SmtpAccount, state: Breaker) -> bool:
    """Of all slices that come when an opening is over, one becomes the probe."""
    reserved = breaker.probing(state, db_now())
    mine = (SmtpAccount.id == account.id, SmtpAccount.breaker_open_until == state.open_until)
    done = db.session.execute(
        update(SmtpAccount)
        .where(*mine)
        .values(breaker_open_until=reserved.open_until)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)


def _take_lane(account: SmtpAccount, owner: str, job_id: str, lease_seconds: float) -> int | None:
    now = db_now()
    until = now + timedelta(seconds=lease_seconds)
    for lane in range(lanes_of(account)):
        here = (SenderLane.sender_id == account.id, SenderLane.lane == lane)
        free = or_(SenderLane.owner.is_(None), SenderLane.until <= now)
        taken = db.session.execute(
            update(SenderLane).where(*here, free).values(owner=owner, until=until, job_id=job_id)
        )
        if taken.rowcount or _make_lane(account.id, lane, owner, until, job_id):
            return lane
    return None


def _make_lane(sender_id: int, lane: int, owner: str, until: object, job_id: str) -> bool:
    if db.session.get(SenderLane, (sender_id, lane)) is not None:
        return False
    try:
        with db.session.begin_nested():
            values = {"sender_id": sender_id, "lane": lane, "owner": owner, "until": until, "job_id": job_id}
            db.session.execute(insert(SenderLane).values(values))
    except IntegrityError:  # another slice made it at the same moment
        return False
    return True


def _renew_lane(sender_id: int, lane: int, owner: str, lease_seconds: float) -> None:
    mine = (SenderLane.sender_id == sender_id, SenderLane.lane == lane, SenderLane.owner == owner)
    db.session.execute(update(SenderLane).where(*mine).values(until=db_now() + timedelta(seconds=lease_seconds)))


def _free_lane(sender_id: int, lane: int, owner: str) -> None:
    mine = (SenderLane.sender_id == sender_id, SenderLane.lane == lane, SenderLane.owner == owner)
    db.session.execute(update(SenderLane).where(*mine).values(owner=None, until=None, job_id=None))


def due_batches(campaign_id: int, limit: int) -> int:
    """How many batches of a campaign could be claimed now, up to limit."""
    due = (
        select(SendBatch.batch_no)
        .where(SendBatch.campaign_id == campaign_id, SendBatch.state == BatchState.WAITING)
        .where(SendBatch.not_before <= db_now())
        .limit(limit)
    )
    return len(db.session.scalars(due).all())
