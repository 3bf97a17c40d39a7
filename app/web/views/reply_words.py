"""The words by which people opt out of text messages, and what is answered to them."""

from typing import Any

from flask import flash, redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.audience import reply_words
from app.audience.models import ReplyMeaning
from app.kernel.errors import InvalidInput
from app.web.base import AppView, refuse, unit_of_work
from app.web.forms.replies import ReplyWordsForm

TITLES = {
    ReplyMeaning.STOP: _l("Opting out"),
    ReplyMeaning.START: _l("Opting in again"),
    ReplyMeaning.HELP: _l("Asking for help"),
    ReplyMeaning.UNCLEAR: _l("Perhaps opting out"),
}
# The fields of each meaning.
PARTS = {
    ReplyMeaning.STOP: ("stop", "stop_answer"),
    ReplyMeaning.START: ("start", "start_answer"),
    ReplyMeaning.HELP: ("help", "help_answer"),
    ReplyMeaning.UNCLEAR: ("unclear",),
}


class ReplyWordsView(AppView):
    """For administrators."""

    route_base = "/opt-out-words"
    resource = "ReplyWords"
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("update")
    def index(self) -> Any:
        """The lists; what was changed holds from the next reply on."""
        form = ReplyWordsForm.of(reply_words.rules())
        if form.validate_on_submit() and _save(form):
            flash(_("The words were saved. They hold from the next reply on."), "success")
            return redirect(url_for(f"{self.endpoint}.index"))
        return self.render_template(
            "reply_words.html", title=_("Opt-out words"), form=form, parts=PARTS, titles=TITLES, says=_says()
        )


def _save(form: ReplyWordsForm) -> bool:
    try:
        unit_of_work(lambda: reply_words.save(form.rules()))
    except InvalidInput as error:
        refuse(form, error, "stop")
        return False
    return True


def _says() -> dict[ReplyMeaning, str]:
    return {
        ReplyMeaning.STOP: _(
            "A reply that is one of these words and nothing else puts its number on the suppression list at once."
        ),
        ReplyMeaning.START: _("Takes a number off the list again, if Stop has put it there."),
        ReplyMeaning.HELP: _("Gets the answer below. Without one it waits on the page of replies."),
        ReplyMeaning.UNCLEAR: _("Is shown to a person, who decides whether it is an opt-out."),
    }
