"""The documents of a campaign in its form: chosen or dropped as files, those that are there with the way to take them
off. Without a script it is the plain field of files with boxes to mark."""

from typing import Any

from flask import render_template, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select
from wtforms import MultipleFileField
from wtforms.fields import SelectChoice

from app.campaigns import checks, fields, text_content
from app.campaigns.fields import Kind
from app.campaigns.lifecycle import EDITABLE
from app.campaigns.models import Campaign
from app.campaigns.service import MAX_DOCUMENTS_BYTES
from app.channels.contract import Channel
from app.extensions import db

MOST_CAMPAIGNS = 200  # that a list to choose from names


class DocumentsField(MultipleFileField):
    """Files for a campaign. campaign: the one whose documents are shown; None while it is new: then the files are sent
    with the form, otherwise each at once."""

    campaign: Campaign | None = None

    def __call__(self, **kwargs: Any) -> Markup:
        """The place to drop files on, with the list below it."""
        return drop_zone(self.id, self.name, self.campaign, kwargs.get("aria-describedby", ""))


def drop_zone(element: str, name: str, campaign: Campaign | None, described: str = "", chooser: str = "") -> Markup:
    """Where files are dropped or chosen. element, name: of its field of files. described: ids of what explains it.

    chooser: the id of the select that says to which campaign they go, where the page has one; else they go to
    `campaign`, or with the form.
    """
    shows_picture = campaign is not None and campaign.channel is Channel.WHATSAPP and not campaign.whatsapp_template
    page = render_template(
        "_documents.html",
        element=element,
        name=name,
        documents=checks.current_documents(campaign) if campaign is not None else [],
        described=described,
        chooser=chooser,
        address=url_for("CampaignApi.add_document", pk=campaign.id if campaign is not None else 0),
        sends_at_once=campaign is not None or bool(chooser),
        most=MAX_DOCUMENTS_BYTES,
        shows_picture=shows_picture,
        picture=text_content.picture_of(campaign) if campaign is not None else None,
        picture_types=" ".join(sorted(text_content.PICTURES)),
        largest_picture=text_content.MAX_PICTURE_BYTES,
    )
    return Markup(page)


def campaign_rows() -> list[SelectChoice]:
    """The campaigns that documents can be attached to, those that were changed last first, and one for none."""
    carry = [channel for channel in Channel if any(field.kind is Kind.DOCUMENTS for field in fields.of(channel))]
    query = select(Campaign.id, Campaign.name).where(Campaign.status.in_(EDITABLE), Campaign.channel.in_(carry))
    query = query.order_by(Campaign.changed_at.desc(), Campaign.id.desc()).limit(MOST_CAMPAIGNS)
    return [SelectChoice("", _("choose one")), *(SelectChoice(row.id, row.name) for row in db.session.execute(query))]
