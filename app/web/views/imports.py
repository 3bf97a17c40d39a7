"""Imports of contacts: upload a CSV file, say which column is what, watch it run, get the bad rows back."""

from pathlib import Path
from typing import Any

from flask import Response as FlaskResponse
from flask import flash, redirect, request, stream_with_context, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.audience import import_service as service
from app.audience import service as audience
from app.audience.csv_format import ENCODINGS
from app.audience.fields import ContactField
from app.audience.models import ContactImport, ImportStatus
from app.kernel import clock
from app.kernel.db import reading
from app.kernel.errors import AppError, InvalidInput
from app.kernel.texts import N_
from app.web import formats, pace, security, words
from app.web.base import AppModelView, actor, may
from app.web.forms.fields import folder_rows
from app.web.forms.imports import OWN_FIELD, MappingForm, UploadForm, own_field
from app.web.lists import AppInterface

CHIPS = {
    ImportStatus.UPLOADED: "info",
    ImportStatus.QUEUED: "busy",
    ImportStatus.RUNNING: "busy is-live",
    ImportStatus.DONE: "ok",
    ImportStatus.FAILED: "bad",
    ImportStatus.CANCELLED: "idle",
}
DELIMITERS: dict[str, str] = {N_("comma"): ",", N_("semicolon"): ";", N_("tab"): "\t", N_("bar"): "|"}


def _open_link(import_id: int) -> str:
    return formats.link(url_for("ImportView.progress", pk=import_id), _("Open"))


def progress_of(upload: ContactImport) -> dict[str, Any]:
    """What the progress page shows and polls."""
    share = 100 if upload.status is ImportStatus.DONE else 100 * upload.bytes_done // max(upload.size_bytes, 1)
    return {
        "status": upload.status.value,
        "left": _left(upload),
        "is_over": upload.status in service.OVER,
        "percent": min(share, 100),
        "rows_done": upload.rows_done,
        "added": upload.added,
        "updated": upload.updated,
        "merged": upload.merged,
        "bad": upload.bad,
        "error": words.sentence(upload.error),
    }


def _left(upload: ContactImport) -> str:
    """The rate and the time left of a running import, once it is known."""
    if upload.status is not ImportStatus.RUNNING or upload.started_at is None:
        return ""
    share = upload.bytes_done / max(upload.size_bytes, 1)
    found = pace.of(upload.started_at, clock.utcnow(), upload.rows_done, share)
    return _("%(rate)s rows a second, about %(left)s left", rate=found.rate, left=found.left) if found else ""


