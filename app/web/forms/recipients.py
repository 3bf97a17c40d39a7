"""The forms about who is in a campaign: running it on folders, removing clients."""

from flask_babel import lazy_gettext as _l
from wtforms import StringField

from app.web.forms.fields import PanelForm, folder_rows, line, lines, row_choices


class RunForm(PanelForm):
    """Which folders a campaign is to be run on."""

    folders = row_choices(_l("Folders"), folder_rows, _l("People who already got the message do not get it again."))

    def count_at(self, address: str) -> None:
        """Let the page ask that address how many people are in the chosen folders, whenever others are chosen."""
        asked = {"hx-get": address, "hx-trigger": "change", "hx-target": "#people-of-run"}
        self.folders.render_kw = {**(self.folders.render_kw or {}), **asked}


def _why() -> StringField:
    return line(_l("Reason"), _l("For the removal log. May stay empty."), maxlength=255)


class RemoveOneForm(PanelForm):
    """Why somebody is taken out of a campaign who is known already."""

    why = _why()


class RemoveClientForm(PanelForm):
    """Whom to take out of a campaign, and why. said: what was done before the rest was asked about again."""

    said = ""
    address = lines(
        _l("E-mail addresses or phone numbers"), _l("The exact addresses of the clients, one in a line."), rows=3
    )
    why = _why()
