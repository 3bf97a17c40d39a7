"""What people do with a message they got: opens, clicks and opt-outs, facts beside the state of their row.

The reads come first and are cheap, so that only the first open or click of a person writes. Flushes, never commits.
"""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute

from app.audience.models import SuppressionSource
from app.audience.suppressions import is_suppressed, suppress
from app.campaigns.models import CampaignContent
from app.channels.contract import Channel
from app.extensions import db
from app.kernel.db import db_now
from app.kernel.errors import NotFound
from app.kernel.texts import N_
from app.sending import former, progress
from app.sending.models import CampaignProgress, CampaignRecipient
from app.sending.states import RecipientState

GONE = N_("The message this link comes from is no longer known here.")

_R = CampaignRecipient.__table__.c
_P = CampaignProgress.__table__.c


def is_first_open(campaign_id: int, seq: int) -> bool:
    """Whether record_open() would write anything. Raises NotFound."""
    row = _row(campaign_id, seq, _R.opened_at, _R.state)
    return row.opened_at is None or row.state is RecipientState.UNCONFIRMED


def record_open(campaign_id: int, seq: int) -> None:
    """Note that a message was opened, once."""
    if _note(campaign_id, seq, CampaignRecipient.opened_at):
        progress.move(campaign_id, {}, opened=_P.opened + 1)
    _confirm(campaign_id, seq)


def click_target(campaign_id: int, seq: int, number: int) -> tuple[str, bool]:
    """Where a tracked link leads in the version this person got, and whether record_click() would write anything.

    Raises NotFound when there is no such recipient or link.
    """
    row = _row(campaign_id, seq, _R.content_version, _R.clicked_at, _R.state)
    version = (CampaignContent.campaign_id == campaign_id, CampaignContent.version == row.content_version)
    links: list[str] = db.session.scalar(select(CampaignContent.links).where(*version)) or []
    if not 0 <= number < len(links):
        raise NotFound("This link leads nowhere. Copy the whole link from the message.")
    return links[number], row.clicked_at is None or row.state is RecipientState.UNCONFIRMED


def record_click(campaign_id: int, seq: int) -> None:
    """Note that a link of a message was followed, once."""
    if _note(campaign_id, seq, CampaignRecipient.clicked_at):
        progress.move(campaign_id, {}, clicked=_P.clicked + 1)
    _confirm(campaign_id, seq)


def is_unsubscribed(campaign_id: int, seq: int) -> bool:
    """Whether nothing is sent any more to the address this message went to. Raises NotFound."""
    index = _address_index(campaign_id, seq)[0]
    return index is not None and is_suppressed(Channel.EMAIL, index)


def unsubscribe(campaign_id: int, seq: int) -> None:
    """Suppress the address this message went to; again is the same. Raises NotFound.

    The address is known by its index in the ledger, so that it works for a contact that was deleted meanwhile too, and
    by that of a former recipient when the campaign was.
    """
    index, is_there = _address_index(campaign_id, seq)
    if index is not None and not is_there:
        suppress(Channel.EMAIL, index, SuppressionSource.UNSUBSCRIBED)
        return
    record_opt_out(campaign_id, seq)
    if index is not None:  # also when it is not the first time: somebody may have taken it off the list
        suppress(Channel.EMAIL, index, SuppressionSource.UNSUBSCRIBED, campaign_id)


def record_opt_out(campaign_id: int, seq: int) -> None:
    """Note that the person left because of this message, once."""
    if _note(campaign_id, seq, CampaignRecipient.unsubscribed_at):
        progress.move(campaign_id, {}, unsubscribed=_P.unsubscribed + 1)
    record_reply(campaign_id, seq)


def record_reply(campaign_id: int, seq: int) -> None:
    """Note that the person wrote back: then the message has arrived."""
    _confirm(campaign_id, seq)


def _address_index(campaign_id: int, seq: int) -> tuple[bytes | None, bool]:
    """The index of the address and whether the campaign is still there. Raises NotFound."""
    row = _find(campaign_id, seq, _R.address_index)
    if row is not None:
        return row.address_index, True
    index = former.address(campaign_id, seq)
    if index is None:
        raise NotFound(GONE)
    return index, False


def _find(campaign_id: int, seq: int, *columns: Any) -> Any:
    return db.session.execute(select(*columns).where(_R.campaign_id == campaign_id, _R.seq == seq)).one_or_none()


def _row(campaign_id: int, seq: int, *columns: Any) -> Any:
    row = _find(campaign_id, seq, *columns)
    if row is None:
        raise NotFound(GONE)
    return row


def _note(campaign_id: int, seq: int, fact: InstrumentedAttribute[Any]) -> bool:
    """Set the time of a fact; False when it was set before."""
    return _changed(campaign_id, seq, fact.is_(None), {fact.key: db_now()})


def _confirm(campaign_id: int, seq: int) -> None:
    """Who reacts to a message has got it: evidence for one whose answer was lost (delivery.md)."""
    is_unconfirmed = CampaignRecipient.state == RecipientState.UNCONFIRMED
    values = {"state": RecipientState.SENT, "reason": None, "detail": None}
    if _changed(campaign_id, seq, is_unconfirmed, values):
        progress.move(campaign_id, {RecipientState.UNCONFIRMED: -1, RecipientState.SENT: 1})


def _changed(campaign_id: int, seq: int, condition: Any, values: dict[str, Any]) -> bool:
    statement = update(CampaignRecipient).where(_R.campaign_id == campaign_id, _R.seq == seq, condition).values(values)
    return bool(db.session.execute(statement.execution_options(synchronize_session=False)).rowcount)
