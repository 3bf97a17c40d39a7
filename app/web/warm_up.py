"""The warm-up of a sender in words: which day of it is today, and what that day holds."""

from datetime import date

from flask_babel import gettext as _

from app.channels.warm_up import WarmUp
from app.web.formats import day, grouped


def words_of(warm_up: WarmUp | None, today: date) -> str:
    """How a warm-up stands; "" without one, and when it is over. today: in UTC."""
    if warm_up is None or today >= warm_up.over_on:
        return ""
    most = grouped(warm_up.most_on(today))
    if today < warm_up.begins_on:
        return _("Warm-up begins on %(day)s: %(n)s until then", day=day(warm_up.begins_on), n=most)
    return _(
        "Warm-up, day %(number)s of %(days)s: %(n)s today",
        number=grouped(warm_up.day_of(today)),
        days=grouped(len(warm_up.numbers)),
        n=most,
    )
