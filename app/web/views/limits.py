"""The limits of all senders, Twilio accounts and channels on one page: how fast each may send, what is used, and what
binds now."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import format_datetime
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.campaigns.models import SENDER_KINDS
from app.channels import limits as channel_limits
from app.channels import stand_ins
from app.channels.contract import Channel
from app.channels.models import AccountLimit, ChannelLimit, Gateway, Limited, Sender
from app.channels.senders import KINDS
from app.channels.service import LIMITS
from app.extensions import db
from app.kernel import clock
from app.kernel.db import db_now
from app.kernel.errors import InvalidInput, NotAllowed
from app.kernel.texts import N_
from app.sending import sender_limits, usage
from app.sending.usage import Usage
from app.web import channels, security, warm_up, words
from app.web.base import AppView, may, unit_of_work

A_DAY, DAY, TIME = timedelta(hours=20), "EEE d MMM", "HH:mm:ss"
NO_NUMBER = N_("Write a whole number, or leave it empty for no limit.")
WAITS: dict[str, Any] = {
    "per_second": _l("waits for the limit per second"),
    "per_minute": _l("waits for the limit per minute"),
    "per_hour": _l("waits for the limit per hour"),
    "per_day": _l("waits for the limit of 24 hours"),
    usage.SLOWER_PACE: _l("waits for the slower pace that its server asked for"),
}


@dataclass(slots=True)
class Row:
    """A sender, or all senders of a channel or a Twilio account, with what stands in its fields. about: the line below
    its name.

    sends_over: its stand-in, while that carries its messages; sends_for: the accounts whose messages it carries itself.
    """

    limited: Limited
    name: str
    about: str
    may_change: bool
    values: dict[str, str]
    usage: Usage = field(default_factory=Usage)
    errors: dict[str, str] = field(default_factory=dict)
    sends_over: str = ""
    sends_for: list[str] = field(default_factory=list)

    @property
    def sender(self) -> Sender | None:
        """None for a whole channel or account."""
        return self.limited if isinstance(self.limited, Sender) else None

    @property
    def next(self) -> str:
        """When the next message may leave, by the clocks of the person's zone; "" for at once."""
        at = self.usage.next_at
        if at is None:
            return ""
        return str(format_datetime(at, TIME if at < clock.utcnow() + A_DAY else f"{DAY}, {TIME}"))

    @property
    def warm_up(self) -> str:
        """How its warm-up stands, in words; "" for none."""
        return warm_up.words_of(self.sender.warm_up if self.sender else None, clock.utcnow().date())

    @property
    def element(self) -> str:
        """What its elements of the page begin with."""
        return self.limited.key.replace(":", "-")

    def field(self, name: str) -> str:
        """The name of one of its fields in the form."""
        return f"{self.limited.key}:{name}"


class LimitsView(AppView):
    """Reads for those who may see the accounts, writes for those who may change them."""

    route_base = "/limits"
    resource = "SmtpAccount"
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("read")
    def index(self) -> Any:
        """All channels, accounts and senders; what was changed holds from the next message on."""
        rows = _rows()
        if request.method == "POST" and _save(rows):
            flash(_("The limits were saved. They hold for running campaigns too."), "success")
            return redirect(url_for(f"{self.endpoint}.index"))
        return self.render_template(
            "limits.html",
            title=_("Limits"),
            rows=rows,
            fields=LIMITS,
            may_change=any(row.may_change for row in rows),
            may_add=may(security.CREATE, "SmtpAccount"),
            words=words,
            waits=WAITS,
        )

    @expose("/use")
    @has_access
    @permission_name("read")
    def use(self) -> Any:
        """What of the page stays fresh: the use of every limit, put where it stands."""
        return self.render_template("_limits_use.html", rows=_rows(), fields=LIMITS, waits=WAITS)


def _rows() -> list[Row]:
    senders: list[Sender] = []
    for kind in KINDS.values():
        if may(security.READ, kind.__name__):
            senders += db.session.scalars(select(kind).order_by(kind.name))
    rows = [*_channel_rows({sender.channel for sender in senders}), *_account_rows(), *map(_sender_row, senders)]
    for row, found in zip(rows, usage.of([row.limited for row in rows], db_now()), strict=True):
        row.usage = found
    _say_who_stands_in(rows)
    return rows


def _say_who_stands_in(rows: list[Row]) -> None:
    by_key = {row.limited.key: row for row in rows}
    for row in rows:
        if row.sender is not None and (carrier := stand_ins.carrier_of(row.sender)) is not row.sender:
            row.sends_over = carrier.name
            by_key[carrier.key].sends_for.append(row.name)


def _channel_rows(carried: set[Channel]) -> list[Row]:
    """A row for each channel that has a sender."""
    kept, together = channel_limits.of_all(), _("all senders of this channel together")
    return [
        _row(kept.get(channel) or ChannelLimit(channel=channel), str(channels.NAMES[channel]), together, kind)
        for channel, kind in SENDER_KINDS.items()
        if channel in carried
    ]


def _account_rows() -> list[Row]:
    """A row for each Twilio account whose gateways share a limit, or could."""
    found = channel_limits.of_accounts() if may(security.READ, Gateway.__name__) else []
    return [
        _row(limit, _("Twilio account %(name)s", name=limit.name), ", ".join(map(str, gateways)), Gateway)
        for limit, gateways in found
    ]


def _sender_row(sender: Sender) -> Row:
    return _row(sender, sender.name, sender.address, type(sender))


def _row(limited: Limited, name: str, about: str, kind: type[Sender]) -> Row:
    values = {field: str(getattr(limited, field) or "") for field in LIMITS}
    return Row(limited, name, about, may(security.UPDATE, kind.__name__), values)


def _save(rows: list[Row]) -> bool:
    """Save all that the form changes, or nothing: then the rows say what to mend."""
    if not any(row.may_change for row in rows):
        raise NotAllowed("Only an administrator changes limits.")
    wanted = [(row, _read(row)) for row in rows if row.may_change]
    if any(row.errors for row in rows):
        return False

    def change() -> None:
        for row, limits in wanted:
            try:
                sender_limits.change(_stored(row.limited, limits), limits)
            except InvalidInput as error:
                row.errors[error.field if error.field in LIMITS else LIMITS[-1]] = words.of_error(error)
                raise

    try:
        unit_of_work(change)
    except InvalidInput:
        return False
    return True


def _stored(limited: Limited, limits: dict[str, int | None]) -> Limited:
    """A channel or an account gets its row with its first limit."""
    if limited in db.session or not any(limits.values()):
        return limited
    if isinstance(limited, ChannelLimit):
        return channel_limits.kept(limited.channel)
    assert isinstance(limited, AccountLimit)
    db.session.add(limited)
    return limited


def _read(row: Row) -> dict[str, int | None]:
    """What stands in the form for a row; a field that the form has not keeps its value."""
    found: dict[str, int | None] = {}
    for name in LIMITS:
        text = request.form.get(row.field(name), row.values[name]).strip()
        row.values[name] = text
        if text and not (text.isascii() and text.isdecimal() and len(text) <= 10):
            row.errors[name] = words.sentence(NO_NUMBER)
        else:
            found[name] = int(text) if text else None
    return found
