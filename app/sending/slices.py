"""Slices of sending: a transaction before each decides what it may do, one after it notes what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.campaigns import checks
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignEvent, CampaignStatus
from app.campaigns.models import SENDER_OF, Campaign
from app.channels import limits as channel_limits
from app.channels import senders, stand_ins
from app.channels.contract import TO_PHONES, Channel, Fault, RunReport, Transport
from app.channels.models import Sender, SmtpAccount
from app.channels.registry import transport_for
from app.extensions import db
from app.kernel import audit, processes
from app.kernel.audit import What
from app.kernel.db import db_now
from app.kernel.queues import JobName, QueueName, enqueue_after_commit, has_waiting
from app.kernel.texts import N_, Phrase
from app.sending import breaker, claim, destination, domains, failover, finish, forecast, journal, slow_down, throttle
from app.sending.breaker import Breaker
from app.sending.claim import BATCH_SIZE, ClaimOrder, Later, Nothing
from app.sending.deliver import BatchFeed, SliceOrder
from app.sending.journal import ClaimKey
from app.sending.limits import limits_of
from app.sending.models import SendBatch, SenderLane
from app.sending.slow_down import Pace
from app.sending.states import BatchState
from app.sending.writers import writer_of

MAX_LANES = 4
SLOW_US = throttle.SECOND_US  # a slice keeps up with messages so far apart alone
REFUSED = {
    Channel.EMAIL: N_("The SMTP account %(name)s was refused: %(answer)s"),
    **dict.fromkeys(TO_PHONES, N_("The gateway %(name)s was refused: %(answer)s")),
    Channel.PUSH: N_("The key of %(name)s was refused: %(answer)s"),
}
SWITCHED_OFF = {
    Channel.EMAIL: N_("The SMTP account %(name)s is switched off."),
    **dict.fromkeys(TO_PHONES, N_("The gateway %(name)s is switched off.")),
    Channel.PUSH: N_("%(name)s is switched off."),
}
PAUSED = {
    Channel.EMAIL: What.ACCOUNT_PAUSE,
    **dict.fromkeys(TO_PHONES, What.GATEWAY_PAUSE),
    Channel.PUSH: What.WEB_PUSH_PAUSE,
}
# What rings in a pocket, and mostly costs money: the fewer are in one claim, the fewer are unconfirmed when a host
# never comes back with its journal.
LARGEST_CLAIM = {Channel.EMAIL: BATCH_SIZE, **dict.fromkeys((*TO_PHONES, Channel.PUSH), 50)}
WAITS_TO_TRY_AGAIN = N_("waiting to try again those whom the server refused for now")
WAITS_FOR_DOMAINS = N_("waiting for the pace to single domains, or to try again those whom the server refused for now")
LONG_WAIT = timedelta(minutes=10)  # a longer wait shows the campaign as scheduled again


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice that may begin: its order, its transport and its share of the sender's connections.

    sender: the key of the sender over which it goes: the campaign's own, or the stand-in of an SMTP account. edited_at:
    when a person had last saved that one.
    """

    order: SliceOrder
    transport: Transport[Any]
    connections: int
    sender: str
    lane: int
    edited_at: datetime


def lanes_of(account: Sender) -> int:
    """How many workers may use a sender at the same time; its connections are shared out among them."""
    return min(MAX_LANES, account.max_connections)


def ring(campaign: Campaign, number: int, turn: int = 0) -> None:
    """Ring for a slice after the commit. number: which of the campaign's bells; turn: 0 or 1, so that a slice can ring
    for its successor while its own job is still there."""
    _ring(campaign.id, number, turn, is_slow=_is_slow(campaign))


def ring_for_due(campaign: Campaign) -> None:
    """Ring for as many slices as can do something now: one for each batch that is due and lane of the sender, and a
    single one of a slow campaign. More would hold workers that others need."""
    assert campaign.sender is not None
    is_slow = _is_slow(campaign)
    lanes = 1 if is_slow else lanes_of(stand_ins.carrier_of(campaign.sender))
    for number in range(_due_batches(campaign.id, lanes)):
        _ring(campaign.id, number, 0, is_slow=is_slow)


def _ring(campaign_id: int, number: int, turn: int, *, is_slow: bool) -> None:
    queue = QueueName.PACED if is_slow else QueueName.SEND
    job_id = f"send-{campaign_id}-{number}-{turn}"
    enqueue_after_commit(queue, JobName.SEND_SLICE, campaign_id, number, turn, job_id=job_id)


