"""Campaigns: writing them, moving them through their life, and choosing whom they reach."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.actions import action
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.audience import queries as audience
from app.campaigns import service
from app.campaigns.lifecycle import EDITABLE, CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Outcome
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel.errors import AppError, InvalidInput
from app.sending import service as sending
from app.web import formats, security
from app.web.base import AppInterface, AppModelView, actor, may
from app.web.forms.campaigns import (
    EDIT_SECTIONS,
    SECTIONS,
    CampaignForm,
    EditCampaignForm,
    RemoveClientForm,
    RunForm,
)

SHOWN = [
    "id",
    "name",
    "description",
    "status",
    "status_detail",
    "waiting_for",
    "next_send_at",
    "smtp_account",
    "folders",
    "subject",
    "html",
    "text",
    "documents",
    "to_second_email",
    "track_opens",
    "track_clicks",
    "zone",
    "start_at",
    "valid_from",
    "valid_until",
    "daily_from",
    "daily_until",
    "working_days_only",
    "holidays_country",
    "delay_seconds",
    "customers_delay_seconds",
    "customers_batch_size",
    "created_by",
    "created_at",
    "changed_by",
    "changed_at",
    "started_at",
    "finished_at",
]


def _report_link(campaign_id: int) -> Markup:
    return formats.link(url_for("ReportView.report", campaign_id=campaign_id), "Report")


def _documents(rows: Any) -> str:
    return ", ".join(document.name for document in rows if not document.is_removed)


class CampaignView(AppModelView):
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
    form_fields = {"smtp_account": "smtp_account_id", "document": "documents"}
    add_form, edit_form = CampaignForm, EditCampaignForm
    add_fieldsets, edit_fieldsets = SECTIONS, EDIT_SECTIONS
    list_columns = ["name", "status", "waiting_for", "next_send_at", "smtp_account", "changed_at", "id"]
    show_columns = SHOWN
    search_columns = ["name", "description", "status"]
    order_columns = ["name", "status", "changed_at"]
    base_order = ("id", "desc")
    label_columns = {
        "id": "Report",
        "smtp_account": "SMTP account",
        "html": "Message (HTML)",
        "text": "Message (plain text)",
        "delay_seconds": "Delay between messages (seconds)",
        "customers_delay_seconds": "Customers delay (seconds)",
        "customers_batch_size": "Customers in a batch",
        "to_second_email": "Send to the second e-mail address",
        "track_opens": "Count opens",
        "track_clicks": "Count clicks",
        "holidays_country": "Public holidays of",
    }
    formatters_columns = {
        "id": _report_link,
        "status": formats.words,
        "folders": formats.names,
        "documents": _documents,
        "smtp_account": lambda account: account or "",
        **dict.fromkeys(("to_second_email", "track_opens", "track_clicks", "working_days_only"), formats.yes_no),
        **dict.fromkeys(
            ("next_send_at", "start_at", "valid_from", "valid_until", "created_at", "changed_at"), formats.moment
        ),
        **dict.fromkeys(("started_at", "finished_at"), formats.moment),
        **dict.fromkeys(("daily_from", "daily_until"), lambda value: value or ""),
    }
    list_title, show_title = "Campaigns", "Campaign"
    add_title, edit_title = "New e-mail campaign", "Edit campaign"
    add_row_message = "The campaign was saved as a draft. Publish it when it is ready."
    edit_row_message = "The campaign was saved."
    delete_row_message = "The campaign was deleted."

    def create(self, form: CampaignForm) -> Campaign:
        """A new draft with its folders and documents."""
        campaign = service.create(form.plain_values(), form.folders.data, actor())
        self._attach(campaign, form)
        return campaign

    def change(self, item: Campaign, form: EditCampaignForm) -> None:
        """The form's values, refused when somebody else changed the campaign since the form was opened."""
        if not (form.revision.data or "").isdigit():
            raise InvalidInput("This form is not complete. Open the campaign again.")
        with db.session.no_autoflush:
            for name, value in form.plain_values().items():
                setattr(item, name, value)
            item.folders = service.folders(form.folders.data)
            service.prepare_change(item, actor(), int(form.revision.data))
        db.session.flush()
        for document in item.documents:
            if document.id in form.removed_documents.data:
                service.detach(document.id)
        self._attach(item, form)

    def remove(self, item: Campaign) -> None:
        """Delete it with its recipients; one that is sending must be stopped first."""
        sending.delete_campaign(item.id)

    def _attach(self, campaign: Campaign, form: CampaignForm) -> None:
        for file in form.uploads():
            data = file.stream.read(service.MAX_DOCUMENTS_BYTES + 1)
            service.attach(campaign.id, file.filename, file.mimetype, data)

    def _add(self) -> Any:
        if db.session.scalar(select(SmtpAccount.id).limit(1)) is None:
            flash(_no_account(), "warning")
            return None
        return super()._add()

    def _edit(self, pk: Any) -> Any:
        campaign = self._item(pk)
        if campaign.status not in EDITABLE:
            advice = "Stop it first." if campaign.status is CampaignStatus.SENDING else "Duplicate it to send it again."
            flash(f"A campaign that is {campaign.status.value} cannot be edited. {advice}", "warning")
            return None
        return super()._edit(pk)

    def prefill_form(self, form: EditCampaignForm, pk: Any) -> None:
        """Ids, local times and documents of the stored campaign."""
        form.show(self._item(pk))

    def _get_edit_widget(self, form: Any, **kwargs: Any) -> Any:
        form.offer_documents(self._item((request.view_args or {}).get("pk")))
        return super()._get_edit_widget(form=form, **kwargs)

    @action("publish", "Publish", "Publish this? Sending begins at its time.", "fa-paper-plane")
    def publish(self, campaigns: list[Campaign]) -> Response:
        """Make them ready to be sent."""
        return self._each(campaigns, service.publish, "was published")

    @action("start", "Start", "Let sending go on?", "fa-play")
    def start(self, campaigns: list[Campaign]) -> Response:
        """Let stopped or failed ones go on."""
        return self._each(campaigns, service.start, "goes on")

    @action("stop", "Stop", "Stop sending? Those who wait keep waiting.", "fa-pause")
    def stop(self, campaigns: list[Campaign]) -> Response:
        """Pause them."""
        return self._each(campaigns, service.stop, "was stopped")

    @action("unpublish", "Unpublish", "Take this back? Those who wait are marked as not sent.", "fa-undo")
    def unpublish(self, campaigns: list[Campaign]) -> Response:
        """Pause them and mark everybody who waits."""
        return self._each(campaigns, service.unpublish, "was unpublished")

    @action("end", "End for ever", "End this for ever? Those who wait will never get the message.", "fa-stop")
    def end(self, campaigns: list[Campaign]) -> Response:
        """End them."""
        return self._each(campaigns, service.end, "was ended")

    @action("duplicate", "Duplicate", "Make a copy as a new draft?", "fa-copy")
    def duplicate(self, campaigns: list[Campaign]) -> Response:
        """Copy them as new drafts."""
        return self._each(campaigns, service.duplicate, "was duplicated")

    @action("delete_chosen", "Delete", "Delete this with its recipients and its report?", "fa-trash")
    def delete_chosen(self, campaigns: list[Campaign]) -> Response:
        """Delete them."""
        self._each(campaigns, lambda campaign_id, _by: sending.delete_campaign(campaign_id), "was deleted")
        return self.back_to_list()

    @action("send_test", "Test send to me", icon="fa-envelope", multiple=False)
    def send_test(self, campaigns: list[Campaign]) -> Any:
        """Send the message as it stands to the person who asks and show what the server said."""
        campaign_id = campaigns[0].id
        try:
            report = sending.send_test(campaign_id, current_user.email)
        except AppError as error:
            flash(str(error), "danger")
            return self._back([campaign_id])
        return self.render_template(
            "test_result.html",
            title="Test send",
            report=report,
            is_sent=report.result.outcome is Outcome.ACCEPTED,
            back=url_for(f"{self.endpoint}.show", pk=campaign_id),
        )

    @action("run_on_folders", "Run on folders", icon="fa-users", multiple=False)
    def run_on_folders(self, campaigns: list[Campaign]) -> Response:
        """Choose the folders on a page of its own."""
        return redirect(url_for(f"{self.endpoint}.run_form", pk=campaigns[0].id))

    @action("remove_client", "Remove client", icon="fa-user-times", multiple=False)
    def remove_client(self, campaigns: list[Campaign]) -> Response:
        """Choose the client on a page of its own."""
        return redirect(url_for(f"{self.endpoint}.remove_form", pk=campaigns[0].id))

    @expose("/run/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("add_recipients")
    def run_form(self, pk: str) -> Any:
        """Add the people of more folders to the campaign."""
        campaign, form = self._item(pk), RunForm()
        chosen = form.folders
        if form.validate_on_submit() and self.attempt(
            lambda: service.run_on_folders(campaign.id, chosen.data, actor()), "The people of these folders were added."
        ):
            return self._back([int(pk)])
        return self._form_page(form, f"Run {campaign.name} on folders", "Run", pk)

    @expose("/remove/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("remove_recipients")
    def remove_form(self, pk: str) -> Any:
        """Take one client out, by the exact address or by the number a report gives."""
        campaign, form = self._item(pk), RemoveClientForm()
        contact_id = request.form.get("contact_id", "")
        if form.validate_on_submit():
            step = self._removal(campaign.id, contact_id, form.address.data)
            is_done = self.attempt(step, "The client was removed from this campaign.")
            if contact_id:
                return redirect(url_for("ReportView.report", campaign_id=campaign.id))
            if is_done:
                return self._back([int(pk)])
        return self._form_page(form, f"Remove a client from {campaign.name}", "Remove", pk)

    def _removal(self, campaign_id: int, contact_id: str, address: str) -> Callable[[], None]:
        def remove() -> None:
            if contact_id.isdigit():
                return sending.remove_client(campaign_id, int(contact_id), actor())
            found = audience.find_by_address(address)
            if not found:
                raise InvalidInput("No contact has this address. Check it for typing errors.", "address")
            for contact in found:
                sending.remove_client(campaign_id, contact.id, actor())
            return None

        return remove

    def _form_page(self, form: Any, title: str, submit: str, pk: str) -> Any:
        back = url_for(f"{self.endpoint}.show", pk=pk)
        return self.render_template("form_page.html", form=form, title=title, submit=submit, back=back)

    def _each(self, campaigns: list[Campaign], step: Callable[[int, str], Any], done: str) -> Response:
        chosen = [(campaign.id, campaign.name) for campaign in campaigns]
        for campaign_id, name in chosen:
            self.attempt(partial(step, campaign_id, actor()), f"{name} {done}.")
        return self._back([campaign_id for campaign_id, _name in chosen])

    def _back(self, campaign_ids: list[int]) -> Response:
        if (request.view_args or {}).get("pk") and len(campaign_ids) == 1:
            return redirect(url_for(f"{self.endpoint}.show", pk=campaign_ids[0]))
        return self.back_to_list()


def _no_account() -> str:
    sentence = "An e-mail campaign needs an SMTP account, and there is none yet."
    if not may(security.CREATE, "SmtpAccount"):
        return f"{sentence} Ask an administrator to create one."
    return Markup('{} <a class="alert-link" href="{}">Create an SMTP account</a>.').format(
        sentence, url_for("SmtpAccountView.add")
    )
