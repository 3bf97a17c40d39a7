"""Limits of a sender, a Twilio account or a channel that a person changes while campaigns run: they hold from the next
slot on."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, inspect, or_, select, update

from app.campaigns.lifecycle import LIVE
from app.campaigns.models import SENDER_OF, Campaign
from app.channels import service as channels
from app.channels.models import (
    AccountLimit,
    ChannelLimit,
    Gateway,
    Limited,
    Sender,
    SmtpAccount,
    WebPushSender,
)
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import What
from app.kernel.queues import JobName, QueueName, enqueue_after_commit
from app.sending import claim, domains, selection
from app.sending.limits import WINDOWS, bucket_key
from app.sending.models import CampaignProgress, ThrottleBucket
from app.sending.throttle import per

CHANGES: dict[type[Sender], What] = {
    SmtpAccount: What.ACCOUNT_CHANGE,
    Gateway: What.GATEWAY_CHANGE,
    WebPushSender: What.WEB_PUSH_CHANGE,
}


def change(limited: Limited, limits: dict[str, int | None]) -> bool:
    """Give a sender, an account or a channel these limits; returns whether any is new. Raises InvalidInput naming the
    field."""
    for field, value in limits.items():
        if getattr(limited, field) != value:
            setattr(limited, field, value)
    channels.check_limits(limited)
    fields = sorted(audit.changed(limited) & set(limits))
    if not fields:
        return False
    if isinstance(limited, ChannelLimit):
        audit.note(What.CHANNEL_LIMITS, None, limited.channel.value, fields=fields)
    elif isinstance(limited, AccountLimit):
        audit.note(What.GATEWAY_LIMITS, None, limited.account_sid, fields=fields)
    elif isinstance(limited, Sender):
        audit.note(CHANGES[type(limited)], limited.id, limited.name, fields=fields)
    follow(limited)
    return True


def follow(limited: Limited) -> None:
    """Let changed limits, which are not flushed yet, hold at once: the next slot of each lies as far behind the last
    one as the new limit says, and campaigns that waited for the old one look again. A sender that is not stored yet
    has none."""
    if isinstance(limited, Sender) and limited.id is None:
        return
    if isinstance(limited, SmtpAccount) and _history(limited, "domain_paces").has_changes():
        _release_who_waits(limited)
    elif isinstance(limited, SmtpAccount) and _history(limited, "stood_in_since").has_changes():
        ring_look_again(limited)
    shifts = {field: _shift_us(limited, field) for field in sorted(WINDOWS)}
    if not any(_history(limited, field).has_changes() for field in _paces(limited)):
        return
    with db.session.no_autoflush:
        for field, shift_us in shifts.items():
            if shift_us:
                moved = update(ThrottleBucket).where(ThrottleBucket.key == bucket_key(limited, field))
                db.session.execute(moved.values(next_us=ThrottleBucket.next_us + shift_us))
        if isinstance(limited, SmtpAccount):
            before = _history(limited, "domain_paces").deleted
            domains.shift(limited.key, (before[0] if before else None) or {}, limited.paces)
        # one that waits for a limit of a day is shown as scheduled; what else it waits for the tick finds again
        waiting = update(Campaign).where(_through(limited), Campaign.status.in_(LIVE))
        db.session.execute(waiting.values(next_send_at=None).execution_options(synchronize_session=False))


def _paces(limited: Limited) -> tuple[str, ...]:
    of_accounts = (*channels.WARM_UP, "slow_factor", "stood_in_since", "domain_paces")
    return (*channels.LIMITS, *(of_accounts if isinstance(limited, SmtpAccount) else ()))


def _release_who_waits(account: SmtpAccount) -> None:
    """Let who waits for the pace to a domain be looked at again. Batches are locked before buckets, as a claim does."""
    with db.session.no_autoflush:
        for campaign_id in _waiting(account):
            look_again(campaign_id, 1, selection.last_seq(campaign_id))


def ring_look_again(account: SmtpAccount) -> None:
    """Ring for the campaigns of an account that another one carries from now on: who waits for a domain does so by the
    pace of the one before. Should the bell be lost, they wait as planned."""
    with db.session.no_autoflush:
        for campaign_id in _waiting(account):
            job_id = f"look-again-{campaign_id}"
            enqueue_after_commit(QueueName.DEFAULT, JobName.LOOK_AGAIN, campaign_id, job_id=job_id)


def _waiting(account: SmtpAccount) -> Sequence[int]:
    """The campaigns through this account in which somebody waits, in order."""
    found = select(Campaign.id).join(CampaignProgress, CampaignProgress.campaign_id == Campaign.id)
    return db.session.scalars(found.where(_through(account), CampaignProgress.awaiting > 0).order_by(Campaign.id)).all()


def look_again(campaign_id: int, lo: int, hi: int) -> bool:
    """Let those of these recipients who wait for the pace to a domain be looked at again; whether there are any."""
    claim.lock_batches(campaign_id, lo, hi)
    if not domains.release(campaign_id, lo, hi):
        return False
    claim.reopen_batches(campaign_id, lo, hi)
    return True


def _through(limited: Limited) -> ColumnElement[bool]:
    """The condition that these limits bind a campaign."""
    if isinstance(limited, ChannelLimit):
        return Campaign.channel == limited.channel
    if isinstance(limited, AccountLimit):
        return Campaign.gateway_id.in_(select(Gateway.id).where(Gateway.account_sid == limited.account_sid))
    assert isinstance(limited, Sender)
    found: ColumnElement[bool] = getattr(Campaign, f"{SENDER_OF[limited.channel]}_id") == limited.id
    # what goes over it in place of another account waits for its limits too
    return or_(found, Campaign.stand_in_id == limited.id) if isinstance(limited, SmtpAccount) else found


def _history(limited: Limited, field: str) -> Any:
    return inspect(limited).attrs[field].history


def _shift_us(limited: Limited, field: str) -> int:
    """How much later the next slot of a smooth limit is than it was; 0 for one that is new, gone or the same."""
    before = _history(limited, field).deleted
    old, new = before[0] if before else None, getattr(limited, field)
    if not old or not new:
        return 0
    return per("", new, WINDOWS[field], "").interval_us - per("", old, WINDOWS[field], "").interval_us
