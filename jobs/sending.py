"""Jobs of the ledger: slices of sending, settling a campaign, cleaning, and what the scheduler does each second."""

from pathlib import Path

from rq import get_current_job

from app.audience import replies
from app.campaigns import removal_log, statuses
from app.extensions import db
from app.kernel import ending, headway, processes
from app.kernel.db import in_transaction, transaction
from app.sending import (
    deliver,
    failover,
    former,
    journal,
    label_runs,
    labels,
    progress,
    recipient_runs,
    retries,
    settle,
    slices,
    sweep,
    tick,
)
from app.sending.states import RunKind
from jobs.runtime import job, the_app

RUN_STEPS: dict[RunKind, recipient_runs.Step] = {RunKind.LABEL: label_runs.step, RunKind.RETRY: retries.step}


@job
def send_slice(campaign_id: int, number: int, turn: int) -> int:
    """Send for some seconds and ring for the successor; returns how many messages the server accepted."""
    running = get_current_job()
    job_id = running.id if running else ""
    ready = in_transaction(slices.begin, campaign_id, job_id)
    if ready is None:
        return 0
    feed = deliver.BatchFeed(ready.order)
    report = ready.transport.run(feed, ready.connections)
    feed.close()
    in_transaction(slices.end, ready, feed, report, number, turn)
    return feed.sent


@job
def settle_campaign(campaign_id: int) -> None:
    """Let the rows of a campaign follow its last move, some ten thousand rows a transaction."""
    owner = processes.me()
    work = in_transaction(settle.begin, campaign_id, owner)
    if work is None:
        return
    after: int | None = 0
    teller = headway.Teller(progress.SETTLING % campaign_id, work.last_seq)
    while after is not None and after < work.last_seq:
        teller.tell(after)
        after = in_transaction(settle.step, work, owner, after)
    if after is not None:
        in_transaction(settle.end, work, owner)
        headway.forget(progress.SETTLING % campaign_id)


@job
def look_again(campaign_id: int) -> None:
    """Let who waits for a domain by the pace of an account that does not carry the campaign now be looked at again."""
    after: int | None = 0
    while after is not None and not ending.is_asked():
        after = in_transaction(failover.look_again, campaign_id, after)


@job
def clear_status(status_id: int) -> None:
    """Take a deleted internal status off everybody who carries it, some thousands a transaction."""
    while in_transaction(labels.clear, status_id):
        pass


@job
def run_over_recipients(run_id: int) -> None:
    """Do for many recipients what a person wished, some thousands a transaction; a worker that is to end leaves the
    rest to the next one."""
    while in_transaction(recipient_runs.step, run_id, RUN_STEPS) and not ending.is_asked():
        pass


@job
def wake_labels() -> None:
    """Ring for deleted internal statuses and for runs over recipients that nobody works on: their bell was lost, or
    their worker."""
    with transaction():
        for status_id in labels.retired():
            statuses.ring_clearing(status_id)
        recipient_runs.wake()


@job
def forget_former() -> None:
    """Let go of recipients whose campaign was deleted long ago, some thousands at a time, of old replies of people who
    are no contacts, and of the names of removed clients whose contact was deleted."""
    with transaction():
        former.forget()
        replies.forget()
        removal_log.forget_deleted()


@job
def sweep_claims() -> int:
    """Recover the claims of dead or silent workers; returns how many."""
    folder = Path(the_app().config["JOURNAL_FOLDER"])
    with transaction():
        found = sweep.candidates(folder)
        recorded = sweep.recorded(folder)
    for key in recorded:
        journal.remove(folder, key)
    recovered = 0
    for key, owner in found:
        if in_transaction(sweep.recover, key, owner, folder):
            journal.remove(folder, key)
            recovered += 1
    dead_jobs = in_transaction(sweep.free_dead_lanes, folder)
    sweep.forget(dead_jobs)
    return recovered


@job
def look_at_campaigns() -> None:
    """Move every live campaign on and ring for what is due; one transaction a campaign."""
    with transaction():
        tick.ring_for_unsettled()
        due = tick.due_campaigns()
    for campaign_id in due:
        in_transaction(tick.look_at, campaign_id)
    db.session.remove()
