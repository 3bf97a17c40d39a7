"""Which limits bind a campaign: its own pacing and those of its sender, as values for the throttle."""

from app.campaigns.models import Campaign
from app.channels.models import Sender
from app.kernel.texts import N_
from app.sending.throttle import SECOND_US, BatchPause, DayCap, Limit, Limits, per


def limits_of(campaign: Campaign, account: Sender) -> Limits:
    """All limits that hold for this campaign through this sender."""
    smooth: list[Limit] = []
    if campaign.delay_seconds:
        delay = campaign.delay_seconds * SECOND_US
        # late is fine here: the next slot is counted from the claim, so the gap never gets shorter by waiting
        smooth.append(Limit(f"campaign:{campaign.id}:delay", delay, delay, N_("the delay between messages")))
    for count, seconds, key, label in (
        (account.per_second, 1, "second", N_("the limit per second of %(name)s", name=account.name)),
        (account.per_minute, 60, "minute", N_("the limit per minute of %(name)s", name=account.name)),
        (account.per_hour, 3600, "hour", N_("the limit per hour of %(name)s", name=account.name)),
    ):
        if count:
            smooth.append(per(f"{account.key}:{key}", count, seconds, label))
    batch = None
    if campaign.customers_batch_size and campaign.customers_delay_seconds:
        batch = BatchPause(
            f"campaign:{campaign.id}:customers",
            campaign.customers_batch_size,
            campaign.customers_delay_seconds * SECOND_US,
            N_("the customers delay"),
        )
    day = (
        DayCap(f"{account.key}:day", account.per_day, N_("the limit per day of %(name)s", name=account.name))
        if account.per_day
        else None
    )
    return Limits(tuple(smooth), batch, day)
