"""The forms of missions: what is to be done for whom, and adding a campaign to several of them."""

from datetime import timedelta
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select
from wtforms import HiddenField, SelectField
from wtforms.fields import SelectChoice
from wtforms.validators import Optional

from app.audience.models import Contact
from app.campaigns.lifecycle import TAKES_PEOPLE
from app.campaigns.models import Campaign
from app.extensions import db
from app.kernel import clock
from app.missions import service
from app.missions.states import MissionPriority, MissionStatus
from app.web import users, words
from app.web.asked import row_id
from app.web.forms.fields import PanelForm, day, line, text_area

MOST_IDS = 1000


def _number(value: Any) -> int | None:
    return row_id(str(value or ""))


def _select(label: Any, description: Any = "", **extra: Any) -> SelectField:
    return SelectField(
        label,
        description=description,
        coerce=_number,
        choices=[],
        validate_choice=False,
        render_kw={"class": "form-select", "data-select": True, **extra},
    )


def _enum(label: Any, kind: Any, usual: Any) -> SelectField:
    return SelectField(
        label,
        choices=lambda: [SelectChoice(value.value, words.of(value)) for value in kind],
        default=usual.value,
        render_kw={"class": "form-select"},
    )


class MissionForm(PanelForm):
    """A mission. Its client is searched over REST; ?client=<id> in the address fills it in."""

    title = line(_l("Title"), maxlength=service.TITLE_LIMIT)
    contact_id = _select(_l("Client"))
    assignee_id = _select(_l("Assignee"))
    due_on = day(_l("Due"), validators=[Optional()])
    status = _enum(_l("Status"), MissionStatus, MissionStatus.OPEN)
    priority = _enum(_l("Priority"), MissionPriority, MissionPriority.NORMAL)
    note = text_area(_l("Note"), rows=5)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.contact_id.data is None and request.method == "GET":
            self.contact_id.data = _number(request.args.get("client"))
        self.contact_id.render_kw = {
            **self.contact_id.render_kw,
            "data-source": url_for("ClientSearchView.search"),
            "data-placeholder": _("Type a name or a company"),
        }
        self.contact_id.choices = [SelectChoice("", ""), *_client(self.contact_id.data)]
        self.assignee_id.choices = [
            SelectChoice("", _("nobody")),
            *(SelectChoice(pk, name) for pk, name in users.people(beside=self.assignee_id.data)),
        ]

    def plain_values(self) -> dict[str, Any]:
        """The values as missions.service takes them."""
        values = self.values("title", "contact_id", "assignee_id", "due_on", "status", "priority", "note")
        return values | {"assignee_name": users.name_of(self.assignee_id.data)}


def _client(contact_id: int | None) -> list[SelectChoice]:
    contact = db.session.get(Contact, contact_id) if contact_id is not None else None
    return [] if contact is None else [SelectChoice(contact.id, str(contact))]


class AddCampaignForm(PanelForm):
    """Which campaign the clients of the chosen missions join. ids: the missions."""

    ids = HiddenField()
    campaign_id = _select(_l("Campaign name"), _l("Campaigns that may still take people. Nobody gets a message twice."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.ids.data is None:
            self.ids.data = request.args.get("ids", "")
        self.campaign_id.choices = [SelectChoice("", _("choose one")), *_campaigns()]

    def mission_ids(self) -> list[int]:
        """The chosen missions, each once."""
        found = (_number(pk) for pk in (self.ids.data or "").split(",")[:MOST_IDS])
        return list(dict.fromkeys(pk for pk in found if pk is not None))


def _campaigns() -> list[SelectChoice]:
    soon = clock.utcnow() + timedelta(minutes=1)
    query = (
        select(Campaign.id, Campaign.name, Campaign.status)
        .where(Campaign.status.in_(TAKES_PEOPLE), or_(Campaign.valid_until.is_(None), Campaign.valid_until > soon))
        .order_by(Campaign.id.desc())
    )
    return [SelectChoice(pk, f"{name} · {words.of(status)}") for pk, name, status in db.session.execute(query)]
