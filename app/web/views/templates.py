"""Templates: messages to begin with, their previews, and keeping a campaign's message as one."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.actions import action
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.campaigns import content, service, templates
from app.campaigns.models import MessageTemplate
from app.kernel.errors import AppError, NotFound
from app.sending import preview
from app.web import formats, frames, words
from app.web.asked import row_id
from app.web.base import AppModelView, actor, refuse, unit_of_work
from app.web.forms.editor import SaveAsTemplateForm, TemplateForm
from app.web.lists import AppInterface
from app.web.views.editor import message_page


class TemplateView(AppModelView):
    """The templates of the team."""

    route_base = "/templates"
    resource = "MessageTemplate"
    datamodel = AppInterface(MessageTemplate)
    method_permission_name = {"duplicate": "create"}
    add_form = edit_form = TemplateForm
    add_columns = edit_columns = ["name", "description", "subject", "html", "text"]
    has_short_form = False
    list_columns = ["name", "description", "subject", "changed_by", "changed_at"]
    show_columns = ["name", "description", "subject", "created_by", "created_at", "changed_by", "changed_at"]
    search_columns = ["name", "description", "subject", "created_by"]
    order_columns = ["name", "changed_at"]
    base_order = ("name", "asc")
    label_columns = {
        "name": _l("Name"),
        "description": _l("Description"),
        "subject": _l("Subject"),
        "created_by": _l("Created by"),
        "created_at": _l("Created"),
        "changed_by": _l("Changed by"),
        "changed_at": _l("Changed"),
    }
    formatters_columns = {"created_at": formats.moment, "changed_at": formats.ago}
    list_title, show_title = _l("Templates"), _l("Template")
    add_title, edit_title = _l("New template"), _l("Edit template")
    show_template = "template_show.html"
    empty_words = _l("Messages to begin a campaign with. Four come with Muster; keep your own here.")
    add_row_message = edit_row_message = _l("The template was saved.")
    delete_row_message = _l("The template was deleted.")
    delete_words = _l("Campaigns that were made from it stay as they are.")

    def create(self, form: TemplateForm) -> MessageTemplate:
        """A new one."""
        return templates.create(form.values(*self.add_columns), actor())

    def change(self, item: MessageTemplate, form: TemplateForm) -> None:
        """Other words."""
        templates.change(item.id, actor(), form.values(*self.edit_columns))

    def remove(self, item: MessageTemplate) -> None:
        """Delete it."""
        templates.delete(item.id)

    @action("duplicate", _l("Duplicate"), _l("Make a copy?"), "copy")
    def duplicate(self, chosen: Any) -> Response:
        """Copy them, or the one whose page is open."""
        for template in chosen if isinstance(chosen, Sequence) else [chosen]:
            done = _("%(name)s was duplicated.", name=template.name)
            self.attempt(partial(templates.duplicate, template.id, actor()), done)
        return self.back_to_list()

    @expose("/gallery")
    @has_access
    @permission_name("read")
    def gallery(self) -> Any:
        """What a message can begin with, for the dialog of the editor."""
        return self.render_template(
            "_template_gallery.html", templates=templates.in_order(), starters=templates.STARTERS, words=words
        )

    @expose("/words/<key>")
    @has_access
    @permission_name("read")
    def words(self, key: str) -> Any:
        """What a template says, by its id or by the key of one that comes with Muster."""
        try:
            found = _found(key)
        except NotFound as error:
            return {"message": words.of_error(error)}, 404
        return {"subject": found.subject, "html": found.html, "text": found.text}

    @expose("/preview/<key>")
    @has_access
    @permission_name("read")
    def preview(self, key: str) -> Response:
        """Its message for a frame, as nobody yet would get it."""
        try:
            made = preview.of_words(content.words_of(_found(key)), None)
        except AppError as error:
            return frames.framed(str(Markup("<p>{}</p>").format(words.of_error(error))))
        return frames.framed(message_page(made, is_dark="dark" in request.args))

    @expose("/from/<int:pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("create")
    def keep(self, pk: int) -> Any:
        """Keep the message of a campaign as a template."""
        campaign, form = service.get(pk), SaveAsTemplateForm()
        back = url_for("CampaignView.show", pk=pk)
        if form.validate_on_submit():
            name, description = form.name.data, form.description.data
            try:
                unit_of_work(lambda: templates.create_from(campaign, name, description, actor()))
            except AppError as error:
                refuse(form, error, "name")
            else:
                self.attempt(lambda: None, _("The message was kept as the template %(name)s.", name=name))
                return redirect(back)
        elif request.method == "GET":
            form.name.data = campaign.name
        return self.render_template(
            "form_page.html", form=form, title=_("Save as template"), submit=_("Save"), back=back
        )


def _found(key: str) -> Any:
    template_id = row_id(key)
    return templates.starter(key) if template_id is None else templates.get(template_id)
