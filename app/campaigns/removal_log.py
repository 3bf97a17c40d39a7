"""The removal log: who was taken out of which campaign, by whom and why, and who came back. Flushes, never commits."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import distinct, func, insert, literal, select, update

from app.audience.models import Contact
from app.campaigns.models import Campaign, Removal
from app.channels.contract import Reason
from app.extensions import db
from app.kernel import clock

CLIENT_LIMIT = 250

_L = Removal.__table__.c
_KEEPS_OUT = (_L.reason == Reason.REMOVED_BY_USER, _L.restored_at.is_(None))


def note(campaign: Campaign, contact: Contact | None, reason: Reason, by: str, **values: Any) -> Removal:
    """Write down that somebody is taken out now. values: contact_id, why, state_before, reason_before."""
    entry = Removal(
        campaign_id=campaign.id,
        campaign_name=campaign.name,
        contact_id=contact.id if contact else None,
        address_index=_index_of(campaign, contact) if contact else None,
        client_name=str(contact)[:CLIENT_LIMIT] if contact else "",
        reason=reason,
        removed_by=by[:64],
        removed_at=clock.utcnow(),
        **values,
    )
    db.session.add(entry)
    db.session.flush()
    return entry


def _index_of(campaign: Campaign, contact: Contact) -> bytes | None:
    return contact.second_email_index if campaign.to_second_email else contact.email_index


def keeps_out(campaign_id: int, contact_id: int) -> Removal | None:
    """The entry that keeps somebody out of a campaign, if one does."""
    mine = (_L.campaign_id == campaign_id, _L.contact_id == contact_id)
    return db.session.scalar(select(Removal).where(*mine, *_KEEPS_OUT).limit(1))


def has_any(campaign_id: int) -> bool:
    """Whether an entry keeps anybody out of the campaign."""
    return db.session.scalar(select(_L.id).where(_L.campaign_id == campaign_id, *_KEEPS_OUT).limit(1)) is not None


def kept_out(campaign_id: int, contact_ids: Iterable[int] | None = None) -> dict[int, str]:
    """Contact id -> by whom, for all whom an entry keeps out of the campaign, or for those of these contacts."""
    query = select(_L.contact_id, _L.removed_by).where(_L.campaign_id == campaign_id, *_KEEPS_OUT)
    query = query.where(_L.contact_id.is_not(None) if contact_ids is None else _L.contact_id.in_(list(contact_ids)))
    return {row.contact_id: row.removed_by for row in db.session.execute(query.order_by(_L.id))}


def recognise(campaign_id: int) -> None:
    """Know those again who were deleted after they had been taken out, and came back with the same address."""
    nameless = (_L.campaign_id == campaign_id, _L.contact_id.is_(None), _L.address_index.is_not(None))
    entries = list(db.session.scalars(select(Removal).where(*nameless, *_KEEPS_OUT)))
    if not entries:
        return
    is_second = db.session.get_one(Campaign, campaign_id).to_second_email
    column = Contact.second_email_index if is_second else Contact.email_index
    found = select(Contact).where(column.in_({entry.address_index for entry in entries})).order_by(Contact.id.desc())
    back = {getattr(contact, column.key): contact for contact in db.session.scalars(found)}
    for entry in entries:
        contact = back.get(entry.address_index)
        if contact is not None:
            entry.contact_id, entry.client_name = contact.id, str(contact)[:CLIENT_LIMIT]
    db.session.flush()


def close(campaign_id: int, contact_ids: Iterable[int], by: str) -> None:
    """Those of these clients whom a closed mission had taken out are in the campaign again."""
    mine = (_L.campaign_id == campaign_id, _L.contact_id.in_(list(contact_ids)))
    db.session.execute(
        update(Removal)
        .where(*mine, _L.reason == Reason.MISSION_CLOSED, _L.restored_at.is_(None))
        .values(restored_at=clock.utcnow(), restored_by=by[:64])
        .execution_options(synchronize_session=False)
    )


def copy(original: Campaign, duplicate: Campaign) -> None:
    """Whoever is kept out of a campaign is kept out of its duplicate too; the entries keep their dates and names."""
    taken = [_L.contact_id, _L.address_index, _L.client_name, _L.reason, _L.why, _L.removed_by, _L.removed_at]
    rows = select(literal(duplicate.id), literal(duplicate.name), literal(""), *taken)
    rows = rows.where(_L.campaign_id == original.id, *_KEEPS_OUT)
    names = ["campaign_id", "campaign_name", "restored_by", *(column.name for column in taken)]
    db.session.execute(insert(Removal).from_select(names, rows))


def numbers(campaign_ids: Collection[int]) -> dict[int, int]:
    """How many people are out of each of these campaigns now; those of which nobody is out are not in it."""
    mine = (_L.campaign_id.in_(campaign_ids), _L.restored_at.is_(None))
    person = func.coalesce(_L.contact_id, -_L.id)  # a mission and a manager may have taken out the same one
    query = select(_L.campaign_id, func.count(distinct(person))).where(*mine).group_by(_L.campaign_id)
    return dict(db.session.execute(query).all())


def number(campaign_id: int) -> int:
    """How many people are out of a campaign now."""
    return numbers([campaign_id]).get(campaign_id, 0)


def forget_deleted() -> None:
    """Take the names of those out of the log whose contact was deleted."""
    db.session.execute(
        update(Removal)
        .where(_L.contact_id.is_(None), _L.client_name != "")
        .values(client_name="")
        .execution_options(synchronize_session=False)
    )
