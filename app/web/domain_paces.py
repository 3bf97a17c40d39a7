"""The pace to single recipient domains in words."""

from collections.abc import Mapping

from flask_babel import gettext as _

from app.web.formats import grouped


def words_of(paces: Mapping[str, int] | None) -> str:
    """All of them in one line; "" for none."""
    each = sorted((paces or {}).items())
    return ", ".join(domain + " " + _("%(n)s a minute", n=grouped(number)) for domain, number in each)


def warning(paces: Mapping[str, int]) -> str:
    """What somebody should know of them before a campaign starts."""
    return _(
        "Not faster than %(paces)s. Addresses are stored encrypted, so that nobody can say beforehand how many people "
        "that is about: the end is the earliest.",
        paces=words_of(paces),
    )
