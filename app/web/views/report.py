"""The report of a campaign: live counts, why it waits, what failed, its recipients, and the file of them."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.audience import replies
from app.campaigns import removal_log
from app.campaigns import service as campaigns
from app.campaigns.lifecycle import OVER, CampaignStatus
from app.campaigns.models import Campaign
from app.channels.contract import Reason
from app.kernel import clock, headway
from app.kernel.errors import AppError, NotAllowed, NotFound
from app.reports import metrics, receipts, recipients, story
from app.reports.metrics import CampaignReport
from app.reports.recipients import RecipientRow
from app.sending import label_runs, labels, progress, recipient_runs, removals, retries
from app.sending.selection import NO_LABEL, RecipientFilter
from app.sending.states import RETRIABLE, SHOWN_AS, RecipientState, Shown
from app.web import formats, pace, security, stand_ins, words
from app.web.asked import MAX_NUMBER, one_of, row_id, row_ids
from app.web.base import AppView, actor, may, refuse, unit_of_work
from app.web.forms.recipients import RemoveOneForm
from app.web.views import report_charts, report_export, report_filter
from app.web.views.replies import IN_A_PAGE, ReplyView, looks
from app.web.views.report_filter import FACTS, SIZES, Asked

CHIPS = {
    Shown.AWAITING: "info",
    Shown.PROCESSING: "busy",
    Shown.SENT: "ok",
    Shown.FAILED: "bad",
    Shown.UNCONFIRMED: "hold",
    Shown.SKIPPED: "idle",
}
REMOVABLE = (Shown.AWAITING, Shown.FAILED, Shown.SKIPPED)


class ReportView(AppView):
    """Reads, and lets people put internal statuses on recipients."""

    route_base = "/reports"
    resource = "Campaign"
    default_view = "report"

    @expose("/campaign/<int:campaign_id>")
    @has_access
    @permission_name("read")
    def report(self, campaign_id: int) -> Any:
        """The page; its counts refresh by themselves."""
        campaign = _campaign(campaign_id)
        asked = _asked(campaign)
        if asked.before is not None:
            found = recipients.before(campaign_id, asked.filter, asked.before, asked.size)
        else:
            found = recipients.page(campaign_id, asked.filter, asked.after, asked.size)
        return self.render_template(
            "report.html",
            title=_("Report of %(name)s", name=campaign.name),
            campaign=campaign,
            found=found,
            sizes=SIZES,
            **_runs(campaign_id),
            complaints=receipts.complaints(campaign_id),
            removed=removal_log.number(campaign_id) if may(security.REMOVE_RECIPIENTS, self.resource) else 0,
            replied=replies.number_of_campaign(campaign_id) if may(security.READ, ReplyView.resource) else 0,
            matching=_matching(asked, metrics.campaign_report(campaign_id)),
            **(self._counts(campaign_id, asked) | self._of_rows()),
        )

    @expose("/campaign/<int:campaign_id>/counts")
    @has_access
    @permission_name("read")
    def counts(self, campaign_id: int) -> Any:
        """The part of the page that stays fresh."""
        asked = report_filter.read(request.args, _campaign(campaign_id).zone)
        return self.render_template("_report_counts.html", **self._counts(campaign_id, asked))

    @expose("/campaign/<int:campaign_id>/rows")
    @has_access
    @permission_name("read")
    def rows(self, campaign_id: int) -> Any:
        """The recipients that the page shows, as they are now: none comes or goes while somebody reads."""
        campaign = _campaign(campaign_id)
        seqs = row_ids(request.args.get("seqs", "").split(","))
        found = recipients.some(campaign_id, seqs[: max(SIZES)])
        return self.render_template(
            "_recipient_rows.html",
            rows=found,
            campaign_id=campaign_id,
            is_over=campaign.status in OVER,
            **self._of_rows(),
        )

    @expose("/campaign/<int:campaign_id>/reasons")
    @has_access
    @permission_name("read")
    def reasons(self, campaign_id: int) -> Any:
        """The part of the page that goes through all recipients and is asked for after it is shown."""
        campaign, found = _campaign(campaign_id), metrics.reasons(campaign_id)
        may_retry = retries.may_retry(campaign) and may(security.SEND, self.resource)
        return self.render_template(
            "_report_reasons.html",
            found=found,
            campaign=campaign,
            retriable=RETRIABLE if may_retry else (),
            failed=RecipientState.FAILED,
            shown_as=SHOWN_AS,
            chips=CHIPS,
            words=words,
        )

    @expose("/campaign/<int:campaign_id>/retry", methods=["POST"])
    @has_access
    @permission_name("send")
    def retry(self, campaign_id: int) -> Response:
        """Let everybody who failed for a reason be tried again."""
        reason = one_of(Reason, request.form.get("reason", ""))
        if reason is None:
            raise NotFound("There is no such reason. Choose one from the list.")
        _campaign(campaign_id)
        try:
            unit_of_work(lambda: retries.start(campaign_id, reason, actor()))
        except AppError as error:
            flash(words.of_error(error), "danger")
        return redirect(url_for(f"{self.endpoint}.report", campaign_id=campaign_id))

    @expose("/campaign/<int:campaign_id>/running")
    @has_access
    @permission_name("read")
    def running(self, campaign_id: int) -> Any:
        """How far what somebody wished for many recipients has come."""
        shown = _runs(_campaign(campaign_id).id)
        labels = recipients.labels()
        return self.render_template(
            "_recipient_runs.html", **shown, labels=labels, campaign_id=campaign_id, words=words
        )

    @expose("/campaign/<int:campaign_id>/replies")
    @has_access
    @permission_name("read")
    def replies(self, campaign_id: int) -> Any:
        """The last replies, for those who may read them; asked for after the page is shown."""
        if not may(security.READ, ReplyView.resource):
            raise NotAllowed("Only who may read contacts can read replies.")
        found = replies.of_campaign(_campaign(campaign_id).id, IN_A_PAGE)
        return self.render_template("_report_replies.html", replies=found, campaign_id=campaign_id, **looks())

    @expose("/campaign/<int:campaign_id>/charts")
    @has_access
    @permission_name("read")
    def charts(self, campaign_id: int) -> Any:
        """The charts with their tables; asked for when somebody opens them."""
        return self.render_template("_report_charts.html", campaign_id=campaign_id, **report_charts.drawn(campaign_id))

    @expose("/campaign/<int:campaign_id>/recipient/<int:seq>")
    @has_access
    @permission_name("read")
    def recipient(self, campaign_id: int, seq: int) -> Any:
        """Everything that is known of one recipient: why they got the message, or why not."""
        campaign = _campaign(campaign_id)
        row = _row(campaign_id, seq)
        return self.render_template(
            "recipient.html",
            title=row.name or _("deleted contact"),
            campaign=campaign,
            row=row,
            story=story.story(campaign_id, seq),
            receipts=receipts.of_recipient(campaign_id, seq),
            may_see_missions=may(security.READ, "Mission"),
            replies=replies.of_recipient(campaign_id, seq) if may(security.READ, ReplyView.resource) else (),
            **(self._of_rows() | looks()),
        )

    @expose("/campaign/<int:campaign_id>/recipient/<int:seq>/remove", methods=["GET", "POST"])
    @has_access
    @permission_name("remove_recipients")
    def remove(self, campaign_id: int, seq: int) -> Any:
        """Take one recipient out, with the reason."""
        row, form = _row(_campaign(campaign_id).id, seq), RemoveOneForm()
        back = url_for(f"{self.endpoint}.report", campaign_id=campaign_id)
        if form.validate_on_submit():
            try:
                unit_of_work(lambda: removals.remove(campaign_id, row.contact_id, actor(), form.why.data or ""))
            except AppError as error:
                refuse(form, error)
            else:
                flash(_("The client was removed from this campaign."), "success")
                return redirect(back)
        title = _("Take %(name)s out of this campaign?", name=row.name or f"#{seq}")
        hint = _("They will not get its message.")
        return self.render_template(
            "form_page.html", form=form, title=title, hint=hint, submit=_("Remove"), is_danger=True, back=back
        )

    @expose("/campaign/<int:campaign_id>/recipient/<int:seq>/label", methods=["POST"])
    @has_access
    @permission_name("update")
    def label(self, campaign_id: int, seq: int) -> Any:
        """Put an internal status on one recipient, or take it off; answers with the row as it is now."""
        _campaign(campaign_id)
        chosen = _chosen_label()
        unit_of_work(lambda: labels.put(campaign_id, [seq], chosen))
        return self.render_template(
            "_recipient.html", row=_row(campaign_id, seq), campaign_id=campaign_id, **self._of_rows()
        )

    @expose("/campaign/<int:campaign_id>/label", methods=["POST"])
    @has_access
    @permission_name("update")
    def label_chosen(self, campaign_id: int) -> Response:
        """Put an internal status on the chosen recipients or on everybody who matches the filter, or take it off."""
        asked, chosen = _asked(_campaign(campaign_id)), _chosen_label()
        place = asked.link(after=asked.after or None, before=asked.before)
        back = redirect(url_for(f"{self.endpoint}.report", campaign_id=campaign_id, **place))
        if "all" in request.form and not asked.filter.is_of_few:
            unit_of_work(lambda: label_runs.start(campaign_id, asked.filter, chosen, actor()))
            return back
        seqs = row_ids(request.form.getlist("rowid")[:100])
        if "all" in request.form:
            seqs = recipients.seqs_of_few(campaign_id, asked.filter)
        number = unit_of_work(lambda: labels.put(campaign_id, seqs, chosen))
        flash(
            ngettext("%(n)s recipient was marked.", "%(n)s recipients were marked.", number, n=formats.grouped(number)),
            "success",
        )
        return back

    @expose("/campaign/<int:campaign_id>/recipients.csv")
    @has_access
    @permission_name("read")
    def export(self, campaign_id: int) -> Any:
        """The recipients that the filter shows, as lines of text."""
        campaign = _campaign(campaign_id)
        return report_export.answer(campaign, _asked(campaign), "csv")

    @expose("/campaign/<int:campaign_id>/recipients.xlsx")
    @has_access
    @permission_name("read")
    def export_xlsx(self, campaign_id: int) -> Any:
        """The recipients that the filter shows, as an Excel workbook."""
        campaign = _campaign(campaign_id)
        return report_export.answer(campaign, _asked(campaign), "xlsx")

    @expose("/campaign/<int:campaign_id>/export/<any(csv, xlsx):kind>")
    @has_access
    @permission_name("read")
    def export_begin(self, campaign_id: int, kind: str) -> Any:
        """The part of the page that asks for the file and shows how far it is."""
        asked = report_filter.read(request.args, _campaign(campaign_id).zone)
        token = report_export.begin(campaign_id)
        way = {"csv": "export", "xlsx": "export_xlsx"}[kind]
        link = url_for(f"{self.endpoint}.{way}", campaign_id=campaign_id, follow=token, **asked.link(size=None))
        return self.render_template("_export.html", link=link, **report_export.state(campaign_id, token))

    @expose("/campaign/<int:campaign_id>/export/<token>")
    @has_access
    @permission_name("read")
    def export_state(self, campaign_id: int, token: str) -> Any:
        """How far the file is."""
        return self.render_template("_export.html", link="", **report_export.state(campaign_id, token))

    def _counts(self, campaign_id: int, asked: Asked) -> dict[str, Any]:
        report = metrics.campaign_report(campaign_id)
        facts = {"opened": report.opened, "clicked": report.clicked, "unsubscribed": report.unsubscribed}
        return {
            "campaign_id": campaign_id,
            "report": report,
            "asked": asked,
            "is_over": report.status in OVER,
            "is_sending": report.status is CampaignStatus.SENDING,
            "status": formats.campaign_status(report.status),
            "shown_chips": CHIPS,
            "facts": facts,
            "sent": report.counts[Shown.SENT],
            "detour": stand_ins.of_detour(report.detour),
            "explained": metrics.explained(report),
            "words": words,
            **_settling(campaign_id, report.is_settling),
        }

    def _of_rows(self) -> dict[str, Any]:
        return {
            "labels": recipients.labels(),
            "chips": CHIPS,
            "facts_at": FACTS,
            "may_see_addresses": may(security.READ, "Contact"),
            "may_label": may(security.UPDATE, self.resource),
            "may_remove": may(security.REMOVE_RECIPIENTS, self.resource),
            "removable": REMOVABLE,
            "words": words,
        }


def _campaign(campaign_id: int) -> Campaign:
    if campaign_id > MAX_NUMBER:
        raise NotFound("There is no such campaign. It may have been deleted.")
    return campaigns.get(campaign_id)


def _runs(campaign_id: int) -> dict[str, Any]:
    """What is on its way over the recipients, each with its pace."""
    runs, now = recipient_runs.recent(campaign_id), clock.utcnow()
    paces = {run.id: pace.of(run.created_at, now, run.reached, run.reached / max(run.last_seq, 1)) for run in runs}
    return {"runs": runs, "paces": paces}


def _settling(campaign_id: int, is_settling: bool) -> dict[str, Any]:
    """How far the rows of the campaign have followed its last move, and how fast; None where nobody has told."""
    told = headway.of(progress.SETTLING % campaign_id) if is_settling else None
    return {"settling": told, "settling_pace": pace.of_headway(told)}


def _asked(campaign: Campaign) -> Asked:
    return report_filter.find(report_filter.read(request.args, campaign.zone), may(security.READ, "Contact"))


def _row(campaign_id: int, seq: int) -> RecipientRow:
    row = recipients.one(campaign_id, seq) if seq <= MAX_NUMBER else None
    if row is None:
        raise NotFound("There is no such recipient. The campaign may have been deleted.")
    return row


def _chosen_label() -> int | None:
    value = row_id(request.form.get("label", ""))
    if value is None:
        raise NotFound("There is no such internal status. It may have been deleted.")
    return value if value != NO_LABEL else None


def _matching(asked: Asked, report: CampaignReport) -> int | None:
    """How many recipients match, where the counters know it."""
    if asked.filter.is_empty:
        return report.total
    shown = asked.filter.shown
    return report.counts[shown] if shown and asked.filter == RecipientFilter(shown=shown) else None
