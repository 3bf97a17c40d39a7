"""The dashboard: what comes next, what runs, what was sent, and what needs somebody."""

from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext

from app.kernel import engine_room
from app.kernel.engine_room import EngineRoom
from app.kernel.errors import Unavailable
from app.reports import dashboard
from app.reports.dashboard import Board
from app.sending.states import Shown
from app.web import formats, monitor, security, stand_ins, words
from app.web.base import AppView, may


@dataclass(frozen=True, slots=True)
class Need:
    """Something that needs a person. name: what it is about; said: what is wrong; address, fix: where it is mended and
    the words of the link, "" for whoever may not."""

    key: str
    name: str
    said: str
    icon: str
    address: str = ""
    fix: str = ""


class DashboardView(AppView):
    """Reads only."""

    route_base = "/dashboard"
    resource = "Campaign"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("read")
    def index(self) -> Any:
        """The page, which stays fresh by itself."""
        return self.render_template("dashboard.html", title=_("Dashboard"), **_content())

    @expose("/live")
    @has_access
    @permission_name("read")
    def live(self) -> Any:
        """The part of the page that stays fresh."""
        return self.render_template("_dashboard.html", **_content())


def _content() -> dict[str, Any]:
    board = dashboard.board()
    room, needs = _engine()
    may_see_room = may(security.READ, monitor.RESOURCE)
    return {
        "board": board,
        "needs": [*needs, *_accounts(), *_campaigns(board)],
        "room": room if may_see_room else None,
        "may_see_room": may_see_room,
        "chip": formats.campaign_status,
        "sent_of": lambda card: card.counts[Shown.SENT],
        "words": words,
    }


def _engine() -> tuple[EngineRoom | None, list[Need]]:
    """How the machine stands, and what of it keeps campaigns from being sent."""
    address = url_for("QueueMonitor.index") if may(security.READ, monitor.RESOURCE) else ""
    fix = _("Queues and workers") if address else ""
    try:
        room = engine_room.look()
    except Unavailable as error:
        return None, [Need("redis", _("Redis"), words.of_error(error), "octagon-x", address, fix)]
    found = []
    if not room.leader_pid:
        said = _for_others(_("No scheduler runs: no campaign begins."), bool(address))
        found.append(Need("scheduler", _("Scheduler"), said, "clock", address, fix))
    if room.unserved:
        said = _for_others(_("No worker runs for: %(names)s.", names=", ".join(room.unserved)), bool(address))
        found.append(Need("workers", _("Workers"), said, "server-cog", address, fix))
    return room, found


def _accounts() -> list[Need]:
    may_mend = may(security.UPDATE, "SmtpAccount")
    found = []
    for account in dashboard.failing_accounts():
        said = words.sentence(account.why)
        if account.stand_in:
            said = stand_ins.detour(account.name, account.stand_in, account.why)
        said = _for_others(said, may_mend)
        address = url_for("SmtpAccountView.edit", pk=account.account_id) if may_mend else ""
        fix = _("Fix") if may_mend else ""
        found.append(Need(f"account-{account.account_id}", account.name, said, "server", address, fix))
    return found


def _for_others(said: str, may_mend: bool) -> str:
    """What is wrong, with what to do for whoever may not mend it."""
    return said if may_mend else _("%(problem)s. Tell your administrator.", problem=said.removesuffix("."))


def _campaigns(board: Board) -> list[Need]:
    found = []
    for card in board.failed:
        address = url_for("CampaignView.show", pk=card.campaign_id)
        said = words.sentence(card.status_detail)
        found.append(Need(f"campaign-{card.campaign_id}", card.name, said, "circle-x", address, _("Fix")))
    for card, left in board.expired:
        said = ngettext(
            "The validity period ended, and %(n)s person did not get the message.",
            "The validity period ended, and %(n)s people did not get the message.",
            left,
            n=formats.grouped(left),
        )
        may_extend = may(security.UPDATE, "Campaign")
        page = "CampaignView.edit" if may_extend else "CampaignView.show"
        fix = _("Extend it") if may_extend else _("Show")
        address = url_for(page, pk=card.campaign_id)
        found.append(Need(f"campaign-{card.campaign_id}", card.name, said, "alarm-clock", address, fix))
    return found
