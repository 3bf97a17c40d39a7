"""Which limits bind a campaign: its own pacing and those of its sender, as values for the throttle."""

from app.campaigns.models import Campaign
from app.channels.models import SmtpAccount
from app.sending.throttle import SECOND_US, BatchPause, DayCap, Limit, Limits, per


def limits_of(campaign: Campaign, account: SmtpAccount) -> Limits:
    """All limits that hold for this campaign through this account."""
    smooth: list[Limit] = []
    if campaign.delay_seconds:
        delay = campaign.delay_seconds * SECOND_US
        # late is fine here: the next slot is counted from the claim, so the gap never gets shorter by waiting
        smooth.append(Limit(f"campaign:{campaign.id}:delay", delay, delay, "the delay between messages"))
    for count, seconds, name in (
        (account.per_second, 1, "second"),
        (account.per_minute, 60, "minute"),
        (account.per_hour, 3600, "hour"),
    ):
        if count:
            smooth.append(per(f"smtp:{account.id}:{name}", count, seconds, f"the limit per {name} of {account.name}"))
    batch = None
    if campaign.customers_batch_size and campaign.customers_delay_seconds:
        batch = BatchPause(
            f"campaign:{campaign.id}:customers",
            campaign.customers_batch_size,
            campaign.customers_delay_seconds * SECOND_US,
            "the customers delay",
        )
    day = (
        DayCap(f"smtp:{account.id}:day", account.per_day, f"the limit per day of {account.name}")
        if account.per_day
        else None
    )
    return Limits(tuple(smooth), batch, day)
