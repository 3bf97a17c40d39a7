"""Which limits bind a campaign: its own pacing, those of its sender and of what that is a part of, as values for the
throttle."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from app.campaigns.models import Campaign
from app.channels.models import AccountLimit, ChannelLimit, Limited, Sender
from app.channels.warm_up import WarmUp
from app.kernel.texts import N_, Phrase
from app.sending.throttle import SECOND_US, BatchPause, DayCap, Limit, Limits, per, to_us

WINDOWS = {"per_second": 1, "per_minute": 60, "per_hour": 3600}  # seconds of the smooth limits
OF_SENDER = {
    "per_second": N_("the limit per second of %(name)s"),
    "per_minute": N_("the limit per minute of %(name)s"),
    "per_hour": N_("the limit per hour of %(name)s"),
    "per_day": N_("the limit per day of %(name)s"),
}
OF_ACCOUNT = {
    "per_second": N_("the limit per second of the Twilio account %(name)s"),
    "per_minute": N_("the limit per minute of the Twilio account %(name)s"),
    "per_hour": N_("the limit per hour of the Twilio account %(name)s"),
    "per_day": N_("the limit per day of the Twilio account %(name)s"),
}
OF_CHANNEL = {
    "per_second": N_("the limit per second of the whole channel"),
    "per_minute": N_("the limit per minute of the whole channel"),
    "per_hour": N_("the limit per hour of the whole channel"),
    "per_day": N_("the limit per day of the whole channel"),
}


def limits_of(campaign: Campaign, account: Sender, whole: ChannelLimit | None) -> Limits:
    """All limits that hold for this campaign through this sender. whole: those of its channel."""
    smooth: list[Limit] = []
    if campaign.delay_seconds:
        delay = campaign.delay_seconds * SECOND_US
        # late is fine here: the next slot is counted from the claim, so the gap never gets shorter by waiting
        smooth.append(Limit(f"campaign:{campaign.id}:delay", delay, delay, N_("the delay between messages")))
    batch = None
    if campaign.customers_batch_size and campaign.customers_delay_seconds:
        batch = BatchPause(
            f"campaign:{campaign.id}:customers",
            campaign.customers_batch_size,
            campaign.customers_delay_seconds * SECOND_US,
            N_("the customers delay"),
        )
    if slow := account.slow_per_hour:
        label = N_("the slower pace that the server of %(name)s asked for", name=account.name)
        smooth.append(per(slow_key(account), slow, WINDOWS["per_hour"], label))
    found = [limits_on(each) for each in (account, account.shared, whole) if each is not None]
    return Limits(
        (*smooth, *(limit for each in found for limit in each.smooth)),
        batch,
        tuple(day for each in found for day in each.days),
        tuple(counter for each in found for counter in each.counters),
    )


def limits_on(limited: Limited) -> Limits:
    """What holds for everything that is sent through this sender, or over this channel."""
    smooth = tuple(
        per(bucket_key(limited, name), count, seconds, _label(limited, name))
        for name, seconds in WINDOWS.items()
        if (count := getattr(limited, name))
    )
    days: tuple[DayCap, ...] = ()
    if limited.per_day:
        day = DayCap(bucket_key(limited, "per_day"), limited.per_day, _label(limited, "per_day"))
        if isinstance(limited, Sender) and limited.warm_up:
            day = _warmed_up(day, limited.warm_up, limited.name)
        days = (day,)
    return Limits(smooth, None, days, (counter_key(limited),) if smooth else ())


def _warmed_up(day: DayCap, warm_up: WarmUp, name: str) -> DayCap:
    """The limit per day with what a warm-up leaves of it until it is over."""
    ends = (warm_up.begins_on + timedelta(days=number) for number in range(1, len(warm_up.numbers) + 1))
    midnights = (to_us(datetime.combine(end, time(), UTC)) for end in ends)
    earlier = tuple(zip(midnights, warm_up.numbers, strict=True))
    return replace(day, earlier=earlier, early_label=N_("the warm-up of %(name)s", name=name))


def bucket_key(limited: Limited, name: str) -> str:
    """The key of one of its limits in the throttle: "smtp:3:hour"."""
    return f"{limited.key}:{name.removeprefix('per_')}"


def slow_key(account: Sender) -> str:
    """The key of the limit that it has while its server wants to be sent less: "smtp:3:slow:hour"."""
    return f"{account.key}:slow:hour"


def counter_key(limited: Limited) -> str:
    """The key under which its slots are counted by the second, while it has a limit shorter than a day."""
    return f"{limited.key}:use"


def _label(limited: Limited, name: str) -> Phrase:
    if isinstance(limited, Sender):
        return Phrase(OF_SENDER[name].message, name=limited.name)
    if isinstance(limited, AccountLimit):
        return Phrase(OF_ACCOUNT[name].message, name=limited.name)
    return OF_CHANNEL[name]
