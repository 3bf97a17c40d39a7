"""Slow campaigns side by side: what eight of them send over two workers, beside what their delays allow.

A delay of seconds is what most campaigns to phones have. They need no time of a worker, but each must be asked again
when its next message is due, and none may hold a worker while the others wait. The ceiling is one message a campaign
and delay.
"""

import time
from contextlib import ExitStack

from app.campaigns import service as campaigns
from app.kernel.db import reading, transaction
from app.sending import progress
from app.sending.states import RecipientState
from bench import campaign as made
from bench import common
from jobs import runtime

CAMPAIGNS, DELAY_SECONDS, SECONDS, PEOPLE, PORT, BAR = 8, 2, 120, 500, 2532, 0.8


def main() -> None:
    """Measure and print."""
    with ExitStack() as stack:
        house = stack.enter_context(common.house("paced"))
        runtime.use_app(house.app)
        stack.enter_context(common.smtp_sink(PORT))
        folder_id = made.add_contacts(PEOPLE, "everybody")
        account_id = made.add_account(PORT, 20)
        asked = [made.add_campaign(account_id, folder_id, delay_seconds=DELAY_SECONDS) for _ in range(CAMPAIGNS)]
        with transaction():
            for campaign_id in asked:
                campaigns.publish(campaign_id, "bench")
        for _ in range(2):
            stack.enter_context(common.worker(house.environ))
        stack.enter_context(common.scheduler(house.environ))
        while min(_sent(asked)) == 0:
            time.sleep(0.5)
        before = _sent(asked)
        time.sleep(SECONDS)
        found = [after - sent for after, sent in zip(_sent(asked), before, strict=True)]
    allowed = SECONDS / DELAY_SECONDS
    print(f"{CAMPAIGNS} campaigns with a delay of {DELAY_SECONDS} s sent {found} in {SECONDS} s, allowed {allowed:.0f}")
    ratio = min(found) / allowed
    common.result("paced, the slowest campaign", 60 * min(found) / SECONDS, "a minute", ratio, BAR, ratio >= BAR)


def _sent(campaign_ids: list[int]) -> list[int]:
    with reading():
        return [progress.of(campaign_id)[RecipientState.SENT] for campaign_id in campaign_ids]


if __name__ == "__main__":
    main()
