"""/api/v1/campaign: writing campaigns, moving them through their life, and reading what became of them."""

from collections.abc import Callable
from typing import Any

from flask import abort, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import protect
from flask_babel import gettext as _
from werkzeug.exceptions import BadRequest

from app.campaigns import checks, custom_fields, service
from app.campaigns.models import SENDER_OF, Campaign
from app.channels.contract import TO_PHONES
from app.extensions import db
from app.kernel.db import db_now
from app.reports import launch, metrics, recipients
from app.sending import removals
from app.sending import service as sending
from app.sending.selection import RecipientFilter
from app.web import security
from app.web.api.accounts import TestBody, shown_report
from app.web.api.base import RestApi, number_asked, own_address
from app.web.api.bodies import MAX_ID, Body, read, sent_file
from app.web.api.campaign_bodies import (
    WORD_OF,
    CampaignBody,
    CampaignChange,
    CampaignRow,
    CampaignShown,
    DocumentShown,
    RecipientShown,
    ReportShown,
    RunBody,
)
from app.web.api.launch_bodies import LaunchCheckShown, launch_shown
from app.web.api.openapi import DONE, FILE, ONE, described, page_of, ref, result_of
from app.web.base import actor, may
from app.web.lists import AppInterface

MAX_LIMIT = 1000
SHOWN_BY_WORD = {word: shown for shown, word in WORD_OF.items()}
REASON = {
    "type": "object",
    "properties": {"state": {"type": "string"}, "reason": {"type": "string"}, "count": {"type": "integer"}},
}