def _is_slow(campaign: Campaign) -> bool:
    """Whether a limit leaves seconds between the messages, so that a slice is done with the first one."""
    assert campaign.sender is not None
    carrier = stand_ins.carrier_of(campaign.sender)
    limits = limits_of(campaign, carrier, channel_limits.of(campaign.channel))
    return any(limit.interval_us >= SLOW_US for limit in limits.smooth)


def begin(campaign_id: int, job_id: str) -> Slice | None:
    """Take a lane of the sender and read all that the slice needs; None when it may not run now."""
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None or campaign.status is not CampaignStatus.SENDING:
        return None
    account = campaign.sender
    if account is None:  # deleted a moment ago, in spite of everything
        campaigns.fail(campaign_id, N_("What sends this campaign is not there any more. Choose another one."))
        return None
    if not stand_ins.ways(account):
        is_off = Phrase(SWITCHED_OFF[campaign.channel], name=account.name)
        campaigns.fail(campaign_id, account.paused_reason or is_off)
        return None
    now = db_now()
    way = _open_way(account, now)
    if way is None:
        return None
    carrier, is_probe = way
    owner = processes.me()
    lease_seconds: float = current_app.config["LEASE_SECONDS"]
    lane = _take_lane(carrier, owner, job_id, lease_seconds)
    if lane is None:
        if is_probe:
            carrier.breaker_open_until = now  # dead workers hold all lanes: the next slice is the probe
        return None
    if not is_probe:  # one is no change of way: when it fails, nothing has left
        failover.note_way(campaign, carrier)
    order = _order(campaign, carrier, now, owner=owner, lane=lane, is_probe=is_probe)
    connections = 1 if is_probe else max(1, carrier.max_connections // lanes_of(carrier))
    transport = transport_for(campaign.channel)(senders.settings_of(carrier))
    return Slice(order, transport, connections, carrier.key, lane, carrier.changed_at)


def _open_way(account: Sender, now: datetime) -> tuple[Sender, bool] | None:
    """The sender to use, and whether this is its probe: the first that no breaker bars. None when all are barred."""
    for sender in stand_ins.ways(account):
        state = Breaker(sender.breaker_open_until, sender.breaker_open_seconds)
        if breaker.is_blocking(state, now):
            continue
        is_probe = breaker.is_probe(state, now)
        if not is_probe or _reserve_probe(sender, state):
            return sender, is_probe
    return None


def _order(campaign: Campaign, account: Sender, now: datetime, *, owner: str, lane: int, is_probe: bool) -> SliceOrder:
    folder = Path(current_app.config["JOURNAL_FOLDER"])
    lease_seconds: float = current_app.config["LEASE_SECONDS"]
    writer = writer_of(campaign, account)
    claim_order = ClaimOrder(
        campaign_id=campaign.id,
        content_version=campaign.content_version,
        sender_id=account.id,
        owner=owner,
        journal_host=journal.host(folder),
        window=checks.window_of(campaign, now),
        limits=limits_of(campaign, account, channel_limits.of(campaign.channel)),
        needs_attributes=any(name.startswith("attributes.") for name in writer.fields),
        destination=destination.of(campaign),
        lease_seconds=lease_seconds,
        only_who_wrote=campaign.channel is Channel.WHATSAPP and not campaign.content_sid,
        paces=domains.limits_of(account),
    )
    sender = account.key  # renew runs in later transactions, without this row

    def renew(keys: Sequence[ClaimKey]) -> set[ClaimKey]:
        _renew_lane(sender, lane, owner, lease_seconds)
        return claim.renew(claim_order, keys)

    return SliceOrder(
        claim_order=claim_order,
        writer=writer,
        largest_claim=LARGEST_CLAIM[campaign.channel],
        journal_folder=folder,
        renew=renew,
        others_wait=partial(has_waiting, QueueName.PACED, QueueName.DEFAULT),
        is_probe=is_probe,
    )


def end(ran: Slice, feed: BatchFeed, report: RunReport, number: int, turn: int) -> None:
    """Free the lane, let the breaker and the campaign learn from the run, and ring for the successor."""
    order = ran.order.claim_order
    lanes = _busy_lanes(ran.sender)
    _free_lane(ran.sender, ran.lane, order.owner)
    account = senders.get(ran.sender)
    campaign = campaigns.get(order.campaign_id)
    _set_pace(account, report, slow_down.measured(feed.sent, feed.seconds, lanes, feed.interval_us))
    if report.fault is not None and _was_edited(account, ran):
        campaigns.wait(campaign, "", None)  # what failed may be mended: the next slice tries it as it is now
        return
    if report.fault is Fault.SENDER and campaign.sender is not account:
        _stop_refused(account, campaign, report)
        return
    if report.fault is Fault.SENDER:
        _pause_account(account, campaign.channel, report)
        return
    if report.fault is Fault.PROVIDER:
        _open_breaker(account, campaign, report, was_probe=ran.order.is_probe, was_healthy=feed.is_healthy)
        return
    if feed.is_healthy and account.breaker_open_until is not None:
        account.breaker_open_until, account.breaker_open_seconds = None, 0
        failover.recovered(account)
    elif ran.order.is_probe and not feed.has_tried and account.breaker_open_until is not None:
        account.breaker_open_until = db_now()  # nobody was due, so nothing is known: the next slice is the probe
    _next(campaign, feed.later, number, turn)


def _next(campaign: Campaign, later: Later | None, number: int, turn: int) -> None:
    db.session.refresh(campaign, with_for_update=True)  # a person may have moved it since the slice began
    if campaign.status is not CampaignStatus.SENDING:
        return
    if later is None:
        campaigns.wait(campaign, "", None)
        ring(campaign, number, 1 - turn)
    elif later.reason is Nothing.NOT_DUE:
        due_at = claim.next_due(campaign.id)  # not what the slice saw some seconds ago: people may have been added
        if due_at is not None:
            assert campaign.sender is not None
            has_paces = any(way.paces for way in stand_ins.ways(campaign.sender))
            campaigns.wait(campaign, WAITS_FOR_DOMAINS if has_paces else WAITS_TO_TRY_AGAIN, due_at)
        else:
            finish.finish_if_done(campaign)
    elif later.at is not None:
        at = _tries_own(campaign, later) if later.reason is Nothing.THROTTLED else later.at
        campaigns.wait(campaign, later.why, at)
        if at - later.now > LONG_WAIT:
            campaigns.move(campaign, CampaignEvent.WAIT)


def _tries_own(campaign: Campaign, later: Later) -> datetime:
    """When to look again: at the slot of the stand-in, or before it when its own account is tried again and has one."""
    account, at = campaign.sender, later.at
    assert account is not None and at is not None
    if stand_ins.carrier_of(account) is account or account.paused_reason or account.breaker_open_until is None:
        return at
    own = limits_of(campaign, account, channel_limits.of(campaign.channel))
    window, kept = checks.window_of(campaign, later.now), throttle.kept(own, later.now)
    slot = forecast.forecast(1, window, own, later.now, kept).first_at
    return min(at, max(slot, account.breaker_open_until)) if slot is not None else at


def _stop_refused(stand_in: Sender, campaign: Campaign, report: RunReport) -> None:
    """The server of a stand-in refuses the messages of another account: those stop, and its own may go on."""
    words = f"{report.code} {report.detail}".strip() or N_("The server refused the sender.")
    stand_in.last_error, stand_in.last_error_at = words, db_now()
    account = campaign.sender
    assert account is not None
    refused = N_(
        "The SMTP account %(name)s, which stands in for %(account)s, was refused: %(answer)s",
        name=stand_in.name,
        account=account.name,
        answer=words,
    )
    campaigns.fail(campaign.id, refused)


def _pause_account(account: Sender, channel: Channel, report: RunReport) -> None:
    """The server refuses us, not a recipient: nobody is burned, a person has to mend the account. Its campaigns go on
    over its stand-in, or stop."""
    words, now = f"{report.code} {report.detail}".strip() or N_("The server refused the sender."), db_now()
    if not account.paused_reason:  # else another lane was first
        audit.note(PAUSED[channel], account.id, account.name, audit.MUSTER, reason=words)
    account.paused_reason = words[:255]
    account.last_error, account.last_error_at = words, now
    if isinstance(account, SmtpAccount):
        account.failing_since = account.failing_since or now
    if failover.begin(account, words):
        return
    mine = getattr(Campaign, f"{SENDER_OF[channel]}_id") == account.id
    live = select(Campaign.id).where(mine, Campaign.channel == channel, Campaign.status == CampaignStatus.SENDING)
    for campaign_id in db.session.scalars(live).all():
        why = Phrase(REFUSED[channel], name=account.name, answer=words)
        campaigns.fail(campaign_id, why)


def _was_edited(account: Sender, ran: Slice) -> bool:
    """Whether a person saved the sender while the slice ran, which tried it as it was before."""
    db.session.refresh(account, with_for_update=True)
    return account.changed_at != ran.edited_at


def _open_breaker(
    account: Sender, campaign: Campaign, report: RunReport, *, was_probe: bool, was_healthy: bool
) -> None:
    """Leave a provider alone that cannot be used; was_healthy: it could until just now."""
    now = db_now()
    words = f"{report.code} {report.detail}".strip() or N_("no answer")
    state = Breaker(account.breaker_open_until, account.breaker_open_seconds)
    if isinstance(account, SmtpAccount) and (was_healthy or account.failing_since is None):
        account.failing_since = now
    if was_probe or not breaker.is_blocking(state, now):  # else another lane met the same failure just before
        state = breaker.opened(breaker.CLOSED if was_healthy else state, now)
        account.breaker_open_until, account.breaker_open_seconds = state.open_until, state.open_seconds
    account.last_error, account.last_error_at = words, now
    if was_probe and not was_healthy and not report.slow_down:
        failover.begin(account, words)
    assert campaign.sender is not None
    until = stand_ins.opens_at(campaign.sender, now)
    why = N_("%(name)s does not answer (%(answer)s)", name=account.name, answer=words) if until is not None else ""
    campaigns.wait(campaign, why, until)


def _set_pace(account: Sender, report: RunReport, measured_per_hour: int) -> None:
    """Let a sender go slower when its server asked for that in this run, and faster again when all went well."""
    goes_well = report.accepted and report.fault is None and account.slow_per_hour
    if not isinstance(account, SmtpAccount) or not (report.slow_down or goes_well):
        return
    db.session.refresh(account, with_for_update=True)  # other lanes end at the same time
    now, pace = db_now(), Pace(account.slow_factor, account.slow_from_per_hour, account.slow_changed_at)
    if report.slow_down:
        account.last_error, account.last_error_at = report.slow_down, now
        pace = slow_down.slowed(pace, now, measured_per_hour)
    else:
        pace = slow_down.eased(pace, now)
    account.slow_factor, account.slow_from_per_hour, account.slow_changed_at = (
        pace.factor,
        pace.per_hour,
        pace.changed_at,
    )


def _busy_lanes(sender: str) -> int:
    mine = (SenderLane.sender == sender, SenderLane.owner.is_not(None), SenderLane.until > db_now())
    return db.session.scalar(select(func.count()).where(*mine)) or 0


def _reserve_probe(account: Sender, state: Breaker) -> bool:
    """Of all slices that come when an opening is over, one becomes the probe."""
    reserved = breaker.probing(state, db_now())
    kind = type(account)
    mine = (kind.id == account.id, kind.breaker_open_until == state.open_until)
    done = db.session.execute(
        update(kind)
        .where(*mine)
        .values(breaker_open_until=reserved.open_until)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)


def _take_lane(account: Sender, owner: str, job_id: str, lease_seconds: float) -> int | None:
    now = db_now()
    until = now + timedelta(seconds=lease_seconds)
    for lane in range(lanes_of(account)):
        here = (SenderLane.sender == account.key, SenderLane.lane == lane)
        free = or_(SenderLane.owner.is_(None), SenderLane.until <= now)
        taken = db.session.execute(
            update(SenderLane).where(*here, free).values(owner=owner, until=until, job_id=job_id)
        )
        if taken.rowcount or _make_lane(account.key, lane, owner, until, job_id):
            return lane
    return None


def _make_lane(sender: str, lane: int, owner: str, until: object, job_id: str) -> bool:
    if db.session.get(SenderLane, (sender, lane)) is not None:
        return False
    try:
        with db.session.begin_nested():
            values = {"sender": sender, "lane": lane, "owner": owner, "until": until, "job_id": job_id}
            db.session.execute(insert(SenderLane).values(values))
    except IntegrityError:  # another slice made it at the same moment
        return False
    return True


def _renew_lane(sender: str, lane: int, owner: str, lease_seconds: float) -> None:
    mine = (SenderLane.sender == sender, SenderLane.lane == lane, SenderLane.owner == owner)
    db.session.execute(update(SenderLane).where(*mine).values(until=db_now() + timedelta(seconds=lease_seconds)))


def _free_lane(sender: str, lane: int, owner: str) -> None:
    mine = (SenderLane.sender == sender, SenderLane.lane == lane, SenderLane.owner == owner)
    db.session.execute(update(SenderLane).where(*mine).values(owner=None, until=None, job_id=None))


def _due_batches(campaign_id: int, limit: int) -> int:
    due = (
        select(SendBatch.batch_no)
        .where(SendBatch.campaign_id == campaign_id, SendBatch.state == BatchState.WAITING)
        .where(SendBatch.not_before <= db_now())
        .limit(limit)
    )
    return len(db.session.scalars(due).all())
