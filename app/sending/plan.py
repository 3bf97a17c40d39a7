"""Planning: the audience of a campaign becomes rows of its ledger, everybody once, and batches to claim."""

from typing import Any

from sqlalchemy import and_, case, func, insert, literal, null, select, update

from app.audience.models import Contact, Suppression, contact_folder
from app.campaigns.models import Campaign, campaign_folder
from app.channels.contract import Channel, Reason
from app.extensions import db
from app.kernel.db import db_now
from app.sending import progress
from app.sending.claim import BATCH_SIZE
from app.sending.models import MAIN_STEP, CampaignRecipient, SendBatch
from app.sending.states import BatchState, RecipientState

_R = CampaignRecipient.__table__.c
_C = Contact.__table__.c
_S = Suppression.__table__.c
BATCHES_PER_INSERT = 1000


def plan(campaign: Campaign) -> int:
    """Give everybody in the campaign's folders who has no row yet a row; returns how many rows were added.

    Runs in the caller's transaction. Who has no address or is suppressed gets a row that says so; of several people
    with the same address the first is written to.
    """
    last = db.session.scalar(select(func.max(_R.seq)).where(_R.campaign_id == campaign.id)) or 0
    progress.ensure(campaign.id)
    added = db.session.execute(_insert(campaign, last)).rowcount
    if not added:
        return 0
    if campaign.to_second_email:  # first addresses are unique among contacts, second ones are not
        _skip_duplicates(campaign.id, last)
    counted = select(_R.state, func.count()).where(_R.campaign_id == campaign.id, _R.seq > last).group_by(_R.state)
    progress.move(campaign.id, dict(db.session.execute(counted).all()))
    _cut_batches(campaign.id, last, last + added)
    return added


def _insert(campaign: Campaign, last: int) -> Any:
    """INSERT … SELECT: the database plans a million people in seconds, nothing travels to us."""
    index = _C.second_email_index if campaign.to_second_email else _C.email_index
    in_folders = (
        select(contact_folder.c.contact_id)
        .join(campaign_folder, campaign_folder.c.folder_id == contact_folder.c.folder_id)
        .where(campaign_folder.c.campaign_id == campaign.id)
        .distinct()
        .subquery()
    )
    known = and_(_R.campaign_id == campaign.id, _R.step_id == MAIN_STEP, _R.contact_id == in_folders.c.contact_id)
    people = (
        select(_C.id.label("contact_id"), index.label("address_index"))
        .select_from(in_folders)
        .join(Contact.__table__, _C.id == in_folders.c.contact_id)
        .where(~select(_R.seq).where(known).exists())
        .subquery()
    )
    barred = and_(_S.channel == Channel.EMAIL, _S.address_index == people.c.address_index)
    state = case(
        (people.c.address_index.is_(None), RecipientState.SKIPPED.value),
        (_S.id.is_not(None), RecipientState.SKIPPED.value),
        else_=RecipientState.AWAITING.value,
    )
    reason = case(
        (people.c.address_index.is_(None), Reason.NO_ADDRESS.value),
        (_S.id.is_not(None), Reason.SUPPRESSED.value),
        else_=null(),
    )
    row_number = func.row_number().over(order_by=people.c.contact_id)
    rows = select(
        literal(campaign.id),
        row_number + last,
        literal(MAIN_STEP),
        people.c.contact_id,
        people.c.address_index,
        state,
        reason,
        literal(0),
    ).select_from(people.outerjoin(Suppression.__table__, barred))
    names = ["campaign_id", "seq", "step_id", "contact_id", "address_index", "state", "reason", "attempt"]
    return insert(CampaignRecipient).from_select(names, rows)


def _skip_duplicates(campaign_id: int, last: int) -> None:
    """Among the new rows, whoever has an address that an earlier row of this campaign has."""
    firsts = (
        select(_R.address_index, func.min(_R.seq).label("first"))
        .where(_R.campaign_id == campaign_id, _R.address_index.is_not(None))
        .group_by(_R.address_index)
        .having(func.count() > 1)
    )
    for address_index, first in db.session.execute(firsts).all():
        db.session.execute(
            update(CampaignRecipient)
            .where(_R.campaign_id == campaign_id, _R.seq > max(last, first), _R.address_index == address_index)
            .where(_R.state == RecipientState.AWAITING)
            .values(state=RecipientState.SKIPPED, reason=Reason.DUPLICATE_ADDRESS)
            .execution_options(synchronize_session=False)
        )


def _cut_batches(campaign_id: int, last: int, end: int) -> None:
    now = db_now()
    number = db.session.scalar(select(func.max(SendBatch.batch_no)).where(SendBatch.campaign_id == campaign_id)) or 0
    rows = [
        {
            "campaign_id": campaign_id,
            "batch_no": number + 1 + offset,
            "lo": lo,
            "hi": min(lo + BATCH_SIZE - 1, end),
            "state": BatchState.WAITING,
            "not_before": now,
            "fence": 0,
            "deaths": 0,
        }
        for offset, lo in enumerate(range(last + 1, end + 1, BATCH_SIZE))
    ]
    for start in range(0, len(rows), BATCHES_PER_INSERT):
        db.session.execute(insert(SendBatch), rows[start : start + BATCHES_PER_INSERT])
