"""Who did what and when, for good: one event for each change that people ask about later, written with it.

An event names things by their ids, and campaigns, groups, accounts, templates and internal statuses by the name they
had then.
Nothing of a contact is in it beside an id, and what looks like an address is taken out of every text.
"""

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import JSON, Index, Integer, String, inspect
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.kernel import clock
from app.kernel.db import EnumText, UtcDateTime

MUSTER = "Muster"  # who acts when no person does
NAME_LIMIT, TEXT_LIMIT = 200, 500
ADDRESS = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")


class Subject(StrEnum):
    """What an event is about."""

    CAMPAIGN = "campaign"
    GROUP = "group"
    MISSION = "mission"
    ACCOUNT = "account"
    GATEWAY = "gateway"
    WEB_PUSH = "web-push"
    CHANNEL = "channel"
    STATUS = "status"
    CUSTOM_FIELD = "custom-field"
    RECEIPT_HOOK = "receipt-hook"
    TEMPLATE = "template"
    IMPORT = "import"
    CONTACT = "contact"
    REPLY = "reply"
    PERSON = "person"
    AUDIT = "audit"


class What(StrEnum):
    """What happened: the subject, a dot, and the event."""

    CAMPAIGN_CREATE = "campaign.create"
    CAMPAIGN_CHANGE = "campaign.change"
    CAMPAIGN_PUBLISH = "campaign.publish"
    CAMPAIGN_BEGIN = "campaign.begin"
    CAMPAIGN_STOP = "campaign.stop"
    CAMPAIGN_START = "campaign.start"
    CAMPAIGN_UNPUBLISH = "campaign.unpublish"
    CAMPAIGN_EXPIRE = "campaign.expire"
    CAMPAIGN_EXTEND = "campaign.extend"
    CAMPAIGN_FAIL = "campaign.fail"
    CAMPAIGN_FINISH = "campaign.finish"
    CAMPAIGN_END = "campaign.end"
    CAMPAIGN_RUN = "campaign.run"
    CAMPAIGN_MISSIONS = "campaign.missions"
    CAMPAIGN_REMOVE_CLIENT = "campaign.remove-client"
    CAMPAIGN_RESTORE_CLIENT = "campaign.restore-client"
    CAMPAIGN_RETRY = "campaign.retry"
    CAMPAIGN_ATTACH = "campaign.attach"
    CAMPAIGN_DETACH = "campaign.detach"
    CAMPAIGN_STAND_IN = "campaign.stand-in"
    CAMPAIGN_OWN_ACCOUNT = "campaign.own-account"
    CAMPAIGN_EXPORT = "campaign.export"
    CAMPAIGN_DUPLICATE = "campaign.duplicate"
    CAMPAIGN_DELETE = "campaign.delete"
    GROUP_CREATE = "group.create"
    GROUP_CHANGE = "group.change"
    GROUP_DELETE = "group.delete"
    MISSION_CREATE = "mission.create"
    MISSION_CLOSE = "mission.close"
    MISSION_DELETE = "mission.delete"
    ACCOUNT_CREATE = "account.create"
    ACCOUNT_CHANGE = "account.change"
    ACCOUNT_PAUSE = "account.pause"
    ACCOUNT_STAND_IN = "account.stand-in"
    ACCOUNT_STAND_IN_END = "account.stand-in-end"
    ACCOUNT_DELETE = "account.delete"
    GATEWAY_CREATE = "gateway.create"
    GATEWAY_CHANGE = "gateway.change"
    GATEWAY_PAUSE = "gateway.pause"
    GATEWAY_DELETE = "gateway.delete"
    GATEWAY_LIMITS = "gateway.limits"
    GATEWAY_SYNC = "gateway.sync"
    WEB_PUSH_CREATE = "web-push.create"
    WEB_PUSH_CHANGE = "web-push.change"
    WEB_PUSH_PAUSE = "web-push.pause"
    CHANNEL_LIMITS = "channel.limits"
    STATUS_CREATE = "status.create"
    STATUS_CHANGE = "status.change"
    STATUS_DELETE = "status.delete"
    CUSTOM_FIELD_CREATE = "custom-field.create"
    CUSTOM_FIELD_CHANGE = "custom-field.change"
    CUSTOM_FIELD_DELETE = "custom-field.delete"
    RECEIPT_HOOK_CHANGE = "receipt-hook.change"
    TEMPLATE_CREATE = "template.create"
    TEMPLATE_CHANGE = "template.change"
    TEMPLATE_DELETE = "template.delete"
    IMPORT_START = "import.start"
    IMPORT_FINISH = "import.finish"
    IMPORT_FAIL = "import.fail"
    IMPORT_CANCEL = "import.cancel"
    CONTACT_DELETE = "contact.delete"
    REPLY_UNSUBSCRIBE = "reply.unsubscribe"
    REPLY_DISMISS = "reply.dismiss"
    REPLY_WORDS = "reply.words"
    PERSON_SIGN_IN = "person.sign-in"
    AUDIT_EXPORT = "audit.export"

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return Subject(self.partition(".")[0])


class AuditEvent(Model):
    """Something that happened. Never changed, and never deleted with its subject.

    subject_id: the id of the campaign, group and so on; name: what it was called then, "" for what has no name that
    may be kept. detail: ids, counts and short texts that belong to this kind of event.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_subject", "subject", "subject_id", "happened_at"),
        Index("ix_audit_event_what", "what", "happened_at"),
        Index("ix_audit_event_done_by", "done_by", "happened_at"),
        Index("ix_audit_event_happened_at", "happened_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    happened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done_by: Mapped[str] = mapped_column(String(64))
    what: Mapped[What] = mapped_column(EnumText(What))
    subject: Mapped[Subject] = mapped_column(EnumText(Subject, 16))
    subject_id: Mapped[int | None] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(NAME_LIMIT), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


_person: ContextVar[Callable[[], str] | None] = ContextVar("acting_person", default=None)


def act_as(person: Callable[[], str] | None) -> None:
    """Say who acts in this request: a function that gives the name when it is asked for. None: nobody, so Muster."""
    _person.set(person)


def note(what: What, subject_id: int | None, name: str = "", by: str = "", **detail: Any) -> None:
    """Write down that this happens, in the transaction of the change: both are committed, or neither.

    by: who does it, where the service knows; else the person of this request, else Muster. Texts are cut where they
    are long, and what looks like an address is taken out of them.
    """
    person = _person.get()
    db.session.add(
        AuditEvent(
            happened_at=clock.utcnow(),
            done_by=(by or (person() if person else "") or MUSTER)[:64],
            what=what,
            subject=what.subject,
            subject_id=subject_id,
            name=without_addresses(name)[:NAME_LIMIT],
            detail={key: _kept(value) for key, value in detail.items()},
        )
    )


def changed(row: object) -> set[str]:
    """The names of what was written into a row of a table since it was read."""
    state: Any = inspect(row)
    return {each.key for each in state.attrs if each.history.has_changes()}


def differing(old: Mapping[str, Any], item: object) -> list[str]:
    """The names of what a thing has now other than it had."""
    return [name for name, value in old.items() if getattr(item, name) != value]


def without_addresses(text: str) -> str:
    """The text with three dots for everything that looks like an e-mail address."""
    return ADDRESS.sub("…", text)


def _kept(value: Any) -> Any:
    if isinstance(value, str):
        return without_addresses(value)[:TEXT_LIMIT]
    return list(map(_kept, value))[:100] if isinstance(value, list) else value
