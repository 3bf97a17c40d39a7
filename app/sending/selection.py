"""Which recipients of a campaign are meant: a filter as plain values, and its conditions in SQL."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.sql.elements import ColumnElement

from app.audience import queries as audience
from app.audience.models import Contact
from app.channels.contract import Reason
from app.extensions import db
from app.sending.models import MAIN_STEP, CampaignRecipient
from app.sending.states import SHOWN_AS, Shown

NO_LABEL = 0  # asks for recipients without an internal status

_R = CampaignRecipient.__table__.c
_ACTIVE_AT = func.coalesce(_R.done_at, _R.sending_at)


@dataclass(frozen=True, slots=True)
class RecipientFilter:
    """What is asked for; what is None or empty does not matter.

    fact: opened_at, clicked_at or unsubscribed_at, which must be there. from_at, until_at: aware, UTC, the time when
    the message was handed over or the recipient came to an end; until_at is not in it. contact_ids: found by a search.
    names: what a contact is named by (audience.queries.is_named), not empty.
    """

    shown: Shown | None = None
    reason: Reason | None = None
    internal_status_id: int | None = None
    fact: str = ""
    from_at: datetime | None = None
    until_at: datetime | None = None
    contact_ids: tuple[int, ...] | None = None
    names: str = ""
    seq: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it asks for everybody."""
        return self == RecipientFilter()

    @property
    def is_of_few(self) -> bool:
        """Whether it asks for people who are named one by one."""
        return self.contact_ids is not None or self.seq is not None

    @property
    def is_direct(self) -> bool:
        """Whether an index leads to the rows in their order, so that nothing else has to be read."""
        is_of_label = self == RecipientFilter(internal_status_id=self.internal_status_id)
        return self.is_of_few or (is_of_label and self.internal_status_id != NO_LABEL)


def last_seq(campaign_id: int) -> int:
    """The number of the campaign's last recipient; 0 when it has none."""
    return db.session.scalar(select(func.max(_R.seq)).where(_R.campaign_id == campaign_id)) or 0


def conditions(campaign_id: int, asked: RecipientFilter) -> list[ColumnElement[bool]]:
    """What holds for the rows of the campaign that are asked for."""
    found: list[ColumnElement[bool]] = [_R.campaign_id == campaign_id]
    if asked.shown is not None:
        found.append(_R.state.in_([state for state, as_ in SHOWN_AS.items() if as_ is asked.shown]))
    if asked.reason is not None:
        found.append(_R.reason == asked.reason)
    if asked.internal_status_id is not None:
        label = asked.internal_status_id
        found.append(_R.internal_status_id.is_(None) if label == NO_LABEL else _R.internal_status_id == label)
    if asked.fact:
        found.append(_R[asked.fact].is_not(None))
    if asked.from_at is not None:
        found.append(asked.from_at <= _ACTIVE_AT)
    if asked.until_at is not None:
        found.append(asked.until_at > _ACTIVE_AT)
    if asked.contact_ids is not None:
        found += [_R.step_id == MAIN_STEP, _R.contact_id.in_(asked.contact_ids)]
    if asked.names:
        found.append(exists().where(Contact.id == _R.contact_id, audience.is_named(asked.names)))
    if asked.seq is not None:
        found.append(_R.seq == asked.seq)
    return found


def dump(asked: RecipientFilter) -> dict[str, Any]:
    """The filter as JSON can hold it; load() reads it."""
    given = {name: value for name, value in asdict(asked).items() if value not in (None, "")}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in given.items()}


def load(values: Mapping[str, Any]) -> RecipientFilter:
    """The filter that dump() wrote."""
    kinds = {"shown": Shown, "reason": Reason, "from_at": datetime.fromisoformat, "until_at": datetime.fromisoformat}
    return RecipientFilter(**{name: kinds.get(name, _as_is)(value) for name, value in values.items()})


def _as_is(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
