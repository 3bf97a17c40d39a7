"""People whom missions put into a campaign beside its folders: who is held there, who leaves, who is let in again.

A source that lets go marks its row in campaign_contact and takes the person out of the ledger in the same transaction,
under the lock of the campaign's row, for which the plan waits. What that transaction cannot see is a message in the
hands of a worker: when it comes back unsent, record.record asks here.
"""

from collections.abc import Collection, Mapping
from enum import Enum, auto
from typing import Any

from sqlalchemy import Select, exists, insert, or_, select, update

from app.audience.models import Contact, contact_folder
from app.campaigns import removal_log
from app.campaigns.models import Campaign, CampaignContact, PickSource, campaign_folder
from app.channels.contract import Reason
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.db import db_now
from app.kernel.texts import N_
from app.sending import progress
from app.sending.models import MAIN_STEP, CampaignRecipient
from app.sending.states import HANDED_OVER, RESUMABLE, RecipientState

_R = CampaignRecipient.__table__.c
_P = CampaignContact.__table__.c


class Leaving(Enum):
    """What became of somebody whom a source let go of."""

    TAKEN_OUT = auto()  # no message leaves any more
    UNPLANNED = auto()  # there was no row yet, and there will be none
    HELD = auto()  # a folder or another source holds them
    TOO_LATE = auto()  # the message has left, or is on its way
    OVER = auto()  # nothing would have left anyway


def has_any(campaign_id: int) -> bool:
    """Whether anybody was ever put into the campaign beside its folders."""
    return db.session.scalar(select(_P.campaign_id).where(_P.campaign_id == campaign_id).limit(1)) is not None


def held(campaign_id: int) -> Select[int]:
    """The contacts that a source holds in the campaign."""
    mine = (_P.campaign_id == campaign_id, _P.released_at.is_(None))
    return select(_P.contact_id).where(*mine).distinct()


def wait_for_releases(campaign_id: int) -> None:
    """Wait for a source that lets somebody go at this moment, and keep others from it until the transaction ends."""
    db.session.execute(select(Campaign.id).where(Campaign.id == campaign_id).with_for_update(read=True))


def is_held() -> Any:
    """The condition that a source or a folder holds the contact of a recipient's row in its campaign."""
    return or_(
        exists().where(_P.campaign_id == _R.campaign_id, _P.contact_id == _R.contact_id, _P.released_at.is_(None)),
        exists().where(
            campaign_folder.c.campaign_id == _R.campaign_id,
            contact_folder.c.folder_id == campaign_folder.c.folder_id,
            contact_folder.c.contact_id == _R.contact_id,
        ),
    )


def holders(campaign_id: int, contact_ids: Collection[int]) -> set[int]:
    """Those of these contacts whom a source or a folder holds in the campaign."""
    by_source = held(campaign_id).where(_P.contact_id.in_(contact_ids))
    by_folder = (
        select(contact_folder.c.contact_id)
        .join(campaign_folder, campaign_folder.c.folder_id == contact_folder.c.folder_id)
        .where(campaign_folder.c.campaign_id == campaign_id, contact_folder.c.contact_id.in_(contact_ids))
    )
    return {*db.session.scalars(by_source), *db.session.scalars(by_folder)}


def put_in(campaign_id: int, source: PickSource, picks: Mapping[int, int], by: str) -> None:
    """Let sources hold contacts in the campaign. picks: source's id -> contact's id. The ledger follows when the
    campaign is settled (campaigns.service.take_in)."""
    mine = (_P.campaign_id == campaign_id, _P.source == source, _P.source_id.in_(list(picks)))
    known = set(db.session.execute(select(_P.source_id, _P.contact_id).where(*mine)).all())
    again = [source_id for source_id, contact_id in picks.items() if (source_id, contact_id) in known]
    now = clock.utcnow()
    stamp = {"added_by": by, "added_at": now}
    db.session.execute(
        update(CampaignContact)
        .where(*mine, _P.source_id.in_(again), _P.released_at.is_not(None))
        .values(released_at=None, **stamp)
        .execution_options(synchronize_session=False)
    )
    new = [
        {"campaign_id": campaign_id, "contact_id": contact_id, "source": source, "source_id": source_id, **stamp}
        for source_id, contact_id in picks.items()
        if (source_id, contact_id) not in known
    ]
    if new:
        db.session.execute(insert(CampaignContact), new)
    removal_log.close(campaign_id, picks.values(), by)