class CampaignApi(RestApi):
    """Campaigns."""

    resource_name = "campaign"
    resource = "Campaign"
    openapi_spec_tag = "Campaigns"
    openapi_spec_component_schemas = (RunBody, ReportShown, RecipientShown, DocumentShown, LaunchCheckShown)
    datamodel = AppInterface(Campaign)
    method_permission_name = {
        **dict.fromkeys(("publish", "unpublish", "start", "stop", "end", "test"), "send"),
        **dict.fromkeys(("report", "reasons", "recipients", "launch_check"), "read"),
        **dict.fromkeys(("add_document", "remove_document"), "update"),
        "run": "add_recipients",
        "remove_recipient": "remove_recipients",
        "duplicate": "create",
    }
    own_names = {name: f"{name}_id" for name in SENDER_OF.values()} | {"folders": "folder_ids", "document": "file"}
    list_columns = list(CampaignRow().fields)
    show_columns = list(set(CampaignShown().fields) - {"folder_ids", "documents", "custom_fields"})
    search_columns = ["name", "description", "status", "group_id"]
    order_columns = ["id", "name", "status", "changed_at"]
    base_order = ("id", "desc")
    add_model_schema, edit_model_schema = CampaignBody(), CampaignChange()
    list_model_schema, show_model_schema = CampaignRow(), CampaignShown()

    def create(self, values: dict[str, Any]) -> Campaign:
        """A new draft."""
        folder_ids, custom = values.pop("folder_ids", ()), values.pop("custom_fields", {})
        return service.create(values, folder_ids, actor(), custom_fields.by_name(custom))

    def change(self, item: Campaign, values: dict[str, Any]) -> None:
        """The named values, refused when somebody else changed the campaign since that revision."""
        revision, folder_ids = values.pop("revision", None), values.pop("folder_ids", None)
        custom = custom_fields.by_name(values.pop("custom_fields", {}))
        with db.session.no_autoflush:
            for name, value in checks.known_values(values).items():
                setattr(item, name, value)
            if folder_ids is not None:
                item.folders = service.folders(folder_ids)
            custom_fields.write(item, custom)
            service.prepare_change(item, actor(), revision)

    def remove(self, item: Campaign) -> None:
        """Delete it with its recipients; one that is sending must be stopped first."""
        sending.delete_campaign(item.id)

    @expose("/<int:pk>/publish", methods=["POST"])
    @protect()
    @described("post", ONE)
    def publish(self, pk: int) -> Any:
        """Make it ready to be sent."""
        return self._moved(pk, service.publish)

    @expose("/<int:pk>/start", methods=["POST"])
    @protect()
    @described("post", ONE)
    def start(self, pk: int) -> Any:
        """Let a stopped or failed one go on."""
        return self._moved(pk, service.start)

    @expose("/<int:pk>/stop", methods=["POST"])
    @protect()
    @described("post", ONE)
    def stop(self, pk: int) -> Any:
        """Pause it; its people keep waiting."""
        return self._moved(pk, service.stop)

    @expose("/<int:pk>/unpublish", methods=["POST"])
    @protect()
    @described("post", ONE)
    def unpublish(self, pk: int) -> Any:
        """Pause it and mark everybody who waits."""
        return self._moved(pk, service.unpublish)

    @expose("/<int:pk>/end", methods=["POST"])
    @protect()
    @described("post", ONE)
    def end(self, pk: int) -> Any:
        """End it for ever."""
        return self._moved(pk, service.end)

    @expose("/<int:pk>/duplicate", methods=["POST"])
    @protect()
    @described("post", ONE, status=201)
    def duplicate(self, pk: int) -> Any:
        """Copy it as a new draft."""
        return self._moved(pk, service.duplicate, 201)

    @expose("/<int:pk>/run", methods=["POST"])
    @protect()
    @described("post", ONE, body=ref("RunBody"))
    def run(self, pk: int) -> Any:
        """Add the people of more folders; a finished campaign goes on with them."""
        folder_ids = read(RunBody())["folder_ids"]
        return self.shown(self.written(lambda: service.run_on_folders(self.item(pk).id, folder_ids, actor())))

    @expose("/<int:pk>/test", methods=["POST"])
    @protect()
    @described("post", result_of(ref("TestResult")), body=ref("TestBody"))
    def test(self, pk: int) -> Any:
        """Send the message as it stands to one address and tell what the server said."""
        campaign = self.item(pk)
        to = read(TestBody()).get("to") or ("" if campaign.channel in TO_PHONES else own_address())
        return self.response(200, result=shown_report(sending.send_test(campaign.id, to)))

    @expose("/<int:pk>/documents", methods=["POST"])
    @protect()
    @described("post", result_of(ref("DocumentShown")), body=FILE, body_type="multipart/form-data", status=201)
    def add_document(self, pk: int) -> Any:
        """Attach a file to its messages."""
        file = sent_file()
        data = file.stream.read(service.MAX_DOCUMENTS_BYTES + 1)
        document = self.written(
            lambda: service.attach(self.item(pk).id, file.filename or "", file.mimetype or "", data)
        )
        return self.response(201, id=document.id, result=DocumentShown().dump(document))

    @expose("/<int:pk>/documents/<int:document_id>", methods=["DELETE"])
    @protect()
    @described("delete", DONE)
    def remove_document(self, pk: int, document_id: int) -> Any:
        """Take a file off its messages."""

        def remove() -> None:
            if document_id not in [document.id for document in checks.current_documents(self.item(pk))]:
                abort(404)
            service.detach(document_id)

        self.written(remove)
        return self.response(200, message=_("The document was removed."))

    @expose("/<int:pk>/launch-check", methods=["GET"])
    @protect()
    @described("get", result_of(ref("LaunchCheckShown")))
    def launch_check(self, pk: int) -> Any:
        """What keeps it from starting, whom it reaches, what is missing, and when it will be done."""
        campaign, now = self.item(pk), db_now()
        found = launch.check(campaign, now)
        return self.response(200, result=launch_shown(found, now, may(security.READ, "Contact")))

    @expose("/<int:pk>/report", methods=["GET"])
    @protect()
    @described("get", result_of(ref("ReportShown")))
    def report(self, pk: int) -> Any:
        """How far it is, in numbers; cheap enough to be asked every second."""
        return self.response(200, result=ReportShown().dump(metrics.campaign_report(self.item(pk).id)))

    @expose("/<int:pk>/reasons", methods=["GET"])
    @protect()
    @described("get", result_of({"type": "array", "items": REASON}))
    def reasons(self, pk: int) -> Any:
        """Why recipients have no sent message, the most frequent reason first."""
        found = metrics.reasons(self.item(pk).id).rows
        return self.response(
            200, result=[{"state": state, "reason": reason, "count": number} for state, reason, number in found]
        )

    @expose("/<int:pk>/recipients", methods=["GET"])
    @protect()
    @described(
        "get",
        page_of(RecipientShown),
        query=[
            ("state", f"one of {', '.join(SHOWN_BY_WORD)}"),
            ("after", "only those after this number"),
            ("limit", f"how many at most, up to {MAX_LIMIT}"),
        ],
    )
    def recipients(self, pk: int) -> Any:
        """Its recipients in order, a portion at a time."""
        word, limit = request.args.get("state"), number_asked("limit", 100, MAX_LIMIT)
        if word is not None and word not in SHOWN_BY_WORD:
            raise BadRequest(_("%(name)s is one of %(values)s.", name="state", values=", ".join(SHOWN_BY_WORD)))
        after = number_asked("after", 0, MAX_ID)
        asked = RecipientFilter(shown=SHOWN_BY_WORD[word] if word else None)
        found = recipients.page(self.item(pk).id, asked, after, limit)
        result = RecipientShown().dump(found.rows, many=True)
        if not may(security.READ, "Contact"):
            for row in result:
                row["address"] = None
        last = found.rows[-1].seq if found.has_more and found.rows else None
        return self.response(200, result=result, next_after=last if last is not None else found.searched_to)

    @expose("/<int:pk>/recipients/<int:contact_id>", methods=["DELETE"])
    @protect()
    @described("delete", DONE)
    def remove_recipient(self, pk: int, contact_id: int) -> Any:
        """Take a person out of it for good, before the message has left."""
        if contact_id > MAX_ID:
            abort(404)
        self.written(lambda: removals.remove(self.item(pk).id, contact_id, actor()))
        return self.response(200, message=_("The client was removed from the campaign."))

    def _moved(self, pk: int, move: Callable[[int, str], Campaign], status: int = 200) -> Any:
        read(Body())
        return self.shown(self.written(lambda: move(self.item(pk).id, actor())), status)
