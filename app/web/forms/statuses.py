"""The form of an internal status: its name and its colour."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import select
from wtforms import StringField
from wtforms.widgets import html_params

from app.campaigns import statuses
from app.campaigns.models import InternalStatus
from app.extensions import db
from app.web.forms.fields import PanelForm, line

OTHER = ""  # the choice "a colour of my own"


class ColorField(StringField):
    """A colour: one of the suggested ones, or any other by the browser's own picker.

    taken: colours of other rows, by whom; they cannot be chosen.
    """

    taken: dict[str, str] = {}

    def process_formdata(self, valuelist: list[str]) -> None:
        """The browser sends the suggestion under a name of its own, and always the picker."""
        self.data = valuelist[0] if valuelist else ""

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        """A suggestion that was chosen counts before the picker."""
        super().process(formdata, *args, **kwargs)
        suggested = formdata.get(f"{self.name}-suggested") if formdata else None
        if suggested in statuses.SUGGESTED:
            self.data = suggested

    def __call__(self, **kwargs: Any) -> Markup:
        """The suggestions as coloured round buttons, and the picker behind them."""
        value = self.data if statuses.COLOR.fullmatch(self.data or "") else statuses.SUGGESTED[0]
        is_suggested = value in statuses.SUGGESTED
        swatches = [self._swatch(color, color == value) for color in statuses.SUGGESTED]
        own = html_params(type="radio", name=f"{self.name}-suggested", value=OTHER, checked=not is_suggested)
        picker = html_params(
            id=self.id,
            name=self.name,
            type="color",
            value=value,
            class_="form-control form-control-color",
            aria_label=_("Other colour"),
        )
        return Markup(
            '<div class="swatches" data-colors role="group" aria-label="{label}">{swatches}'
            '<label class="swatch-own"><input {own}>{words}</label>{picker}</div>'
        ).format(
            label=self.label.text,
            swatches=Markup("").join(swatches),
            own=Markup(own),
            words=_("other"),
            picker=Markup("<input {}>").format(Markup(picker)),
        )

    def _swatch(self, color: str, is_chosen: bool) -> Markup:
        user = self.taken.get(color)
        title = _("%(color)s, used by %(name)s", color=color, name=user) if user else color
        radio = html_params(
            type="radio", name=f"{self.name}-suggested", value=color, checked=is_chosen, disabled=bool(user)
        )
        return Markup(
            '<label class="swatch" title="{title}" data-color="{color}"><input {radio} aria-label="{title}"></label>'
        ).format(title=title, color=color, radio=Markup(radio))


class StatusForm(PanelForm):
    """Both are unique."""

    name = line(_l("Name"), maxlength=statuses.NAME_LIMIT)
    color = ColorField(_l("Colour"))

    def offer(self, status: InternalStatus | None) -> None:
        """Mark the colours of other internal statuses, and suggest a free one for a new one."""
        others = select(InternalStatus.color, InternalStatus.name)
        if status is not None:
            others = others.where(InternalStatus.id != status.id)
        self.color.taken = dict(db.session.execute(others).all())
        if not self.color.data:
            self.color.data = statuses.free_color()
