"""Taking a person out of a campaign and putting them back: the removal log and the ledger move together.

A removal of somebody who has no row yet is an entry of the log alone; the plan, at its end, stops those whom an entry
keeps out. Both hold the campaign's row meanwhile, so that one of them sees the other.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from sqlalchemy import select, update

from app.audience.fields import clean_text
from app.audience.models import Contact
from app.audience.queries import find_by_address
from app.campaigns import removal_log
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign, Removal
from app.channels.contract import Reason
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import What
from app.kernel.db import db_now
from app.kernel.errors import AppError, Conflict, InvalidInput, NotFound
from app.kernel.texts import N_, Phrase
from app.sending import claim, picked, progress
from app.sending.models import MAIN_STEP, CampaignRecipient
from app.sending.states import HANDED_OVER, RESUMABLE, RecipientState

WHY_LIMIT = 255
CONTACTS_AT_ONCE = 500
MOST_ADDRESSES = 500

_R = CampaignRecipient.__table__.c


class Removed(Enum):
    """What a removal did."""

    STOPPED = auto()  # their message does not leave any more
    KEPT_OUT = auto()  # they had no place in the campaign yet, and will get none
    ALREADY = auto()  # they had been removed before


class Restored(Enum):
    """What putting somebody back did."""

    WAITS = auto()  # they get the message
    HELD = auto()  # they get it if the campaign is published or extended
    TAKEN_IN_LATER = auto()  # they have no row yet; the plan decides
    STAYS_OUT = auto()  # what kept the message from them before the removal still does


@dataclass(frozen=True, slots=True)
class Taken:
    """What a removal by addresses did, in numbers of people. refused: what was written -> why nobody was taken out."""

    removed: int
    already: int
    refused: Mapping[str, AppError]


def remove(campaign_id: int, contact_id: int, by: str, why: str = "") -> Removed:
    """Take a person out of a campaign for good: planning, running again and importing do not bring them back.

    Raises NotFound for nobody, Conflict when their message is on its way or has left, InvalidInput for a bad reason.
    """
    try:
        why = clean_text(WHY_LIMIT, why)
    except InvalidInput as error:
        raise error.about("why") from error
    campaign = campaigns.lock(campaign_id)
    contact = db.session.get(Contact, contact_id)
    row = _row(campaign_id, contact_id)
    if row is None and contact is None:
        raise NotFound("There is no such client. The contact may have been deleted.")
    if removal_log.keeps_out(campaign_id, contact_id) is not None:
        return Removed.ALREADY
    before: dict[str, Any] = {}
    if row is not None:
        _stop(campaign_id, row, by)
        if row.reason is not Reason.REMOVED_BY_USER:
            before = {"state_before": row.state.value, "reason_before": row.reason}
    removal_log.note(campaign, contact, Reason.REMOVED_BY_USER, by, why=why, **before)
    audit.note(What.CAMPAIGN_REMOVE_CLIENT, campaign_id, campaign.name, by, contact_id=contact_id)
    return Removed.KEPT_OUT if row is None else Removed.STOPPED


def remove_addressed(campaign_id: int, addresses: Sequence[str], by: str, why: str = "") -> Taken:
    """Take everybody out who has one of these exact addresses or numbers; what could not be done is in `refused`.

    Raises InvalidInput for no address, for too many, and for a bad reason.
    """
    if not addresses:
        raise InvalidInput("Write the exact address of the client.", "address")
    if len(addresses) > MOST_ADDRESSES:
        raise InvalidInput("Write at most %(most)s addresses at once.", "address", most=MOST_ADDRESSES)
    counted = Counter[Removed]()
    refused: dict[str, AppError] = {}
    for address in addresses:
        try:
            found = find_by_address(address)
            if not found:
                raise NotFound("No contact has this address. Check it for typing errors.")
            counted.update([remove(campaign_id, contact.id, by, why) for contact in found])
        except AppError as error:
            if error.field == "why":
                raise
            refused[address] = error
    return Taken(counted[Removed.STOPPED] + counted[Removed.KEPT_OUT], counted[Removed.ALREADY], refused)


def _row(campaign_id: int, contact_id: int) -> Any:
    """The recipient's row, locked. Found without a lock first: a plan that runs at this moment has its rows locked and
    waits for the campaign, which we hold."""
    columns = (_R.seq, _R.state, _R.reason)
    mine = (_R.campaign_id == campaign_id, _R.step_id == MAIN_STEP, _R.contact_id == contact_id)
    seq = db.session.scalar(select(_R.seq).where(*mine))
    if seq is None:
        return None
    return db.session.execute(
        select(*columns).where(_R.campaign_id == campaign_id, _R.seq == seq).with_for_update()
    ).one()


def _stop(campaign_id: int, row: Any, by: str) -> None:
    if row.state is RecipientState.SENDING:
        raise Conflict("The message to this client is being sent right now.")
    if row.state in HANDED_OVER:
        raise Conflict("The message to this client has already left.")
    values = {"state": RecipientState.STOPPED, "reason": Reason.REMOVED_BY_USER, "detail": _detail(by)}
    _move(campaign_id, row, values | {"not_before": None, "done_at": db_now()})


def _move(campaign_id: int, row: Any, values: dict[str, Any]) -> None:
    moved = db.session.execute(
        update(CampaignRecipient)
        .where(_R.campaign_id == campaign_id, _R.seq == row.seq, _R.state == row.state)
        .values(**values)
        .execution_options(synchronize_session=False)
    ).rowcount
    if not moved:
        raise Conflict("The message to this client is being sent right now.")
    if values["state"] is not row.state:
        progress.move(campaign_id, {row.state: -1, values["state"]: 1})


def _detail(by: str) -> str:
    return N_("removed by %(name)s", name=by)[:255]


def keep_out(campaign_id: int, after_seq: int) -> None:
    """Stop those of the rows behind this number, just planned, whom an entry of the log keeps out.

    Takes the campaign's row, so that nobody is removed unseen before the plan is committed.
    """
    picked.wait_for_releases(campaign_id)
    if not removal_log.has_any(campaign_id):
        return
    removal_log.recognise(campaign_id)
    people = removal_log.kept_out(campaign_id)
    ids = list(people)
    for start in range(0, len(ids), CONTACTS_AT_ONCE):
        mine = (_R.campaign_id == campaign_id, _R.step_id == MAIN_STEP, _R.seq > after_seq)
        portion = _R.contact_id.in_(ids[start : start + CONTACTS_AT_ONCE])
        waiting = select(_R.seq, _R.contact_id).where(*mine, portion, _R.state == RecipientState.AWAITING)
        by_whom: dict[str, list[int]] = {}
        for row in db.session.execute(waiting):
            by_whom.setdefault(people[row.contact_id], []).append(row.seq)
        for by, seqs in by_whom.items():
            _stop_planned(campaign_id, seqs, by)


def _stop_planned(campaign_id: int, seqs: list[int], by: str) -> None:
    stopped = db.session.execute(
        update(CampaignRecipient)
        .where(_R.campaign_id == campaign_id, _R.seq.in_(seqs), _R.state == RecipientState.AWAITING)
        .values(state=RecipientState.STOPPED, reason=Reason.REMOVED_BY_USER, detail=_detail(by), done_at=db_now())
        .execution_options(synchronize_session=False)
    ).rowcount
    progress.move(campaign_id, {RecipientState.AWAITING: -stopped, RecipientState.STOPPED: stopped})


def restore(removal_id: int, by: str) -> Restored:
    """Put somebody back into their campaign; who has not got its message gets it, once.

    What kept the message from them before they were removed still does. A finished campaign goes on with them.
    Raises NotFound, and Conflict when they were put back already, got the message, or can get it in another way only.
    """
    entry = db.session.get(Removal, removal_id)
    if entry is None:
        raise NotFound("There is no such entry in the removal log.")
    _check_restorable(entry)
    campaign_id, contact_id = entry.campaign_id, entry.contact_id or 0
    seq = db.session.scalar(
        select(_R.seq).where(_R.campaign_id == campaign_id, _R.step_id == MAIN_STEP, _R.contact_id == contact_id)
    )
    if seq is not None:  # the batch before the campaign, as who records a claim does it
        claim.lock_batches(campaign_id, seq, seq)
    campaign = campaigns.lock(campaign_id)
    db.session.refresh(entry, with_for_update=True)
    _check_restorable(entry)
    if campaign.status is CampaignStatus.ENDED:
        raise Conflict("This campaign was ended for ever. Duplicate it to reach this client.")
    row = _row(campaign_id, contact_id)
    entry.restored_at, entry.restored_by = clock.utcnow(), by[:64]
    audit.note(What.CAMPAIGN_RESTORE_CLIENT, campaign_id, campaign.name, by, contact_id=contact_id)
    db.session.flush()
    return Restored.TAKEN_IN_LATER if row is None else _put_back(campaign, entry, row, by)


def _check_restorable(entry: Removal) -> None:
    if entry.restored_at is not None:
        raise Conflict("%(name)s has put this client back already.", name=entry.restored_by)
    if entry.reason is not Reason.REMOVED_BY_USER:
        raise Conflict("A closed mission took this client out. Add the campaign to a mission that is open.")
    if entry.contact_id is None:
        raise Conflict("The contact of this client was deleted. Nothing can be sent to them.")


def _put_back(campaign: Campaign, entry: Removal, row: Any, by: str) -> Restored:
    if row.state in HANDED_OVER:
        raise Conflict("The message to this client has already left. They are in the campaign.")
    if row.state is not RecipientState.STOPPED or row.reason is not Reason.REMOVED_BY_USER:
        return Restored.STAYS_OUT  # planned after the removal, and skipped for a reason of their own
    old_state = RecipientState(entry.state_before or RecipientState.AWAITING)
    old_reason = entry.reason_before
    is_held_again = old_reason is Reason.MISSION_CLOSED and entry.contact_id in picked.holders(
        campaign.id, [entry.contact_id or 0]
    )
    may_wait = old_state is RecipientState.AWAITING or old_reason in RESUMABLE or is_held_again
    if not may_wait:
        _move(campaign.id, row, {"state": old_state, "reason": old_reason, "detail": _detail_of_return(by)})
        return Restored.STAYS_OUT
    if campaign.hold_reason is not None:
        _move(campaign.id, row, {"state": RecipientState.STOPPED, "reason": campaign.hold_reason, "detail": None})
        return Restored.HELD
    _move(campaign.id, row, {"state": RecipientState.AWAITING, "reason": None, "detail": None, "done_at": None})
    claim.reopen_batches(campaign.id, row.seq, row.seq)
    campaigns.go_on(campaign, by)
    return Restored.WAITS


def _detail_of_return(by: str) -> Phrase:
    return N_("removed, and put back by %(name)s", name=by)
