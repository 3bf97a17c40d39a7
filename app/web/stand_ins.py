"""The stand-ins of SMTP accounts in words."""

from flask_babel import gettext as _

from app.reports.launch import Sender
from app.reports.stand_ins import Detour
from app.web import words


def detour(account: str, stand_in: str, why: str) -> str:
    """That the messages of an account go over its stand-in. why: what its own server said, as it was stored."""
    answer = words.sentence(why) or _("no answer")
    return _(
        "The messages of %(name)s go over %(stand_in)s, because it cannot send: %(answer)s",
        name=account,
        answer=answer,
        stand_in=stand_in,
    )


def of_detour(found: Detour | None) -> str:
    """The same; "" for none."""
    return detour(found.account, found.stand_in, found.why) if found is not None else ""


def of_sender(sender: Sender) -> str:
    """What somebody should know before a campaign starts; "" for an account without a stand-in that may send."""
    own, stand_in = sender.account, sender.stand_in
    if stand_in is None:
        return ""
    if sender.carrier is not own:
        return detour(own.name, stand_in.name, own.paused_reason or own.last_error or "")
    return _("When %(name)s cannot send, its messages go over %(stand_in)s.", name=own.name, stand_in=stand_in.name)
