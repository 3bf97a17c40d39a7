"""Stand-ins: an SMTP account whose server carries the messages of another account while that one cannot send.

The messages stay what they are: sender address, signature, return path and content are those of their own account. Only
the connection and its limits are the stand-in's. A stand-in of a stand-in is never used.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.channels.models import Sender, SmtpAccount
from app.extensions import db
from app.kernel import audit
from app.kernel.audit import What
from app.kernel.db import db_now
from app.kernel.errors import Conflict, InvalidInput


def check(account: SmtpAccount) -> None:
    """Refuse a stand-in that cannot write for the domain of this account, and a sender address with which this account
    could no longer stand in for those that count on it. Raises InvalidInput naming the field."""
    mine = _domain(account)
    if account.stand_in_id is not None:
        with db.session.no_autoflush:
            stand_in = db.session.get(SmtpAccount, account.stand_in_id)
        if stand_in is None or stand_in is account:
            raise InvalidInput("Choose another SMTP account.", "stand_in_id")
        if _domain(stand_in) != mine:
            # SPF and DMARC of a domain name the servers that may write for it
            raise InvalidInput(
                "%(name)s writes for %(domain)s, this account for %(own)s. A stand-in must write for the same domain.",
                "stand_in_id",
                name=stand_in.name,
                domain=_domain(stand_in),
                own=mine,
            )
    if other := next((each for each in counting_on(account) if _domain(each) != mine), None):
        raise InvalidInput(
            "This account stands in for %(name)s, which writes for %(domain)s. Choose another stand-in there first.",
            "from_email",
            name=other.name,
            domain=_domain(other),
        )


def check_unused(account: SmtpAccount) -> None:
    """Refuse to delete an account that others count on. Raises Conflict naming them."""
    if others := counting_on(account):
        names = ", ".join(each.name for each in others)
        raise Conflict("This account stands in for %(names)s. Choose another stand-in there first.", names=names)


def counting_on(account: SmtpAccount) -> list[SmtpAccount]:
    """The accounts that this one stands in for when they cannot send, by name."""
    if account.id is None:
        return []
    theirs = select(SmtpAccount).where(SmtpAccount.stand_in_id == account.id)
    with db.session.no_autoflush:  # a form may be about to change this one
        return list(db.session.scalars(theirs.order_by(SmtpAccount.name)))


def usable(account: Sender) -> SmtpAccount | None:
    """The stand-in of this account, if it has one that may send; it may be that it does not answer right now."""
    stand_in = account.stand_in if isinstance(account, SmtpAccount) else None
    return stand_in if stand_in is not None and _may_send(stand_in) else None


def ways(account: Sender) -> list[Sender]:
    """Over which servers its messages may go now: its own, and while that cannot be used its stand-in's.

    None for an account that is switched off, and for one that is paused without a stand-in that may send.
    """
    if not account.is_enabled:
        return []
    own: list[Sender] = [] if account.paused_reason else [account]
    stand_in = usable(account) if is_stood_in(account) else None
    return [*own, stand_in] if stand_in is not None else own


def is_stood_in(account: Sender) -> bool:
    """Whether its stand-in is to carry its messages now."""
    return isinstance(account, SmtpAccount) and (account.stood_in_since is not None or bool(account.paused_reason))


def carrier_of(account: Sender) -> Sender:
    """The account over which its messages go now: itself, or its stand-in."""
    return (ways(account) or [account])[-1]


def opens_at(account: Sender, now: datetime) -> datetime | None:
    """When the first of its ways may be tried again; None when one may be now, or none ever."""
    waits = [way.breaker_open_until for way in ways(account)]
    later = [until for until in waits if until is not None and until > now]
    return min(later) if later and len(later) == len(waits) else None


def begin(account: SmtpAccount, why: str) -> bool:
    """Let its stand-in, which may send, carry its messages from now on; False when it does so already. The caller has
    locked the account, since several workers learn at once that it cannot send."""
    stand_in = usable(account)
    assert stand_in is not None
    if account.stood_in_since is not None:
        return False
    account.stood_in_since = db_now()
    audit.note(What.ACCOUNT_STAND_IN, account.id, account.name, audit.MUSTER, stand_in=stand_in.name, reason=why)
    return True


def end(account: SmtpAccount, by: str = "") -> bool:
    """Let it carry its messages itself again; False when it does so already. by: else the person of this request."""
    if account.stood_in_since is None:
        return False
    account.stood_in_since = None
    stand_in = aliased(SmtpAccount)  # the one that stood in: a form may have set another one
    was = select(stand_in.name).join(SmtpAccount, SmtpAccount.stand_in_id == stand_in.id)
    with db.session.no_autoflush:
        name = db.session.scalar(was.where(SmtpAccount.id == account.id)) or ""
    audit.note(What.ACCOUNT_STAND_IN_END, account.id, account.name, by, stand_in=name)
    return True


def _may_send(account: Sender) -> bool:
    return account.is_enabled and not account.paused_reason


def _domain(account: SmtpAccount) -> str:
    return account.from_email.rpartition("@")[2]
