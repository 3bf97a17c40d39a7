"""Slow campaigns side by side: what eight of them send over two workers, alone and beside a fast one, of what their
delays allow.

A delay of seconds is what most campaigns to phones have. They need no time of a worker, but each must be asked again
when its next message is due, and none may hold a worker while the others wait. The fast one has a limit too, so that it
lasts. The ceiling is one message a campaign and delay.
"""

import time
from contextlib import ExitStack

from app.campaigns import service as campaigns
from app.channels import service
from app.kernel.db import reading, transaction
from app.sending import progress
from app.sending.states import RecipientState
from bench import campaign as made
from bench import common
from jobs import runtime

CAMPAIGNS, DELAY_SECONDS, SECONDS, PORT = 8, 2, 60, 2532
PEOPLE, FAST_PER_SECOND = 30_000, 200
BARS = {"alone": 0.75, "beside a fast campaign": 0.5}


def main() -> None:
    """Measure and print."""
    with ExitStack() as stack:
        house = stack.enter_context(common.house("paced"))
        runtime.use_app(house.app)
        stack.enter_context(common.smtp_sink(PORT))
        folder_id = made.add_contacts(PEOPLE, "everybody")
        account_id, other_id = made.add_account(PORT, 20), made.add_account(PORT, 20)
        with transaction():
            service.get_account(other_id).per_second = FAST_PER_SECOND
        asked = [made.add_campaign(account_id, folder_id, delay_seconds=DELAY_SECONDS) for _ in range(CAMPAIGNS)]
        fast = [made.add_campaign(other_id, folder_id)]
        for _ in range(2):
            stack.enter_context(common.worker(house.environ))
        stack.enter_context(common.scheduler(house.environ))
        for what, begun in (("alone", asked), ("beside a fast campaign", fast)):
            _publish(begun)
            before = _sent([*asked, *fast])
            time.sleep(SECONDS)
            *slow, quick = (after - sent for after, sent in zip(_sent([*asked, *fast]), before, strict=True))
            print(f"{what}: slow ones {slow}, the fast one {quick} of {FAST_PER_SECOND * SECONDS}", flush=True)
            ratio = min(slow) * DELAY_SECONDS / SECONDS
            a_minute = 60 * min(slow) / SECONDS
            common.result(f"paced {what}", a_minute, "a minute", ratio, BARS[what], ratio >= BARS[what])


def _publish(campaign_ids: list[int]) -> None:
    """Begin these, and wait until all of them send."""
    with transaction():
        for campaign_id in campaign_ids:
            campaigns.publish(campaign_id, "bench")
    while min(_sent(campaign_ids)) == 0:
        time.sleep(0.5)


def _sent(campaign_ids: list[int]) -> list[int]:
    with reading():
        return [progress.of(campaign_id)[RecipientState.SENT] for campaign_id in campaign_ids]


if __name__ == "__main__":
    main()
