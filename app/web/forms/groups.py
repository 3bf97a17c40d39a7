"""The form of a campaign group, its campaigns as a list with two sides, and choosing campaigns by group."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, select
from wtforms import HiddenField, SelectMultipleField
from wtforms.fields import SelectChoice

from app.campaigns import groups
from app.campaigns.models import Campaign, CampaignGroup
from app.extensions import db
from app.web.asked import row_ids
from app.web.choices import OfId
from app.web.forms.fields import PanelForm, line

NO_GROUP = "none"  # in the filter of the campaigns


def group_rows() -> list[tuple[int, str]]:
    """Every campaign group as (id, name)."""
    found = db.session.execute(select(CampaignGroup.id, CampaignGroup.name).order_by(CampaignGroup.name))
    return [(pk, name) for pk, name in found]


class InGroup(OfId):
    """The campaigns of a group, or of none."""

    label = _l("Group")

    @classmethod
    def choices(cls) -> list[tuple[str, Any]]:
        """None, and every group."""
        return [(NO_GROUP, _("Campaigns without a group")), *((str(pk), name) for pk, name in group_rows())]

    def condition(self, value: str) -> ColumnElement[bool] | None:
        """In that group."""
        if value == NO_GROUP:
            return Campaign.group_id.is_(None)
        return super().condition(value)


class DualListField(SelectMultipleField):
    """Ids of rows, chosen in a list with two sides; without a script a list in which several can be marked.

    Each choice may say in a note where the row stands now.
    """

    render_kw: dict[str, Any]

    def __init__(self, label: Any, **kwargs: Any) -> None:
        super().__init__(
            label,
            coerce=int,
            validate_choice=False,
            choices=[],
            render_kw={"class": "form-control", "size": 12, "data-plain": True},
            **kwargs,
        )
        self.flags.wide = True

    def offer(self, rows: list[tuple[int, str, str]], words: dict[str, str]) -> None:
        """Show these rows (id, name, where it stands), in words of the person's language."""
        self.choices = [
            SelectChoice(pk, name, render_kw={"data-note": note} if note else None) for pk, name, note in rows
        ]
        self.render_kw = {
            **self.render_kw,
            "data-dual-list": True,
            **{f"data-{k}": w for k, w in words.items()},
        }


class GroupForm(PanelForm):
    """Name, description and campaigns. seen: the campaigns that were in the group when the form was opened, so that
    what others did to it meanwhile is kept."""

    seen = HiddenField()
    name = line(_l("Name"), maxlength=groups.NAME_LIMIT)
    description = line(_l("Description"), maxlength=groups.DESCRIPTION_LIMIT)
    campaigns = DualListField(
        _l("Campaigns"), description=_l("A campaign is in one group only: choosing it takes it out of the other one.")
    )

    def offer(self, group: CampaignGroup | None) -> None:
        """Fill in the campaigns to choose from, and on the first look those of the group."""
        own_id = group.id if group is not None else None
        query = (
            select(Campaign.id, Campaign.name, Campaign.group_id, CampaignGroup.name)
            .outerjoin(CampaignGroup, CampaignGroup.id == Campaign.group_id)
            .order_by(Campaign.name)
        )
        rows = db.session.execute(query).all()
        if self.seen.data is None:
            mine = [pk for pk, _name, group_id, _group in rows if group_id is not None and group_id == own_id]
            self.seen.data = ",".join(map(str, mine))
            self.campaigns.data = mine
        self.campaigns.offer(
            [
                (pk, name, _("in %(group)s", group=other) if other and group_id != own_id else "")
                for pk, name, group_id, other in rows
            ],
            {
                "available": _("Available"),
                "chosen": _("Chosen"),
                "filter": _("Filter"),
                "add": _("Add all shown"),
                "remove": _("Remove all shown"),
                "none": _("None"),
                "more": _("%(n)s more: use the filter", n="{n}"),
                "added": _("%(name)s was added", name="{name}"),
                "removed": _("%(name)s was removed", name="{name}"),
            },
        )

    def changes(self) -> tuple[set[int], set[int]]:
        """The campaigns that the person put in and took out."""
        before = set(row_ids((self.seen.data or "").split(",")))
        after = set(self.campaigns.data or ())
        return after - before, before - after