def let_go(campaign_id: int, contact_id: int, source: PickSource, source_id: int, detail: str, by: str) -> Leaving:
    """A source lets go of a contact; whom nothing else holds gets no message any more, unless it left already.

    Who leaves by that stands in the removal log.
    """
    db.session.execute(select(Campaign.id).where(Campaign.id == campaign_id).with_for_update())  # see the plan
    db.session.execute(
        update(CampaignContact)
        .where(_P.campaign_id == campaign_id, _P.contact_id == contact_id)
        .where(_P.source == source, _P.source_id == source_id, _P.released_at.is_(None))
        .values(released_at=clock.utcnow())
        .execution_options(synchronize_session=False)
    )
    if holders(campaign_id, [contact_id]):
        return Leaving.HELD
    mine = (_R.campaign_id == campaign_id, _R.step_id == MAIN_STEP, _R.contact_id == contact_id)
    row = db.session.execute(select(_R.seq, _R.state, _R.reason).where(*mine).with_for_update()).one_or_none()
    if row is None:
        _note(campaign_id, contact_id, by, detail)
        return Leaving.UNPLANNED
    if row.state is RecipientState.SENDING or row.state in HANDED_OVER:
        return Leaving.TOO_LATE
    if row.state is not RecipientState.AWAITING and row.reason not in RESUMABLE:
        return Leaving.OVER
    _stop((_R.campaign_id == campaign_id, _R.seq == row.seq), detail)
    if row.state is not RecipientState.STOPPED:
        progress.move(campaign_id, {row.state: -1, RecipientState.STOPPED: 1})
    _note(campaign_id, contact_id, by, detail)
    return Leaving.TAKEN_OUT


def _note(campaign_id: int, contact_id: int, by: str, detail: str) -> None:
    campaign, contact = db.session.get_one(Campaign, campaign_id), db.session.get(Contact, contact_id)
    removal_log.note(campaign, contact, Reason.MISSION_CLOSED, by, why=detail[:255])


def keep_out(campaign_id: int, seqs: Collection[int]) -> None:
    """Stop those of these recipients, just come back unsent, whom their source let go of in the meantime.

    Call it after their rows were written: who lets somebody go waits for these rows, so that one sees the other.
    """
    if not seqs:
        return
    was_let_go = exists().where(
        _P.campaign_id == _R.campaign_id, _P.contact_id == _R.contact_id, _P.released_at.is_not(None)
    )
    mine = (_R.campaign_id == campaign_id, _R.seq.in_(seqs))
    found = db.session.execute(select(_R.seq, _R.state, _R.contact_id).where(*mine, was_let_go, ~is_held())).all()
    if found:
        _stop((_R.campaign_id == campaign_id, _R.seq.in_([row.seq for row in found])), "")
        waited = sum(row.state is RecipientState.AWAITING for row in found)  # the others were stopped with the campaign
        progress.move(campaign_id, {RecipientState.AWAITING: -waited, RecipientState.STOPPED: waited})
    for row in found:
        _note(campaign_id, row.contact_id, audit.MUSTER, N_("mission closed"))


def _stop(where: tuple[Any, ...], detail: str) -> None:
    db.session.execute(
        update(CampaignRecipient)
        .where(*where)
        .values(
            state=RecipientState.STOPPED,
            reason=Reason.MISSION_CLOSED,
            detail=detail[:255] or None,
            not_before=None,
            done_at=db_now(),
        )
        .execution_options(synchronize_session=False)
    )
