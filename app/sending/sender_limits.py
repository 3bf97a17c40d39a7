"""A sender's limits that a person changes while campaigns run through it: they hold from the next slot on."""

from sqlalchemy import inspect, update

from app.campaigns.lifecycle import LIVE
from app.campaigns.models import Campaign
from app.channels import service as channels
from app.channels.models import Sender, SmtpAccount
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import What
from app.sending.models import ThrottleBucket
from app.sending.throttle import per

WINDOWS = {"per_second": 1, "per_minute": 60, "per_hour": 3600}  # seconds of the smooth limits


def change(sender: Sender, limits: dict[str, int | None]) -> bool:
    """Give a sender these limits; returns whether any is new. Raises InvalidInput with the field."""
    for field, value in limits.items():
        if getattr(sender, field) != value:
            setattr(sender, field, value)
    channels.check_limits(sender)
    fields = channels.changed_fields(sender)
    if not fields:
        return False
    what = What.ACCOUNT_CHANGE if isinstance(sender, SmtpAccount) else What.GATEWAY_CHANGE
    audit.note(what, sender.id, sender.name, fields=fields)
    follow(sender)
    return True


def follow(sender: Sender) -> None:
    """Let the changed limits of a stored sender, which is not flushed yet, hold at once: the next slot of each lies as
    far behind the last one as the new limit says, and campaigns that waited for the old one look again."""
    if sender.id is None:
        return
    shifts = {field: _shift_us(sender, field) for field in sorted(WINDOWS)}
    if not any(inspect(sender).attrs[field].history.has_changes() for field in channels.LIMITS):
        return
    with db.session.no_autoflush:
        for field, shift_us in shifts.items():
            if shift_us:
                key = f"{sender.key}:{field.removeprefix('per_')}"
                moved = update(ThrottleBucket).where(ThrottleBucket.key == key)
                db.session.execute(moved.values(next_us=ThrottleBucket.next_us + shift_us))
        column = Campaign.smtp_account_id if isinstance(sender, SmtpAccount) else Campaign.gateway_id
        # one that waits for a limit of a day is shown as scheduled; what else it waits for the tick finds again
        waiting = update(Campaign).where(column == sender.id, Campaign.status.in_(LIVE))
        db.session.execute(waiting.values(next_send_at=None).execution_options(synchronize_session=False))


def _shift_us(sender: Sender, field: str) -> int:
    """How much later the next slot of a smooth limit is than it was; 0 for one that is new, gone or the same."""
    before = inspect(sender).attrs[field].history.deleted
    old, new = before[0] if before else None, getattr(sender, field)
    if not old or not new:
        return 0
    return per("", new, WINDOWS[field], "").interval_us - per("", old, WINDOWS[field], "").interval_us
