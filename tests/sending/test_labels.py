"""A deleted internal status is taken off everybody who carried it, and off nobody else."""

import pytest
from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError

from app.campaigns import statuses
from app.campaigns.models import InternalStatus, RetiredStatus
from app.extensions import db
from app.kernel import queues
from app.kernel.db import transaction
from app.kernel.queues import QueueName
from app.sending import labels
from app.sending.models import CampaignRecipient
from jobs import sending as jobs
from tests.factories import BY
from tests.sending import ledger

R = CampaignRecipient


def give(campaign_id: int, status_id: int, seqs: range) -> None:
    db.session.execute(
        update(R).where(R.campaign_id == campaign_id, R.seq.in_(seqs)).values(internal_status_id=status_id)
    )


def carried(campaign_id: int) -> list[int | None]:
    db.session.rollback()
    return list(db.session.scalars(select(R.internal_status_id).where(R.campaign_id == campaign_id).order_by(R.seq)))


def test_a_deleted_status_is_taken_off_in_steps(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "ROWS_PER_STEP", 2)
    first, second = ledger.sending_campaign(5), ledger.sending_campaign(4)
    with transaction():
        gone, kept = statuses.create("Gone", "#112233", BY).id, statuses.create("Kept", "#445566", BY).id
        give(first, gone, range(1, 6))
        give(second, gone, range(1, 3))
        give(second, kept, range(3, 5))
    with transaction():
        assert labels.carriers([gone, kept], 100) == {gone: 7, kept: 2}
        assert labels.carriers([gone], 3) == {gone: 3}
        statuses.delete(gone)
    with transaction():
        assert labels.clear(gone)
    assert carried(first) == [None, None, gone, gone, gone]
    jobs.clear_status(gone)
    assert carried(first) == [None] * 5
    assert carried(second) == [None, None, kept, kept]
    assert db.session.scalars(select(RetiredStatus.id)).all() == []


def test_a_lost_bell_is_rung_again_until_the_work_is_done(app: Flask) -> None:
    with transaction():
        status_id = statuses.create("Gone", "#112233", BY).id
    with transaction():
        statuses.delete(status_id)
    bells = queues.queue(QueueName.BULK)
    bells.empty()
    jobs.wake_labels()
    assert bells.job_ids == [f"clear-status-{status_id}"]
    jobs.clear_status(status_id)
    bells.empty()
    jobs.wake_labels()
    assert bells.job_ids == []


@pytest.mark.mariadb
def test_a_status_that_is_being_given_is_not_deleted_meanwhile(app: Flask) -> None:
    with transaction():
        status_id = statuses.create("Called", "#112233", BY).id
    with transaction(), db.engine.connect() as deleter:
        statuses.keep(status_id)
        deleter.exec_driver_sql("SET innodb_lock_wait_timeout=1")
        try:
            with pytest.raises(OperationalError, match="Lock wait timeout"):
                deleter.execute(delete(InternalStatus).where(InternalStatus.id == status_id))
        finally:
            deleter.rollback()
            deleter.exec_driver_sql("SET innodb_lock_wait_timeout=DEFAULT")
