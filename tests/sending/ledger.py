"""Short ways to look at and move a ledger in tests."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from flask import current_app
from sqlalchemy import select

from app.channels.contract import Outcome, SendResult
from app.extensions import db
from app.kernel.db import in_transaction, transaction
from app.sending import claim, journal, progress, record, slices
from app.sending.claim import Claim, ClaimOrder, Later
from app.sending.models import CampaignRecipient, SendBatch
from app.sending.outcome import verdict
from jobs import sending as jobs
from tests import factories

ACCEPTED = SendResult(Outcome.ACCEPTED)


def folder() -> Path:
    """Where the journals of this app lie."""
    return Path(current_app.config["JOURNAL_FOLDER"])


def sending_campaign(people: int = 3, port: int = 2525, **values: object) -> int:
    """A campaign that is being sent: planned, begun, nothing claimed."""
    with transaction():
        sender = values.pop("sender", None) or factories.account(port=port, max_connections=4)
        campaign_id = factories.live_campaign(people, sender=sender, **values).id
    jobs.settle_campaign(campaign_id)
    jobs.look_at_campaigns()
    return campaign_id


def order_of(campaign_id: int, owner: str | None = None) -> ClaimOrder:
    """The claim order that a slice of this campaign would have; owner: another process than this one."""
    with transaction():
        ready = slices.begin(campaign_id, "job")
        assert ready is not None
        slices._free_lane(ready.sender, ready.lane, ready.order.claim_order.owner)
    made = ready.order.claim_order
    return made if owner is None else ClaimOrder(**{**_fields(made), "owner": owner})


def _fields(order: ClaimOrder) -> dict[str, object]:
    return {name: getattr(order, name) for name in order.__slots__}


def take(order: ClaimOrder) -> Claim | Later:
    """One claim, committed."""
    return in_transaction(claim.claim, order)


def keep(order: ClaimOrder, found: Claim, result: Callable[[int], SendResult] = lambda seq: ACCEPTED) -> bool:
    """Record a claim with these results; False when its lease was lost."""
    verdicts = {row.seq: verdict(result(row.seq), row.attempt, found.now, lambda: 0.5) for row in found.rows}
    return in_transaction(record.record, found.key, order.owner, verdicts, "", found.is_whole)


def journal_of(found: Claim, marks: Iterable[tuple[int, journal.Mark]] = ()) -> None:
    """The journal that the claim's worker left behind."""
    made = journal.Journal(folder(), found.key, found.lo, found.hi)
    for seq, mark in marks:
        made.mark(seq, mark)


def sweep_all() -> int:
    """Recover what can be recovered now."""
    return jobs.sweep_claims()


def states(campaign_id: int) -> dict[str, int]:
    """How many rows are in each state, counted from the rows."""
    db.session.rollback()
    rows = select(CampaignRecipient.state).where(CampaignRecipient.campaign_id == campaign_id)
    counted = Counter(state.value for state in db.session.scalars(rows))
    db.session.rollback()
    return dict(counted)


def row(campaign_id: int, seq: int) -> CampaignRecipient:
    """One row as the database has it."""
    db.session.rollback()
    found = db.session.get_one(CampaignRecipient, (campaign_id, seq), populate_existing=True)
    db.session.rollback()
    return found


def batch(campaign_id: int, batch_no: int = 1) -> SendBatch:
    """One batch as the database has it."""
    db.session.rollback()
    found = db.session.get_one(SendBatch, (campaign_id, batch_no), populate_existing=True)
    db.session.rollback()
    return found


def counters(campaign_id: int) -> dict[str, int]:
    """The counters that are not zero."""
    db.session.rollback()
    found = {state.value: number for state, number in progress.of(campaign_id).items() if number}
    db.session.rollback()
    return found
