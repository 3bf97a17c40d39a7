"""The limits of all senders on one page: how fast each may send, and what of a day's messages has left."""

from dataclasses import dataclass, field
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from sqlalchemy import select

from app.channels.models import Gateway, Sender, SmtpAccount
from app.channels.service import LIMITS
from app.extensions import db
from app.kernel.db import db_now
from app.kernel.errors import InvalidInput, NotAllowed
from app.kernel.texts import N_
from app.sending import sender_limits, throttle
from app.web import security, words
from app.web.base import AppView, may, unit_of_work

KINDS: tuple[type[SmtpAccount] | type[Gateway], ...] = (SmtpAccount, Gateway)
NO_NUMBER = N_("Write a whole number, or leave it empty for no limit.")


@dataclass(slots=True)
class Row:
    """A sender with what stands in its fields. used: messages of the last 24 hours; None when nobody counts them."""

    sender: Sender
    may_change: bool
    values: dict[str, str]
    used: int | None
    errors: dict[str, str] = field(default_factory=dict)

    def field(self, name: str) -> str:
        """The name of one of its fields in the form."""
        return f"{self.sender.key}:{name}"


class LimitsView(AppView):
    """Reads for those who may see the accounts, writes for those who may change them."""

    route_base = "/limits"
    resource = "SmtpAccount"
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("read")
    def index(self) -> Any:
        """All senders; what was changed holds from the next message on."""
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
        )


def _rows() -> list[Row]:
    senders: list[Sender] = []
    for kind in KINDS:
        if may(security.READ, kind.__name__):
            senders += db.session.scalars(select(kind).order_by(kind.name))
    days = [f"{sender.key}:day" for sender in senders if sender.per_day]
    used = throttle.used_today(days, db_now())
    return [
        Row(
            sender,
            may(security.UPDATE, type(sender).__name__),
            {name: str(getattr(sender, name) or "") for name in LIMITS},
            used.get(f"{sender.key}:day", 0) if sender.per_day else None,
        )
        for sender in senders
    ]


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
                sender_limits.change(row.sender, limits)
            except InvalidInput as error:
                row.errors[error.field or LIMITS[0]] = words.of_error(error)
                raise

    try:
        unit_of_work(change)
    except InvalidInput:
        return False
    return True


def _read(row: Row) -> dict[str, int | None]:
    """What stands in the form for a sender; a field that the form has not keeps its value."""
    found: dict[str, int | None] = {}
    for name in LIMITS:
        text = request.form.get(row.field(name), row.values[name]).strip()
        row.values[name] = text
        if text and not (text.isascii() and text.isdecimal() and len(text) <= 10):
            row.errors[name] = words.sentence(NO_NUMBER)
        else:
            found[name] = int(text) if text else None
    return found
