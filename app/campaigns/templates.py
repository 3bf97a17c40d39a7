"""Templates: messages to begin with, those of the team and those that come with Muster. Flushes, never commits."""

import itertools
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.audience.fields import clean_text
from app.campaigns.models import Campaign, MessageTemplate
from app.channels.contract import Channel
from app.channels.merge import Part, parse
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import What
from app.kernel.errors import Conflict, InvalidInput, NotFound
from app.kernel.texts import N_, Phrase

NAME_LIMIT, LINE_LIMIT = 150, 500
WRITTEN = ("name", "description", "channel", "subject", "html", "text")
COPIED = ("channel", "subject", "html", "text")


@dataclass(frozen=True, slots=True)
class Starter:
    """A template that comes with Muster: it cannot be changed, only begun with. text: "", made from the HTML."""

    key: str
    name: Phrase
    description: Phrase
    subject: str
    text: str = ""

    @property
    def html(self) -> str:
        """Its message."""
        return _starter_html(self.key)


STARTERS = (
    Starter(
        "announcement",
        N_("Announcement"),
        N_("One piece of news and a button."),
        '{{ first_name | default: "Hello" }}, we have news',
    ),
    Starter("newsletter", N_("Newsletter"), N_("A greeting and three short articles."), "Our news of this month"),
    Starter(
        "invitation",
        N_("Invitation"),
        N_("When, where, and a button to say yes."),
        '{{ first_name | default: "You" }}, you are invited',
    ),
    Starter(
        "letter",
        N_("Personal letter"),
        N_("Plain words without decoration, as one person writes to another."),
        'A question, {{ first_name | default: "in short" }}',
    ),
)


@cache
def _starter_html(key: str) -> str:
    return (Path(__file__).parent / "starters" / f"{key}.html").read_text(encoding="utf-8")


def starter(key: str) -> Starter:
    """The template of this key that comes with Muster. Raises NotFound."""
    for each in STARTERS:
        if each.key == key:
            return each
    raise NotFound("There is no such template. It may have been deleted.")


def get(template_id: int) -> MessageTemplate:
    """The template. Raises NotFound."""
    template = db.session.get(MessageTemplate, template_id)
    if template is None:
        raise NotFound("There is no such template. It may have been deleted.")
    return template


def in_order(channel: Channel = Channel.EMAIL) -> list[MessageTemplate]:
    """All templates of a channel by name."""
    of_channel = select(MessageTemplate).where(MessageTemplate.channel == channel)
    return list(db.session.scalars(of_channel.order_by(MessageTemplate.name)))


def create(values: dict[str, Any], by: str) -> MessageTemplate:
    """A new template from values named as in WRITTEN. Raises InvalidInput naming the field."""
    now = clock.utcnow()
    template = MessageTemplate(
        name="", description="", channel=Channel.EMAIL, subject="", html="", text="", created_by=by, created_at=now
    )
    _write(template, values, by)
    audit.note(What.TEMPLATE_CREATE, template.id, template.name, by)
    return template


def create_from(campaign: Campaign, name: str, description: str, by: str) -> MessageTemplate:
    """A new template that says what the campaign says now. Raises InvalidInput naming the field."""
    values = {field: getattr(campaign, field) for field in COPIED}
    return create(values | {"name": name, "description": description}, by)


def change(template_id: int, by: str, values: dict[str, Any]) -> MessageTemplate:
    """Write the values that are named; campaigns made from it stay as they are. Raises NotFound, InvalidInput."""
    template = get(template_id)
    old = {name: getattr(template, name) for name in WRITTEN}
    _write(template, values, by)
    if fields := audit.differing(old, template):
        audit.note(What.TEMPLATE_CHANGE, template.id, template.name, by, fields=fields)
    return template


def duplicate(template_id: int, by: str) -> MessageTemplate:
    """A copy under a name that is free."""
    original = get(template_id)
    values = {name: getattr(original, name) for name in (*COPIED, "description")}
    return create(values | {"name": _free_name(original.name)}, by)


def delete(template_id: int) -> None:
    """Delete it; campaigns made from it stay as they are. Raises NotFound."""
    template = get(template_id)
    audit.note(What.TEMPLATE_DELETE, template_id, template.name)
    db.session.delete(template)
    db.session.flush()


def _free_name(name: str) -> str:
    stem = name[: NAME_LIMIT - 20]
    names = itertools.chain([f"{stem} (copy)"], (f"{stem} (copy {number})" for number in itertools.count(2)))
    return next(free for free in names if not _holder(free))


def _holder(name: str) -> int | None:
    """The id of the template with this name, which differs neither in case nor, where the index says so, in accents."""
    with db.session.no_autoflush:
        return db.session.scalar(select(MessageTemplate.id).where(MessageTemplate.name == name))


def _write(template: MessageTemplate, values: dict[str, Any], by: str) -> None:
    own_id = template.id
    given = {name: getattr(template, name) if values.get(name) is None else values[name] for name in WRITTEN}
    clean = {name: _clean(name, given[name]) for name in WRITTEN}
    _check_name(clean["name"], own_id)
    try:
        with db.session.begin_nested():
            for name, value in clean.items():
                setattr(template, name, value)
            template.changed_by, template.changed_at = by, clock.utcnow()
            db.session.add(template)
    except IntegrityError as error:
        _check_name(clean["name"], own_id)  # it was free before, but the index has the last word
        raise Conflict("This template was changed by somebody else at this moment. Try again.") from error


def _clean(name: str, value: Any) -> Any:
    if name in set(Part) - {Part.SUBJECT}:
        parse(value, Part(name))
        if "\x00" in value:
            raise InvalidInput("There is a control character in this text. Remove it.", name)
        return value
    if name == "channel":
        return Channel(value)
    try:
        line = clean_text(NAME_LIMIT if name == "name" else LINE_LIMIT, value)
    except InvalidInput as error:
        raise error.about(name) from error
    if name == Part.SUBJECT:
        parse(line, Part.SUBJECT)
    return " ".join(line.split()) if name == Part.SUBJECT else line


def _check_name(name: str, own_id: int | None) -> None:
    if not name:
        raise InvalidInput("A template needs a name.", "name")
    holder = _holder(name)
    if holder is not None and holder != own_id:
        raise InvalidInput("There is a template with this name already.", "name")
