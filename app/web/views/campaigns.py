"""Campaigns: writing them, moving them through their life, and choosing whom they reach."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from flask import flash, g, has_request_context, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.actions import action
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy import ColumnElement, select
from werkzeug.wrappers import Response

from app.campaigns import custom_fields, removal_log, service
from app.campaigns.lifecycle import EDITABLE, CampaignStatus
from app.campaigns.models import SENDER_KINDS, Campaign
from app.channels.contract import Channel, Outcome
from app.extensions import db
from app.kernel.errors import AppError, Conflict
from app.reports import audiences, cards
from app.sending import removals
from app.sending import service as sending
from app.web import channels, formats, security, words
from app.web.asked import row_ids
from app.web.base import AppModelView, actor, may, refuse, unit_of_work
from app.web.choices import ChoiceFilters, Chosen
from app.web.forms.campaigns import CampaignForm, form_for
from app.web.forms.groups import InGroup, group_rows
from app.web.forms.recipients import RemoveClientForm, RunForm
from app.web.lists import AppInterface
from app.web.results import said_of_removal
from app.web.views import campaign_actions, campaign_writing, cards_filter, launch
from app.web.views.campaign_actions import ASKED_ON_A_PAGE, FIRST
from app.web.views.history import latest


def _group_name(group_id: int | None) -> str:
    if "group_names" not in g:
        g.group_names = dict(group_rows())
    return str(g.group_names.get(group_id, ""))


class MadeBy(Chosen):
    """The campaigns that a person made."""

    label = _l("Created by")

    @classmethod
    def choices(cls) -> list[tuple[str, Any]]:
        """Everybody who made one."""
        return [(name, name) for name in cards.creators()]

    def condition(self, value: str) -> ColumnElement[bool]:
        """Made by that person."""
        return Campaign.created_by == value


class CampaignView(ChoiceFilters, AppModelView):
    """The campaigns and everything a manager does with them."""

    route_base = "/campaigns"
    resource = "Campaign"
    datamodel = AppInterface(Campaign)
    method_permission_name = {
        **dict.fromkeys(("publish", "unpublish", "start", "stop", "end", "send_test"), "send"),
        "run_on_folders": "add_recipients",
        "remove_client": "remove_recipients",
        "duplicate": "create",
        "delete_chosen": "delete",
    }
    form_fields = campaign_writing.FORM_FIELDS
    add_template = "campaign_add.html"
    extra_args = {"channels": channels}
    has_short_form = False
    empty_words = _l("Import contacts, add an SMTP account, then write the first campaign.")
    choice_filters = {"group_id": InGroup, "created_by": MadeBy}
    list_columns = ["name", "status", "group_id", "waiting_for", "next_send_at", "changed_at", "id"]
    show_columns = ["name", "status"]
    list_template, show_template = "campaign_list.html", "campaign_show.html"
    search_columns = ["name", "description", "status", "group_id", "created_by", "created_at"]
    order_columns = ["name", "status", "changed_at"]
    base_order = ("id", "desc")
    label_columns = {
        "id": _l("Report"),
        "name": _l("Name"),
        "description": _l("Description"),
        "status": _l("Status"),
        "group_id": _l("Group"),
        "smtp_account": _l("SMTP account"),
        "waiting_for": _l("Waiting for"),
        "next_send_at": _l("Next send"),
        "changed_at": _l("Changed"),
        "created_by": _l("Created by"),
        "created_at": _l("Created"),
    }
    formatters_columns: dict[str, Any] = {
        "id": lambda campaign_id: formats.report_link(campaign_id, _("Report")),
        "status": formats.campaign_status,
        "waiting_for": words.sentence,
        "group_id": _group_name,
        "smtp_account": lambda account: account or "",
        "next_send_at": formats.moment,
        "changed_at": formats.ago,
    }
    list_title, show_title = _l("Campaigns"), _l("Campaign")
    add_title, edit_title = _l("New campaign"), _l("Edit campaign")
    add_row_message = _l("The campaign was saved as a draft. Publish it when it is ready.")
    edit_row_message = _l("The campaign was saved.")
    delete_row_message = _l("The campaign was deleted.")

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """The campaigns as a table, with the ways to the cards and the calendar of the same ones."""
        question = cards_filter.of_table(request.args)
        in_time = {name: value for name, value in question.items() if name in cards_filter.QUESTION}
        return self.render_template(
            self.list_template,
            title=self.list_title,
            widgets=self._list(),
            wall=url_for("CardsView.cards", **question),
            calendar=url_for("CalendarView.calendar", **in_time),
            may_add_group=may(security.CREATE, "CampaignGroup"),
        )

    def back_to_list(self) -> Response:
        """To the cards as they were filtered for those who come from there, to the table for others."""
        if "cards" in request.values:
            return redirect(cards_filter.address(request.values["cards"]))
        return super().back_to_list()

    post_add_redirect = post_edit_redirect = post_delete_redirect = back_to_list

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        """The campaign with what can be done with it in its state."""
        campaign = self._item(pk)
        allowed = campaign_actions.may_act(self)
        possible = campaign_actions.possible(self.actions.values(), campaign.status, allowed)
        (card,) = cards.of_ids([campaign.id])
        return self.render_template(
            self.show_template,
            title=campaign.name,
            campaign=campaign,
            status=formats.campaign_status(campaign.status),
            documents=[document for document in campaign.documents if not document.is_removed],
            own_values=custom_fields.named_values(campaign),
            removed=removal_log.number(campaign.id) if "remove_client" in allowed else 0,
            may_edit=campaign.status in EDITABLE and "edit" in allowed,
            is_draft=campaign.status is CampaignStatus.DRAFT,
            first=[action for action in possible if action.name == FIRST.get(campaign.status)],
            more=[action for action in possible if action.name != FIRST.get(campaign.status)],
            questions={action.name: campaign_actions.question(action, card) for action in possible},
            pages={name: url_for(f"{self.endpoint}.{page}", pk=pk) for name, page in ASKED_ON_A_PAGE.items()},
            **latest(campaign.id),
            **launch.shown(campaign),
        )

    def create(self, form: CampaignForm) -> Campaign:
        """A new draft with its folders and documents."""
        return campaign_writing.create(form)

    def change(self, item: Campaign, form: CampaignForm) -> None:
        """What the person changed in the form; refused where somebody else changed the same meanwhile."""
        campaign_writing.change(item, form)

    def remove(self, item: Campaign) -> None:
        """Delete it with its recipients; one that is sending must be stopped first."""
        sending.delete_campaign(item.id)

    @property
    def _channel(self) -> Channel:
        """The channel of the campaign that this request is about."""
        if not has_request_context():
            return Channel.EMAIL
        pk = (request.view_args or {}).get("pk")
        if pk:
            return Channel(self._item(pk).channel)
        given = request.values.get("channel", "")
        return Channel(given) if given in set(Channel) else Channel.EMAIL

    @property
    def add_form(self) -> type[CampaignForm]:
        """What a new campaign of this channel has."""
        return self._form()

    @property
    def edit_form(self) -> type[CampaignForm]:
        """What a campaign of this channel has."""
        return self._form(is_edit=True)

    def _form(self, is_edit: bool = False) -> type[CampaignForm]:
        if not has_request_context():  # FAB asks when it starts, for names of fields that it does not use
            return CampaignForm
        if "campaign_form" not in g:
            g.campaign_form = form_for(self._channel, is_edit=is_edit)
        form: type[CampaignForm] = g.campaign_form
        return form

    @property
    def add_fieldsets(self) -> Any:
        """The sections of the form: its steps below each other."""
        return self._form().sections()

    @property
    def edit_fieldsets(self) -> Any:
        """The same."""
        return self._form(is_edit=True).sections()

    def _add(self) -> Any:
        kind = SENDER_KINDS[self._channel]
        if db.session.scalar(select(kind.id).limit(1)) is None:
            flash(campaign_actions.no_sender(self._channel), "warning")
            return None
        return super()._add()

    def _edit(self, pk: Any) -> Any:
        campaign = self._item(pk)
        try:
            service.check_editable(campaign)
        except Conflict as error:
            flash(words.of_error(error), "warning")
            return None
        return super()._edit(pk)

    def prefill_form(self, form: CampaignForm, pk: Any) -> None:
        """Ids, local times and fields of our own of the stored campaign."""
        form.show(self._item(pk))
        form.remember()

    def _get_edit_widget(self, form: Any, **kwargs: Any) -> Any:
        form.offer_documents(self._item((request.view_args or {}).get("pk")))
        return super()._get_edit_widget(form=form, **kwargs)

    @action("publish", _l("Publish"), _l("Publish this? Sending begins at its time."), "send")
    def publish(self, campaigns: Sequence[Campaign]) -> Response:
        """Make them ready to be sent."""
        return self._each(campaigns, service.publish, _l("%(name)s was published."))

    @action("start", _l("Start"), _l("Let sending go on?"), "play")
    def start(self, campaigns: Sequence[Campaign]) -> Response:
        """Let stopped or failed ones go on."""
        return self._each(campaigns, service.start, _l("%(name)s goes on."))

    @action("stop", _l("Stop"), _l("Stop sending? Those who wait keep waiting."), "hand")
    def stop(self, campaigns: Sequence[Campaign]) -> Response:
        """Pause them."""
        return self._each(campaigns, service.stop, _l("%(name)s was stopped."))

    @action("unpublish", _l("Unpublish"), _l("Take this back? Those who wait are marked as not sent."), "undo-2")
    def unpublish(self, campaigns: Sequence[Campaign]) -> Response:
        """Pause them and mark everybody who waits."""
        return self._each(campaigns, service.unpublish, _l("%(name)s was unpublished."))

    @action("end", _l("End for ever"), _l("End it for ever? Those who wait will never get it."), "circle-stop")
    def end(self, campaigns: Sequence[Campaign]) -> Response:
        """End them."""
        return self._each(campaigns, service.end, _l("%(name)s was ended."))

    @action("duplicate", _l("Duplicate"), _l("Make a copy as a new draft?"), "copy")
    def duplicate(self, campaigns: Sequence[Campaign]) -> Response:
        """Copy them as new drafts."""
        return self._each(campaigns, service.duplicate, _l("%(name)s was duplicated."))

    @action("delete_chosen", _l("Delete"), _l("Delete this with its recipients and its report?"), "trash-2")
    def delete_chosen(self, campaigns: Sequence[Campaign]) -> Response:
        """Delete them."""
        self._each(
            campaigns, lambda campaign_id, _by: sending.delete_campaign(campaign_id), _l("%(name)s was deleted.")
        )
        return self.back_to_list()

    @action("send_test", _l("Test send to me"), icon="mail", multiple=False)
    def send_test(self, campaign: Campaign) -> Any:
        """Send the message as it stands to the person who asks and show what the server said."""
        campaign_id = campaign.id
        if campaign.channel is not Channel.EMAIL:
            return redirect(url_for("TextMessageView.test", pk=campaign_id))
        try:
            report = sending.send_test(campaign_id, current_user.email)
        except AppError as error:
            flash(words.of_error(error), "danger")
            return self._back([campaign_id])
        return self.render_template(
            "test_result.html",
            title=_("Test send"),
            report=report,
            is_sent=report.result.outcome is Outcome.ACCEPTED,
            back=url_for(f"{self.endpoint}.show", pk=campaign_id),
        )

    @action("run_on_folders", _l("Run on folders"), icon="folder-input", multiple=False)
    def run_on_folders(self, campaign: Campaign) -> Response:
        """Choose the folders on a page of its own."""
        return redirect(url_for(f"{self.endpoint}.run_form", pk=campaign.id))

    @action("remove_client", _l("Remove client"), icon="user-minus", multiple=False)
    def remove_client(self, campaign: Campaign) -> Response:
        """Choose the client on a page of its own."""
        return redirect(url_for(f"{self.endpoint}.remove_form", pk=campaign.id))

    @expose("/run/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("add_recipients")
    def run_form(self, pk: str) -> Any:
        """Add the people of more folders to the campaign."""
        campaign, form = self._item(pk), RunForm()
        form.count_at(url_for(f"{self.endpoint}.people_of_run", pk=pk))
        if form.validate_on_submit() and self._save(
            form, lambda: service.run_on_folders(campaign.id, form.folders.data, actor())
        ):
            flash(_("The people of these folders were added."), "success")
            return self._back([int(pk)])
        title = _("Run %(name)s on folders", name=campaign.name)
        return self._form_page(form, title, _("Submit"), pk, "campaign_run.html")

    @expose("/run/<pk>/people")
    @has_access
    @permission_name("add_recipients")
    def people_of_run(self, pk: str) -> str:
        """How many people the chosen folders hold, in words."""
        folder_ids = set(row_ids(request.args.getlist("folders")))
        if not folder_ids:
            return ""
        people = campaign_actions.people_words(audiences.in_folders(folder_ids))
        return _("In these folders: %(people)s.", people=people)

    @expose("/remove/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("remove_recipients")
    def remove_form(self, pk: str) -> Any:
        """Take clients out, by their exact addresses."""
        campaign, form = self._item(pk), RemoveClientForm()
        if form.validate_on_submit() and self._take_out(campaign.id, form):
            return self._back([int(pk)])
        title = _("Remove clients from %(name)s", name=campaign.name)
        return self._form_page(form, title, _("Remove"), pk, "campaign_remove.html")

    def _take_out(self, campaign_id: int, form: RemoveClientForm) -> bool:
        """Whether all were taken out; if not, the form keeps the lines that were not, each with what to do."""
        try:
            taken = unit_of_work(
                lambda: removals.remove_addressed(campaign_id, form.address.data or [], actor(), form.why.data or "")
            )
        except AppError as error:
            refuse(form, error, "address")
            return False
        if not taken.refused:
            flash(said_of_removal(taken), "success")
            return True
        form.said = said_of_removal(taken) if taken.removed or taken.already else ""
        form.address.data = list(taken.refused)
        form.address.errors = [f"{line}: {words.of_error(error)}" for line, error in taken.refused.items()]
        return False

    def _form_page(self, form: Any, title: str, submit: str, pk: str, template: str = "form_page.html") -> Any:
        back = url_for(f"{self.endpoint}.show", pk=pk)
        return self.render_template(template, form=form, title=title, submit=submit, back=back)

    def _each(self, campaigns: Sequence[Campaign], step: Callable[[int, str], Any], done: Any) -> Response:
        chosen = [(campaign.id, campaign.name) for campaign in campaigns]
        for campaign_id, name in chosen:
            self.attempt(partial(step, campaign_id, actor()), str(done) % {"name": name})
        return self._back([campaign_id for campaign_id, _name in chosen])

    def _back(self, campaign_ids: Sequence[int]) -> Response:
        if "cards" in request.values and len(campaign_ids) == 1:
            return redirect(cards_filter.address(request.values["cards"], campaign_ids[0]))
        if (request.view_args or {}).get("pk") and len(campaign_ids) == 1:
            return redirect(url_for(f"{self.endpoint}.show", pk=campaign_ids[0]))
        return self.back_to_list()
