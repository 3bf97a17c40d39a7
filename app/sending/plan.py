"""Planning: the audience of a campaign becomes rows of its ledger, everybody once, and batches to claim."""

from sqlalchemy import Select, and_, case, func, insert, literal, null, or_, select, update

from app.audience.models import Contact, Suppression, contact_folder
from app.campaigns.models import Campaign, campaign_folder
from app.channels.contract import Reason
from app.extensions import db
from app.kernel.db import db_now
from app.kernel.headway import Teller
from app.sending import destination, picked, progress, removals, selection
from app.sending.claim import BATCH_SIZE
from app.sending.models import MAIN_STEP, CampaignRecipient, SendBatch
from app.sending.states import BatchState, RecipientState

_R = CampaignRecipient.__table__.c
_C = Contact.__table__.c
_S = Suppression.__table__.c
BATCHES_PER_INSERT = 1000
NO_FOLDER = 0  # an id that none has
PORTIONS, LEAST_IN_A_PORTION = 40, 25_000  # of the people who are planned, so that it can be seen how far this is


def plan(campaign: Campaign) -> int:
    """Give everybody in the campaign's audience who has no row yet a row; returns how many rows were added.

    Runs in the caller's transaction. Who has no address, is suppressed or was removed gets a row that says so; of
    several people with the same address the first is written to.
    """
    last = selection.last_seq(campaign.id)
    progress.ensure(campaign.id)
    added = _add_of_folders(campaign, last)
    if picked.has_any(campaign.id):  # after the folders and by itself: most campaigns have none, and a million people
        picked.wait_for_releases(campaign.id)
        added += _add(campaign, last + added, picked.held(campaign.id))
    if not added:
        return 0
    if destination.of(campaign).is_shared:
        _skip_duplicates(campaign.id, last)
    counted = select(_R.state, func.count()).where(_R.campaign_id == campaign.id, _R.seq > last).group_by(_R.state)
    progress.move(campaign.id, dict(db.session.execute(counted).all()))
    _cut_batches(campaign.id, last, last + added)
    removals.keep_out(campaign.id, last)  # last, because it holds the campaign until the commit
    return added


def _add_of_folders(campaign: Campaign, last: int) -> int:
    """Give everybody in the campaign's folders a row after `last`, in portions, and tell how far this has come."""
    mine = select(campaign_folder.c.folder_id).where(campaign_folder.c.campaign_id == campaign.id)
    member, folder_ids = contact_folder.c, db.session.scalars(mine).all()
    # Of one folder alone MariaDB would read everybody again for each portion (52 s a million instead of 7, measured);
    # of two it reads ranges.
    people = select(member.contact_id).where(member.folder_id.in_([*folder_ids, NO_FOLDER]))
    people = people.distinct() if len(folder_ids) > 1 else people
    all_of = people.subquery().c.contact_id
    number, first, end = db.session.execute(select(func.count(), func.min(all_of), func.max(all_of))).one()
    if not number:
        return 0
    teller, added = Teller(progress.SETTLING % campaign.id, number), 0
    # By ranges of ids, which the index of a folder is in the order of: how many are in one need not be known before.
    span = end - first + 1
    width = -(-span // max(1, min(PORTIONS, number // LEAST_IN_A_PORTION)))
    for lo in range(first, end + 1, width):
        teller.tell(number * (lo - first) // span)
        added += _add(campaign, last + added, people.where(member.contact_id.between(lo, lo + width - 1)))
    teller.over()
    return added


def _add(campaign: Campaign, last: int, contact_ids: Select[int]) -> int:
    """Give those of these contacts (each once) who have no row yet the rows after `last`; returns how many.

    INSERT … SELECT: nothing travels to us. The numbers are given to the bare ids: what a window function numbers goes
    through a temporary table, and with whole rows in it a million took 14 s of processor time instead of 10 (measured).
    """
    wanted = contact_ids.subquery()
    number = func.row_number().over(order_by=wanted.c.contact_id)
    numbered = select(wanted.c.contact_id, (number + last).label("seq"))
    if last:
        known = and_(_R.campaign_id == campaign.id, _R.step_id == MAIN_STEP, _R.contact_id == wanted.c.contact_id)
        numbered = numbered.where(~select(_R.seq).where(known).exists())
    new = numbered.subquery()
    goes_to = destination.of(campaign)
    index, barred = goes_to.index, goes_to.is_barred
    is_out = or_(index.is_(None), _S.id.is_not(None))
    state = case((is_out, RecipientState.SKIPPED.value), else_=RecipientState.AWAITING.value)
    reason = case(
        (index.is_(None), Reason.NO_ADDRESS.value),
        (_S.id.is_not(None), Reason.SUPPRESSED.value),
        else_=null(),
    )
    rows = select(
        literal(campaign.id), new.c.seq, literal(MAIN_STEP), new.c.contact_id, index, state, reason, literal(0)
    ).select_from(new.join(Contact.__table__, _C.id == new.c.contact_id).outerjoin(Suppression.__table__, barred))
    names = ["campaign_id", "seq", "step_id", "contact_id", "address_index", "state", "reason", "attempt"]
    return db.session.execute(insert(CampaignRecipient).from_select(names, rows)).rowcount


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