class ImportView(AppModelView):
    """The uploads and what became of them."""

    route_base = "/imports"
    resource = "Import"
    datamodel = AppInterface(ContactImport)
    include_route_methods = {"list", "add", "show", "map_columns", "progress", "state", "cancel", "bad_rows", "read_as"}
    list_columns = ["file_name", "status", "rows_done", "added", "updated", "bad", "created_by", "created_at", "id"]
    form_fields = {"country": "default_country", "name": "new_folder"}
    search_columns = ["file_name", "status", "created_at"]
    order_columns = ["created_at", "file_name"]
    base_order = ("id", "desc")
    label_columns = {
        "file_name": _l("File"),
        "status": _l("Status"),
        "rows_done": _l("Rows"),
        "added": _l("Added"),
        "updated": _l("Updated"),
        "bad": _l("Bad rows"),
        "created_by": _l("Created by"),
        "created_at": _l("Created"),
        "id": _l("Result"),
    }
    formatters_columns: dict[str, Any] = {
        "id": _open_link,
        "created_at": formats.moment,
        "status": lambda status: formats.chip(formats.words(status), CHIPS[status]),
        **dict.fromkeys(("rows_done", "added", "updated", "bad"), formats.grouped),
    }
    show_columns = ["file_name", "status"]
    add_columns = edit_columns = ["file_name"]
    list_title = _l("Imports")

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Response:
        """The page of this import, whatever its state."""
        is_waiting = self._item(pk).status is ImportStatus.UPLOADED
        return redirect(url_for(f"{self.endpoint}.{'map_columns' if is_waiting else 'progress'}", pk=pk))

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """Upload a file; what is wrong with it is said beside the field."""
        form = UploadForm()
        if form.validate_on_submit():
            file = form.file.data
            saved: list[int] = []

            def store() -> None:
                saved.append(service.create(file.stream, file.filename or "", actor()).id)

            if self._save(form, store):
                return redirect(url_for(f"{self.endpoint}.map_columns", pk=saved[0]))
        back = url_for(f"{self.endpoint}.list")
        return self.render_template(
            "form_page.html", form=form, title=_("Import contacts"), submit=_("Upload"), back=back
        )

    @expose("/map/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("update")
    def map_columns(self, pk: str) -> Any:
        """Say which column is which field, then start."""
        upload = self._item(pk)
        if upload.status is not ImportStatus.UPLOADED:
            return redirect(url_for(f"{self.endpoint}.progress", pk=pk))
        form = MappingForm()
        if not may(security.CREATE, "Folder"):
            del form.new_folder
        elif request.method == "GET" and not folder_rows():
            form.new_folder.data = Path(upload.file_name).stem[: audience.FOLDER_NAME_LIMIT]
        mapping = self._chosen(upload) if request.method == "POST" else dict(upload.mapping)
        if form.validate_on_submit() and self._save(form, lambda: self._start(upload.id, form, mapping)):
            return redirect(url_for(f"{self.endpoint}.progress", pk=pk))
        try:
            head = service.head_of(upload)
        except AppError as error:
            flash(words.of_error(error), "danger")
            return self.back_to_list()
        return self.render_template(
            "import_map.html",
            title=_("Columns of %(name)s", name=upload.file_name),
            form=form,
            upload=upload,
            head=head,
            mapping=mapping,
            fields=[(field.value, formats.words(field)) for field in ContactField],
            own=OWN_FIELD,
            encodings=ENCODINGS,
            delimiters=DELIMITERS,
            own_field=own_field,
        )

    @expose("/read-as/<pk>", methods=["POST"])
    @has_access
    @permission_name("update")
    def read_as(self, pk: str) -> Response:
        """Read the file with another encoding or separator than was found out."""
        import_id, given = self._item(pk).id, request.form
        delimiter = DELIMITERS.get(given.get("delimiter", ""), "")
        self.attempt(lambda: service.read_as(import_id, given.get("encoding", ""), delimiter))
        return redirect(url_for(f"{self.endpoint}.map_columns", pk=pk))

    def _chosen(self, upload: ContactImport) -> dict[str, str]:
        given = {}
        for number, column in enumerate(upload.columns):
            target = request.form.get(f"column-{number}", "")
            given[column] = own_field(column) if target == OWN_FIELD else target
        return given

    def _start(self, import_id: int, form: MappingForm, mapping: dict[str, str]) -> None:
        folder_id = form.folder_id.data
        if form.new_folder and form.new_folder.data:
            if folder_id is not None:
                raise InvalidInput("Choose a folder or name a new one, not both.", "new_folder")
            folder_id = audience.create_folder(form.new_folder.data).id
        service.start(import_id, mapping, folder_id, form.default_country.data)

    @expose("/progress/<pk>")
    @has_access
    @permission_name("read")
    def progress(self, pk: str) -> Any:
        """How far it is, or what came of it."""
        return self._progress(pk, "import_progress.html")

    def _progress(self, pk: str, template: str) -> Any:
        upload = self._item(pk)
        numbers = (
            (_("Rows read"), upload.rows_done),
            (_("Contacts added"), upload.added),
            (_("Contacts updated"), upload.updated),
            (_("Contacts merged"), upload.merged),
            (_("Bad rows"), upload.bad),
        )
        return self.render_template(
            template,
            title=upload.file_name,
            upload=upload,
            state=progress_of(upload),
            status=formats.chip(formats.words(upload.status), CHIPS[upload.status]),
            numbers=numbers,
        )

    @expose("/state/<pk>")
    @has_access
    @permission_name("read")
    def state(self, pk: str) -> Any:
        """The part of the page that stays fresh."""
        return self._progress(pk, "_import_progress.html")

    @expose("/cancel/<pk>", methods=["POST"])
    @has_access
    @permission_name("update")
    def cancel(self, pk: str) -> Response:
        """Stop it; what is in stays in."""
        import_id = self._item(pk).id
        self.attempt(lambda: service.cancel(import_id), _("The import was cancelled. Contacts that were in stay in."))
        return redirect(url_for(f"{self.endpoint}.progress", pk=pk))

    @expose("/bad-rows/<pk>.csv")
    @has_access
    @permission_name("read")
    def bad_rows(self, pk: str) -> Any:
        """The bad rows as a file, to mend and upload again."""
        import_id = self._item(pk).id
        headers = {"Content-Disposition": f'attachment; filename="bad-rows-{import_id}.csv"'}

        def rows() -> Any:
            with reading():
                yield from service.bad_rows_csv(import_id, words.sentence)

        return FlaskResponse(stream_with_context(rows()), mimetype="text/csv", headers=headers)
