"""Fields of our own on campaigns: defined by an administrator, filled in by whoever writes a campaign.

A value is kept as text: a number as it is written ("12.50"), a date as 2026-05-04, a flag as "yes". Flushes, never
commits.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.audience.fields import clean_text
from app.campaigns.lifecycle import CampaignStatus
from app.campaigns.models import Campaign, CustomField, CustomKind, CustomValue
from app.extensions import db
from app.kernel import audit, clock
from app.kernel.audit import What
from app.kernel.errors import Conflict, InvalidInput, NotFound

NAME_LIMIT, HELP_LIMIT, VALUE_LIMIT = 60, 200, 500
MOST_FIELDS, MOST_CHOICES, CHOICE_LIMIT = 50, 100, 100
YES = "yes"


@dataclass(frozen=True, slots=True)
class Definition:
    """What an administrator says about a field. choices: for that kind only."""

    name: str
    kind: CustomKind = CustomKind.TEXT
    help: str = ""
    choices: tuple[str, ...] = ()
    is_required: bool = False


def in_order() -> Sequence[CustomField]:
    """All of them, in the order in which they were made."""
    return db.session.scalars(select(CustomField).order_by(CustomField.id)).all()


def form_name(field_id: int) -> str:
    """What the field is called in forms, and in refusals about it."""
    return f"custom_{field_id}"


def values_of(campaign: Campaign) -> dict[int, str]:
    """What a campaign has in them, by their ids."""
    return {each.field_id: each.value for each in campaign.custom_values}


def named_values(campaign: Campaign) -> dict[str, str]:
    """What a campaign has in them, by their names."""
    values = values_of(campaign)
    return {field.name: values[field.id] for field in in_order() if field.id in values} if values else {}


def write(campaign: Campaign, values: Mapping[int, Any]) -> None:
    """Give a campaign values by the ids of the fields; an empty one takes it away, and a required one from drafts only.

    Raises InvalidInput naming the field.
    """
    if not values:
        return
    with db.session.no_autoflush:
        fields = {field.id: field for field in in_order()}
        kept = {each.field_id: each for each in campaign.custom_values}
        for field_id, value in values.items():
            if field_id not in fields:
                raise InvalidInput("There is no such field of campaigns. It may have been deleted.")
            text, before = _text(fields[field_id], value), kept.get(field_id)
            if text == (before.value if before else ""):
                continue
            if before is not None:
                if not text and fields[field_id].is_required and campaign.status is not CampaignStatus.DRAFT:
                    raise _empty(fields[field_id])
                campaign.custom_values.remove(before)
            if text:
                campaign.custom_values.append(CustomValue(field_id=field_id, value=text))


def by_name(values: Mapping[str, Any]) -> dict[int, Any]:
    """Values by the ids of the fields instead of their names. Raises InvalidInput for a name that no field has."""
    ids = {field.name: field.id for field in in_order()} if values else {}
    unknown = sorted(set(values) - set(ids))
    if unknown:
        raise InvalidInput(
            "Campaigns have no field “%(name)s”. An administrator adds it.", "custom_fields", name=unknown[0][:60]
        )
    return {ids[name]: value for name, value in values.items()}


def copy(original: Campaign, copied: Campaign) -> None:
    """Let a new copy have what the original has."""
    copied.custom_values = [CustomValue(field_id=each.field_id, value=each.value) for each in original.custom_values]


def problems(campaign: Campaign) -> Iterator[InvalidInput]:
    """The fields that a campaign must have and has not."""
    values = values_of(campaign)
    for field in in_order():
        if field.is_required and field.id not in values:
            yield _empty(field)


def _empty(field: CustomField) -> InvalidInput:
    return InvalidInput("Fill in “%(name)s”.", form_name(field.id), name=field.name)


def _text(field: CustomField, value: Any) -> str:
    name = form_name(field.id)
    if field.kind is CustomKind.FLAG:
        return YES if value is True or value == YES else ""
    text = "" if value is None else str(value).strip()
    if len(text) > VALUE_LIMIT:
        raise InvalidInput("At most %(most)s characters are kept here.", name, most=VALUE_LIMIT)
    if any(not character.isprintable() for character in text):
        raise InvalidInput("This must be one line without control characters.", name)
    if not text:
        return ""
    if field.kind is CustomKind.NUMBER:
        return _number(text, name)
    if field.kind is CustomKind.DATE:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise InvalidInput("Give a date, as 2026-05-04.", name) from None
    if field.kind is CustomKind.CHOICE and text not in field.choices:
        raise InvalidInput("Choose one of %(values)s.", name, values=", ".join(field.choices))
    return text


def _number(text: str, name: str) -> str:
    written = text.replace(",", ".")
    try:
        if len(text) <= 30 and Decimal(written).is_finite():
            return written
    except InvalidOperation:
        pass
    raise InvalidInput("Give a number, as 12.50.", name)


def get(field_id: int) -> CustomField:
    """The field. Raises NotFound."""
    field = db.session.get(CustomField, field_id)
    if field is None:
        raise NotFound("There is no such field of campaigns. It may have been deleted.")
    return field


def define(definition: Definition, by: str) -> CustomField:
    """Add a field. Raises InvalidInput naming what is wrong, or Conflict."""
    if (db.session.scalar(select(func.count()).select_from(CustomField)) or 0) >= MOST_FIELDS:
        raise Conflict("There are %(most)s fields of campaigns; more are not possible.", most=MOST_FIELDS)
    field = _write(CustomField(created_by=by, created_at=clock.utcnow()), definition, by)
    audit.note(What.CUSTOM_FIELD_CREATE, field.id, field.name, by)
    return field


def change(field_id: int, definition: Definition, by: str) -> CustomField:
    """Define a field anew. What campaigns have in it stays, so its kind stays then, and choices that are in use.

    Raises NotFound, and as define does.
    """
    field = get(field_id)
    before = asdict(definition_of(field))
    _write(field, definition, by)
    if changed := audit.differing(before, field):
        audit.note(What.CUSTOM_FIELD_CHANGE, field.id, field.name, by, fields=changed)
    return field


def definition_of(field: CustomField) -> Definition:
    """How a field is defined now."""
    return Definition(field.name, field.kind, field.help, tuple(field.choices), field.is_required)


def delete(field_id: int, by: str) -> None:
    """Delete a field with what campaigns have in it. Raises NotFound."""
    field = get(field_id)
    audit.note(What.CUSTOM_FIELD_DELETE, field.id, field.name, by)
    db.session.delete(field)
    db.session.flush()


def used_by(field_id: int) -> int:
    """How many campaigns have something in it."""
    return db.session.scalar(select(func.count()).where(CustomValue.field_id == field_id)) or 0


def _write(field: CustomField, definition: Definition, by: str) -> CustomField:
    name = _line("name", definition.name, NAME_LIMIT)
    if not name:
        raise InvalidInput("A field needs a name.", "name")
    help_text = _line("help", definition.help, HELP_LIMIT)
    if field.id is not None and definition.kind is not field.kind and used_by(field.id):
        raise InvalidInput("Campaigns have something in this field, so its kind stays. Add another field.", "kind")
    is_choice = definition.kind is CustomKind.CHOICE
    choices = list(_choices(definition.choices, field.id)) if is_choice else []
    try:
        with db.session.begin_nested():
            field.name, field.help, field.kind = name, help_text, definition.kind
            field.choices, field.is_required = choices, definition.is_required
            field.changed_by, field.changed_at = by, clock.utcnow()
            db.session.add(field)
    except IntegrityError as error:
        raise InvalidInput("Another field has this name. Choose a different one.", "name") from error
    return field


def _line(field: str, given: str, limit: int) -> str:
    try:
        return clean_text(limit, given)
    except InvalidInput as error:
        raise error.about(field) from error


def _choices(given: Sequence[str], field_id: int | None) -> Sequence[str]:
    choices = list(dict.fromkeys(filter(None, (_line("choices", each, CHOICE_LIMIT) for each in given))))
    if not 2 <= len(choices) <= MOST_CHOICES:
        raise InvalidInput(
            "Give from two to %(most)s choices, each in a line of its own.", "choices", most=MOST_CHOICES
        )
    used = select(CustomValue.value).where(CustomValue.field_id == field_id, CustomValue.value.not_in(choices))
    if field_id is not None and (lost := db.session.scalar(used.limit(1))) is not None:
        raise InvalidInput("Campaigns have “%(name)s”, so this choice stays.", "choices", name=lost)
    return choices
