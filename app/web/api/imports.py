"""/api/v1/import: upload a CSV file, say which column is what, start, poll, fetch the bad rows."""

from typing import Any

from flask import Response, stream_with_context
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import protect
from marshmallow import fields

from app.audience import import_service as service
from app.audience.models import ContactImport
from app.kernel.db import reading
from app.web.api.base import RestApi
from app.web.api.bodies import Body, Moment, Text, Texts, Whole, read, sent_file
from app.web.api.openapi import FILE, ONE, described, ref
from app.web.base import actor
from app.web.lists import AppInterface
from app.web.views.imports import progress_of


class ImportBody(Body):
    """How the file is read, where it was guessed wrongly."""

    encoding = Text()
    delimiter = Text()


class StartBody(Body):
    """mapping: column -> field of a contact ("email", "attributes.city"); without it the suggested one is used."""

    mapping = Texts()
    folder_id = Whole(allow_none=True)
    default_country = Text()


class ImportShown(Body):
    """What is shown of an import. mapping is the suggested one until it was started."""

    id = Whole()
    file_name = Text()
    size_bytes = fields.Integer()
    status = Text()
    is_over = fields.Function(lambda upload: progress_of(upload)["is_over"], dump_only=True)
    percent = fields.Function(lambda upload: progress_of(upload)["percent"], dump_only=True)
    error = Text()
    encoding = Text()
    delimiter = Text()
    columns = fields.List(Text())
    mapping = Texts()
    default_country = Text()
    folder_id = Whole()
    rows_done = Whole()
    added = Whole()
    updated = Whole()
    merged = Whole()
    bad = Whole()
    created_by = Text()
    created_at = Moment()
    started_at = Moment()
    finished_at = Moment()


class ImportApi(RestApi):
    """Imports of contacts."""

    resource_name = "import"
    resource = "Import"
    openapi_spec_tag = "Imports"
    openapi_spec_component_schemas = (StartBody,)
    exclude_route_methods = {"info", "delete"}
    datamodel = AppInterface(ContactImport)
    method_permission_name = {"start": "update", "cancel": "update", "errors": "read"}
    list_columns = show_columns = [name for name in ImportShown().fields if name not in ("is_over", "percent")]
    search_columns = ["file_name", "status"]
    order_columns = ["id", "created_at", "file_name"]
    base_order = ("id", "desc")
    add_model_schema = edit_model_schema = ImportBody()
    list_model_schema = show_model_schema = ImportShown()

    @expose("/", methods=["POST"])
    @protect()
    @described("post", ONE, body=FILE, body_type="multipart/form-data", status=201)
    def post(self) -> Any:
        """Upload a CSV file and get its columns and a suggested mapping."""
        file = sent_file()
        return self.shown(self.written(lambda: service.create(file.stream, file.filename or "", actor())), 201)

    def change(self, item: ContactImport, values: dict[str, Any]) -> None:
        """Read the file in another way; the mapping is suggested anew."""
        service.read_as(item.id, values.get("encoding", item.encoding), values.get("delimiter", item.delimiter))

    @expose("/<int:pk>/start", methods=["POST"])
    @protect()
    @described("post", ONE, body=ref("StartBody"))
    def start(self, pk: int) -> Any:
        """Start it with a mapping of its columns."""
        values = read(StartBody())

        def start() -> ContactImport:
            upload: ContactImport = self.item(pk)
            mapping = values.get("mapping", upload.mapping)
            return service.start(upload.id, mapping, values.get("folder_id"), values.get("default_country", ""))

        return self.shown(self.written(start))

    @expose("/<int:pk>/cancel", methods=["POST"])
    @protect()
    @described("post", ONE)
    def cancel(self, pk: int) -> Any:
        """Stop it; contacts that are in stay in."""
        read(Body())
        self.written(lambda: service.cancel(self.item(pk).id))
        return self.shown(self.item(pk))

    @expose("/<int:pk>/errors", methods=["GET"])
    @protect()
    @described("get", {"type": "string"}, answer_type="text/csv")
    def errors(self, pk: int) -> Any:
        """The bad rows as a CSV file: where, why, and the row as it came."""
        import_id = self.item(pk).id
        headers = {"Content-Disposition": f'attachment; filename="bad-rows-{import_id}.csv"'}

        def rows() -> Any:
            with reading():
                yield from service.bad_rows_csv(import_id)

        return Response(stream_with_context(rows()), mimetype="text/csv", headers=headers)
