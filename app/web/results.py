"""Sentences about what came of a change to several things at once."""

from collections.abc import Mapping

from flask_babel import gettext as _
from flask_babel import ngettext

from app.missions.service import Joined
from app.sending.picked import Leaving
from app.sending.removals import Restored, Taken
from app.sending.standing import Standing


def said_of_joined(joined: Joined) -> tuple[str, str]:
    """What came of adding a campaign to missions: a sentence, and the kind of the message."""
    number = joined.clients.get
    said = []
    if joins := number(Standing.JOINS, 0):
        said.append(ngettext("%(n)s client joins", "%(n)s clients join", joins, n=joins))
    if already := number(Standing.ALREADY, 0):
        said.append(ngettext("%(n)s is on it already", "%(n)s are on it already", already, n=already))
    if missing := number(Standing.NO_ADDRESS, 0):
        said.append(ngettext("%(n)s has no e-mail address", "%(n)s have no e-mail address", missing, n=missing))
    if barred := number(Standing.SUPPRESSED, 0):
        said.append(ngettext("%(n)s must not be written to", "%(n)s must not be written to", barred, n=barred))
    if removed := number(Standing.REMOVED, 0):
        said.append(ngettext("%(n)s was removed from it", "%(n)s were removed from it", removed, n=removed))
    if gone := joined.without_client:
        said.append(ngettext("%(n)s mission has no client", "%(n)s missions have no client", gone, n=gone))
    if closed := joined.closed:
        said.append(ngettext("%(n)s mission is closed", "%(n)s missions are closed", closed, n=closed))
    return f"{', '.join(said)}.", "success" if joins else "warning"


def said_of_leaving(left: Mapping[Leaving, int]) -> str:
    """What closing a mission meant to its client, in numbers of campaigns; nothing when it was in none."""
    said = []
    if number := left.get(Leaving.TAKEN_OUT, 0) + left.get(Leaving.UNPLANNED, 0):
        said.append(ngettext("Its client left %(n)s campaign.", "Its client left %(n)s campaigns.", number, n=number))
    if number := left.get(Leaving.HELD, 0):
        said.append(
            ngettext(
                "In %(n)s campaign the client stays: a folder or another mission holds them there.",
                "In %(n)s campaigns the client stays: a folder or another mission holds them there.",
                number,
                n=number,
            )
        )
    if number := left.get(Leaving.TOO_LATE, 0):
        said.append(
            ngettext(
                "%(n)s message had left already or is on its way.",
                "%(n)s messages had left already or are on their way.",
                number,
                n=number,
            )
        )
    return " ".join(said)


def said_of_removal(taken: Taken) -> str:
    """What came of taking clients out of a campaign."""
    said = []
    if number := taken.removed:
        said.append(ngettext("%(n)s client was removed.", "%(n)s clients were removed.", number, n=number))
    if number := taken.already:
        said.append(
            ngettext(
                "%(n)s client had been removed before.", "%(n)s clients had been removed before.", number, n=number
            )
        )
    return " ".join(said)


def said_of_return(restored: Restored, name: str) -> tuple[str, str]:
    """What came of putting a client back into a campaign: a sentence, and the kind of the message."""
    match restored:
        case Restored.WAITS:
            return _("%(name)s is back in line and gets the message.", name=name), "success"
        case Restored.HELD:
            return _("%(name)s is back, and gets the message if the campaign goes on.", name=name), "success"
        case Restored.TAKEN_IN_LATER:
            return _("%(name)s is kept out no more.", name=name), "success"
        case Restored.STAYS_OUT:
            return _("%(name)s is back, but gets no message: the report says why.", name=name), "warning"
