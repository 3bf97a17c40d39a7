"""Fields of our own: defined once, checked by their kind, kept with each campaign."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.campaigns import checks, custom_fields
from app.campaigns import service as campaigns
from app.campaigns.custom_fields import Definition
from app.campaigns.models import CustomField, CustomKind, CustomValue
from app.extensions import db
from app.kernel import clock
from app.kernel.audit import AuditEvent, What
from app.kernel.errors import Conflict, InvalidInput, NotFound
from tests import factories
from tests.factories import BY

CHOICES = ("North", "South")


def defined(name: str = "Cost centre", kind: CustomKind = CustomKind.TEXT, **values: Any) -> CustomField:
    choices = CHOICES if kind is CustomKind.CHOICE else ()
    return custom_fields.define(Definition(name, kind, choices=choices, **values), BY)


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        (CustomKind.TEXT, "  C-100 ", "C-100"),
        (CustomKind.TEXT, "", None),
        (CustomKind.NUMBER, "12,50", "12.50"),
        (CustomKind.NUMBER, 7, "7"),
        (CustomKind.DATE, "2026-05-04", "2026-05-04"),
        (CustomKind.CHOICE, "South", "South"),
        (CustomKind.FLAG, True, "yes"),
        (CustomKind.FLAG, "yes", "yes"),
        (CustomKind.FLAG, False, None),
        (CustomKind.FLAG, None, None),
    ],
)
def test_a_value_is_kept_in_one_form(app: Flask, kind: CustomKind, given: object, kept: str | None) -> None:
    field, campaign = defined(kind=kind), factories.campaign()
    custom_fields.write(campaign, {field.id: given})
    db.session.flush()
    assert db.session.scalar(select(CustomValue.value)) == kept
    assert custom_fields.named_values(campaign) == ({field.name: kept} if kept else {})


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        (CustomKind.TEXT, "x" * 501, "At most 500 characters"),
        (CustomKind.TEXT, "two\nlines", "one line"),
        (CustomKind.NUMBER, "twelve", "Give a number"),
        (CustomKind.NUMBER, "NaN", "Give a number"),
        (CustomKind.NUMBER, "9" * 31, "Give a number"),
        (CustomKind.DATE, "4 May", "Give a date"),
        (CustomKind.CHOICE, "West", "Choose one of North, South"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_field(app: Flask, kind: CustomKind, given: str, words: str) -> None:
    field, campaign = defined(kind=kind), factories.campaign()
    with pytest.raises(InvalidInput, match=words) as refused:
        custom_fields.write(campaign, {field.id: given})
    assert refused.value.field == custom_fields.form_name(field.id)
    db.session.flush()
    assert db.session.scalar(select(func.count()).select_from(CustomValue)) == 0


def test_a_value_changes_and_goes(app: Flask) -> None:
    field, campaign = defined(), factories.campaign()
    for given, kept in (("one", ["one"]), ("two", ["two"]), ("two", ["two"]), ("", [])):
        custom_fields.write(campaign, {field.id: given})
        db.session.flush()
        assert list(db.session.scalars(select(CustomValue.value))) == kept


def test_a_change_of_a_value_is_a_change_of_the_campaign(app: Flask) -> None:
    field, campaign = defined(), factories.campaign()
    db.session.flush()
    custom_fields.write(campaign, {field.id: "C-100"})
    campaigns.prepare_change(campaign, BY)
    db.session.flush()
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.what == What.CAMPAIGN_CHANGE)).one()
    assert event.detail["fields"] == ["custom_values"]


def test_a_field_that_is_not_there_is_refused(app: Flask) -> None:
    campaign = factories.campaign()
    with pytest.raises(InvalidInput, match="There is no such field"):
        custom_fields.write(campaign, {7: "x"})
    with pytest.raises(InvalidInput, match="Campaigns have no field “Colour”"):
        custom_fields.by_name({"Colour": "red"})


def test_a_required_field_keeps_a_campaign_from_starting(app: Flask) -> None:
    field, campaign = defined(is_required=True), factories.ready_campaign(1)
    (problem,) = checks.launch_problems(campaign, clock.utcnow())
    assert (problem.field, str(problem)) == (custom_fields.form_name(field.id), "Fill in “Cost centre”.")
    custom_fields.write(campaign, {field.id: "C-100"})
    assert list(checks.launch_problems(campaign, clock.utcnow())) == []


def test_a_copy_has_what_the_original_has(app: Flask) -> None:
    field, campaign = defined(), factories.campaign()
    custom_fields.write(campaign, {field.id: "C-100"})
    db.session.flush()
    copy = campaigns.duplicate(campaign.id, BY)
    db.session.flush()
    assert custom_fields.values_of(copy) == custom_fields.values_of(campaign) == {field.id: "C-100"}


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        (Definition(" "), "name"),
        (Definition("x" * 61), "name"),
        (Definition("Help", help="x" * 201), "help"),
        (Definition("Few", CustomKind.CHOICE, choices=("one", " one ", "")), "choices"),
        (Definition("Many", CustomKind.CHOICE, choices=tuple(map(str, range(101)))), "choices"),
        (Definition("Long", CustomKind.CHOICE, choices=("x" * 101, "y")), "choices"),
        (Definition("Cost centre"), "name"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(app: Flask, definition: Definition, field: str) -> None:
    defined()
    with pytest.raises(InvalidInput) as refused:
        custom_fields.define(definition, BY)
    assert refused.value.field == field
    assert db.session.scalar(select(func.count()).select_from(CustomField)) == 1


def test_what_campaigns_use_stays_possible(app: Flask) -> None:
    field, campaign = defined(kind=CustomKind.CHOICE), factories.campaign()
    custom_fields.write(campaign, {field.id: "South"})
    db.session.flush()
    with pytest.raises(InvalidInput, match="its kind stays"):
        custom_fields.change(field.id, Definition("Region", CustomKind.TEXT), BY)
    with pytest.raises(InvalidInput, match="“South”, so this choice stays"):
        custom_fields.change(field.id, Definition("Region", CustomKind.CHOICE, choices=("North", "West")), BY)
    changed = custom_fields.change(
        field.id, Definition("Region", CustomKind.CHOICE, choices=("South", "West"), is_required=True), BY
    )
    assert (changed.name, changed.choices, changed.is_required) == ("Region", ["South", "West"], True)


def test_a_deleted_field_takes_its_values_with_it(app: Flask) -> None:
    field, campaign = defined(), factories.campaign()
    custom_fields.write(campaign, {field.id: "C-100"})
    db.session.flush()
    assert custom_fields.used_by(field.id) == 1
    custom_fields.delete(field.id, BY)
    db.session.expire_all()
    assert campaign.custom_values == []
    with pytest.raises(NotFound):
        custom_fields.get(field.id)


def test_there_are_not_endlessly_many(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom_fields, "MOST_FIELDS", 1)
    defined()
    with pytest.raises(Conflict, match="There are 1 fields"):
        defined("Another")
