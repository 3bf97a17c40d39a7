"""Personalised e-mails from ledger rows to smtp-sink by two real workers, beside smtp-source on the same sink.

Interleaved, five rounds, medians; `--sqlite` measures the embedded database, `--recipients N` a smaller campaign.
"""

import argparse
import subprocess
import time
from contextlib import ExitStack

from sqlalchemy import func, select

from app.audience.addresses import opener
from app.audience.models import Contact
from app.campaigns import content
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import CampaignStatus
from app.extensions import db
from app.kernel import clock
from app.kernel.db import reading, transaction
from app.sending import progress, service
from app.sending.models import CampaignRecipient
from app.sending.states import RecipientState
from app.sending.writers import date_header, values_of
from bench import campaign as made
from bench import common
from jobs import runtime

ROUNDS = 5
PORT = 2526
CONNECTIONS = 20


def message_bytes(campaign_id: int) -> int:
    """The size of one message of the campaign, for smtp-source."""
    with transaction():
        content.freeze(campaigns.get(campaign_id))
    compiled = content.compiled(campaign_id, 1)
    contact = db.session.scalar(select(Contact).limit(1))
    addresses = opener()(contact.sealed, contact.uid)
    rendered = compiled.render(values_of(contact, addresses), addresses[0], 1, date_header(clock.utcnow()))
    db.session.rollback()
    return len(rendered)


def source_rate(count: int, size: int) -> float:
    """Messages a second of smtp-source with 20 connections."""
    command = [common.postfix_tool("smtp-source"), "-s", str(CONNECTIONS), "-l", str(size), "-m", str(count)]
    began = time.monotonic()
    subprocess.run([*command, f"127.0.0.1:{PORT}"], check=True, stdout=subprocess.DEVNULL)
    return count / (time.monotonic() - began)


def campaign_rate(campaign_id: int, count: int) -> float:
    """Messages a second from the first claim to the last committed state, by the processes that run beside this one."""
    with transaction():
        campaigns.publish(campaign_id, "bench")
    while True:
        with reading():
            status = campaigns.get(campaign_id).status
            if status is CampaignStatus.FINISHED:
                first, last = db.session.execute(
                    select(func.min(CampaignRecipient.sending_at), func.max(CampaignRecipient.done_at)).where(
                        CampaignRecipient.campaign_id == campaign_id
                    )
                ).one()
                break
        time.sleep(0.1)
    counts = progress.of(campaign_id)
    assert counts[RecipientState.SENT] == count, counts
    db.session.rollback()
    return count / (last - first).total_seconds()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--sqlite", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        house = stack.enter_context(common.house("send", on_sqlite=options.sqlite))
        runtime.use_app(house.app)
        stack.enter_context(common.smtp_sink(PORT))
        account_id = made.add_account(PORT, CONNECTIONS)
        folder_id = made.add_contacts(options.recipients, "everybody")
        ids = [made.add_campaign(account_id, folder_id) for _ in range(options.rounds)]
        size = message_bytes(ids[0])
        for _ in range(2):
            stack.enter_context(common.worker(house.environ))
        stack.enter_context(common.scheduler(house.environ))
        ours, theirs = [], []
        for campaign_id in ids:
            theirs.append(source_rate(options.recipients, size))
            ours.append(campaign_rate(campaign_id, options.recipients))
            print(f"smtp-source {theirs[-1]:,.0f}/s, Muster {ours[-1]:,.0f}/s", flush=True)
        assert service.reconcile() == []
        ratio, bar = common.median(ours) / common.median(theirs), 0.5 if options.sqlite else 0.8
        name = "send on SQLite" if options.sqlite else "send"
        common.result(name, common.median(ours), f"messages/s of {size} bytes", ratio, bar, ratio >= bar)


if __name__ == "__main__":
    main()
