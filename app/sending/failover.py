"""Failover of SMTP accounts: what one cannot send goes over its stand-in, and back when it is well. Flushes, never
commits."""

from sqlalchemy import update

from app.campaigns.lifecycle import LIVE
from app.campaigns.models import Campaign
from app.channels import stand_ins
from app.channels.models import Sender, SmtpAccount
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import What
from app.sending import selection, sender_limits

ROWS_PER_STEP = 10_000


def begin(account: Sender, why: str) -> bool:
    """Let the stand-in of an account that cannot send carry its messages, and its campaigns look again at once.

    why: the server's words. False: it has none that may send.
    """
    if not isinstance(account, SmtpAccount) or stand_ins.usable(account) is None:
        return False
    if account.stood_in_since is None:
        _lock(account)
        if stand_ins.begin(account, why):
            _wake(account)
    return True


def recovered(account: Sender) -> None:
    """The server of an account took messages again: it carries its own."""
    if not isinstance(account, SmtpAccount) or account.paused_reason:
        return
    account.failing_since = None
    if account.stood_in_since is not None:
        _lock(account)
        if stand_ins.end(account, audit.MUSTER):
            _wake(account)


def _lock(account: SmtpAccount) -> None:
    db.session.refresh(account, ["stood_in_since"], with_for_update=True)


def _wake(account: SmtpAccount) -> None:
    """Campaigns that waited for the account, or for a limit of its stand-in, look again."""
    waiting = update(Campaign).where(Campaign.smtp_account_id == account.id, Campaign.status.in_(LIVE))
    db.session.execute(waiting.values(next_send_at=None).execution_options(synchronize_session=False))
    if any(each.paces for each in (account, account.stand_in) if each is not None):
        sender_limits.ring_look_again(account)


def look_again(campaign_id: int, after_seq: int) -> int | None:
    """Let the next of those who wait for a domain be looked at again; the last number that was reached, None at the
    end."""
    if after_seq >= selection.last_seq(campaign_id):
        return None
    hi = after_seq + ROWS_PER_STEP
    if sender_limits.look_again(campaign_id, after_seq + 1, hi):
        waits = update(Campaign).where(Campaign.id == campaign_id, Campaign.status.in_(LIVE))
        db.session.execute(waits.values(next_send_at=None).execution_options(synchronize_session=False))
    return hi


def note_way(campaign: Campaign, carrier: Sender) -> None:
    """Write into the history of a campaign that its messages begin to go over another account than until now."""
    own, before = campaign.sender, campaign.stand_in_id
    assert own is not None
    now = None if carrier is own else carrier.id
    if now == before:
        return
    was = Campaign.stand_in_id.is_(None) if before is None else Campaign.stand_in_id == before
    moved = update(Campaign).where(Campaign.id == campaign.id, was).values(stand_in_id=now)
    if not db.session.execute(moved.execution_options(synchronize_session=False)).rowcount:
        return  # another lane was first
    db.session.expire(campaign, ["stand_in_id"])
    said: dict[str, object] = {"account": own.name, "account_id": own.id, "sender_id": carrier.id}
    if now is None:
        audit.note(What.CAMPAIGN_OWN_ACCOUNT, campaign.id, campaign.name, audit.MUSTER, **said)
        return
    said |= {"stand_in": carrier.name, "reason": own.paused_reason or own.last_error or ""}
    audit.note(What.CAMPAIGN_STAND_IN, campaign.id, campaign.name, audit.MUSTER, **said)
