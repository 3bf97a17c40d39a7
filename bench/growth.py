"""The send rate after three million earlier ledger rows beside the rate on an empty ledger, interleaved by rounds."""

from contextlib import ExitStack

from sqlalchemy import text

from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign
from app.extensions import db
from app.kernel.db import transaction
from bench import campaign as made
from bench import common
from bench.send_rate import campaign_rate
from jobs import runtime

RECIPIENTS, ROUNDS, EARLIER, PER_CAMPAIGN, PORT, BAR = 60_000, 5, 3_000_000, 500_000, 2529, 0.95


def add_earlier(account_id: int) -> None:
    """Six finished campaigns of half a million sent recipients each, straight into the ledger."""
    for number in range(EARLIER // PER_CAMPAIGN):
        campaign_id = made.add_campaign(account_id, 1)
        with transaction():
            db.session.get_one(Campaign, campaign_id).status = CampaignStatus.FINISHED
        for part in range(0, PER_CAMPAIGN, 100_000):
            with transaction():
                db.session.execute(
                    text(
                        "INSERT INTO campaign_recipient (campaign_id, seq, step_id, contact_id, address_index, state,"
                        " attempt, content_version, sender_id, sending_at, done_at) SELECT :campaign, seq + :part, 1,"
                        " seq + :part + :base, UNHEX(MD5(seq + :part + :base)), 'sent', 1, 1, :sender,"
                        " UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) FROM seq_1_to_100000"
                    ),
                    {"campaign": campaign_id, "part": part, "base": number * 1000, "sender": account_id},
                )


def main() -> None:
    """Measure and print."""
    with ExitStack() as stack:
        house = stack.enter_context(common.house("growth"))
        runtime.use_app(house.app)
        stack.enter_context(common.smtp_sink(PORT))
        account_id = made.add_account(PORT, 20)
        folder_id = made.add_contacts(RECIPIENTS, "everybody")
        for _ in range(2):
            stack.enter_context(common.worker(house.environ))
        stack.enter_context(common.scheduler(house.environ))
        empty = [campaign_rate(made.add_campaign(account_id, folder_id), RECIPIENTS) for _ in range(ROUNDS)]
        print("empty:", ", ".join(f"{rate:,.0f}" for rate in empty), flush=True)
        add_earlier(account_id)
        full = [campaign_rate(made.add_campaign(account_id, folder_id), RECIPIENTS) for _ in range(ROUNDS)]
        print("after 3,000,000 rows:", ", ".join(f"{rate:,.0f}" for rate in full), flush=True)
        ratio = common.median(full) / common.median(empty)
        common.result("growth", common.median(full), "messages/s", ratio, BAR, ratio >= BAR)


if __name__ == "__main__":
    main()
