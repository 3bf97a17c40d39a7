"""What the editor of a message asks while somebody writes: plain text, what is not sent, a preview; and pictures."""

from typing import Any

from flask import current_app, jsonify, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.audience import service as audience
from app.audience.models import Contact
from app.campaigns import images
from app.channels.email_html import ready
from app.channels.merge import Part
from app.channels.plain_text import from_html
from app.kernel.errors import AppError
from app.sending import preview
from app.web import frames, launch, security, words
from app.web.asked import row_id
from app.web.base import AppView, actor, may, unit_of_work


class EditorView(AppView):
    """Answers for app/web/front/pages/editor.js; nothing of the message is kept here."""

    route_base = "/editor"
    resource = "Campaign"
    default_view = "look"

    @expose("/look", methods=["POST"])
    @has_access
    @permission_name("read")
    def look(self) -> Any:
        """The plain text made from the message, and what is written in it and not sent; or why it cannot be read."""
        html = request.form.get("html", "")
        try:
            made = ready(html)
            told = {"text": from_html(made.html), "taken": [str(each) for each in made.taken], "problem": ""}
            if "subject" in request.form and made.html.strip():
                told["subject"] = preview.marked(preview.of_words(_written(), _chosen()).subject, _name)
            return jsonify(told)
        except AppError as error:
            return jsonify(text="", taken=[], problem=words.of_error(error))

    @expose("/preview", methods=["POST"])
    @has_access
    @permission_name("read")
    def preview(self) -> Response:
        """What is written now as somebody would get it, for a frame: the subject above the message."""
        try:
            made = preview.of_words(_written(), _chosen())
        except AppError as error:
            return frames.framed(str(Markup("<p>{}</p>").format(words.of_error(error))))
        return frames.framed(message_page(made, is_dark="dark" in request.form))

    @expose("/image", methods=["POST"])
    @has_access
    @permission_name("update")
    def image(self) -> Any:
        """Take in a picture and say where it is shown."""
        file = request.files.get("image")
        data = file.stream.read(images.MAX_BYTES + 1) if file is not None else b""
        try:
            path = unit_of_work(lambda: images.path_of(images.keep(data, actor())))
        except AppError as error:
            return jsonify(message=words.of_error(error)), error.status
        return jsonify(url=current_app.config["PUBLIC_URL"].rstrip("/") + path)


def message_page(made: preview.Preview, *, is_dark: bool) -> str:
    """The message of a preview as the page of a frame, with missing fields marked."""
    html = made.html or str(Markup("<pre style='white-space:pre-wrap'>{}</pre>").format(made.text))
    html = frames.marked(html, lambda field: str(Markup("<mark>[{}]</mark>").format(launch.field_name(field))))
    return frames.darkened(html) if is_dark else html


def _name(field: str) -> str:
    return f"[{launch.field_name(field)}]"


def _written() -> dict[Part, str]:
    written = {part: request.form.get(part.value, "") for part in Part}
    return written | {Part.SUBJECT: " ".join(written[Part.SUBJECT].split())}


def _chosen() -> Contact | None:
    given = row_id(request.form.get("contact", ""))
    if given is None or not may(security.READ, "Contact"):
        return None
    return audience.get_contact(given)
