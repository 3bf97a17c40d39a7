"""The files that are attached to campaigns, all in one list, and the place to attach more."""

from io import BytesIO
from typing import Any

from flask import flash, g, request, send_file, url_for
from flask_appbuilder import expose
from flask_appbuilder.models.sqla.filters import FilterEqual
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.campaigns import service
from app.campaigns.models import Campaign, CampaignDocument
from app.extensions import db
from app.kernel.errors import NotFound
from app.web import formats, security
from app.web.asked import row_id
from app.web.base import AppModelView, may
from app.web.forms import documents
from app.web.lists import AppInterface


def _campaign(campaign_id: int) -> Markup:
    if "campaigns_of_documents" not in g:
        with_one = select(CampaignDocument.campaign_id).where(CampaignDocument.is_removed.is_(False))
        rows = db.session.execute(select(Campaign.id, Campaign.name).where(Campaign.id.in_(with_one)))
        g.campaigns_of_documents = {row.id: row.name for row in rows}
    return formats.link(url_for("CampaignView.show", pk=campaign_id), g.campaigns_of_documents.get(campaign_id, ""))


def _download(document_id: int) -> Markup:
    address = url_for("DocumentView.file", document_id=document_id)
    return Markup('<a href="{}" download>{}</a>').format(address, _("Download"))


class DocumentView(AppModelView):
    """Lists them and attaches files; they are taken off in their campaign."""

    route_base = "/documents"
    resource = "Campaign"
    datamodel = AppInterface(CampaignDocument)
    include_route_methods = {"list", "file", "attach"}
    list_template = "document_list.html"
    # a list shows a button to those who hold its permission: no row is changed here
    method_permission_name = dict.fromkeys(("add", "edit", "delete", "show"), "nothing")
    base_filters = [["is_removed", FilterEqual, False]]
    list_columns = ["name", "campaign_id", "media_type", "size_bytes", "created_at", "id"]
    search_columns = ["name", "media_type", "created_at"]
    order_columns = ["name", "media_type", "size_bytes", "created_at"]
    base_order = ("id", "desc")
    label_columns = {
        "id": _l("Download"),
        "name": _l("Document"),
        "campaign_id": _l("Campaign"),
        "media_type": _l("Type"),
        "size_bytes": _l("Size"),
        "created_at": _l("Attached"),
    }
    formatters_columns = {
        "id": _download,
        "campaign_id": _campaign,
        "size_bytes": formats.size_words,
        "created_at": formats.moment,
    }
    list_title = _l("Documents")
    empty_words = _l("Files that are attached to campaigns stand here.")

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """The list, below what attaches files for those who may."""
        rows = documents.campaign_rows() if may(security.UPDATE, self.resource) else []
        return self.render_template(
            self.list_template,
            title=self.list_title,
            widgets=self._list(),
            campaigns=rows,
            is_cut=len(rows) > documents.MOST_CAMPAIGNS,
            zone=documents.drop_zone("attach-files", "documents", None, "attach-hint", "attach-campaign"),
        )

    @expose("/attach", methods=["POST"])
    @has_access
    @permission_name("update")
    def attach(self) -> Response:
        """Attach the files of a form that no script has sent, all of them or none."""
        campaign_id = row_id(request.form.get("campaign_id", "")) or 0
        files = [file for file in request.files.getlist("documents") if file.filename]

        def attach() -> None:
            for file in files:
                data = file.stream.read(service.MAX_DOCUMENTS_BYTES + 1)
                service.attach(campaign_id, file.filename or "", file.mimetype, data)

        if not campaign_id or not files:
            flash(_("Choose a campaign and at least one file."), "warning")
        else:
            said = ngettext("%(n)s file was attached.", "%(n)s files were attached.", len(files), n=len(files))
            self.attempt(attach, said)
        return self.back_to_list()

    @expose("/<int:document_id>/file")
    @has_access
    @permission_name("read")
    def file(self, document_id: int) -> Response:
        """The file. Always a download: it may hold anything."""
        found = db.session.get(CampaignDocument, document_id) if document_id < 2**31 else None
        if found is None or found.is_removed:
            raise NotFound("There is no such document. It may have been removed.")
        answer = send_file(BytesIO(found.data), found.media_type, as_attachment=True, download_name=found.name)
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer
