"""Internal statuses: names and colours that are unique, and what is left when one is deleted."""

import itertools

import pytest
from flask import Flask
from sqlalchemy import select

from app.campaigns import statuses
from app.campaigns.models import RetiredStatus
from app.extensions import db
from app.kernel import queues
from app.kernel.db import transaction
from app.kernel.errors import InvalidInput, NotFound
from app.kernel.queues import QueueName
from tests.campaigns.helpers import AT_ONCE, at_once
from tests.factories import BY


def test_a_new_status_is_stamped_and_its_colour_is_written_small(app: Flask) -> None:
    made = statuses.create(" Call back ", " #2F54D9 ", BY)
    assert (made.name, made.color, made.created_by, made.changed_by) == ("Call back", "#2f54d9", BY, BY)


@pytest.mark.parametrize(
    ("name", "color", "field"),
    [
        ("", "#112233", "name"),
        ("x" * 61, "#112233", "name"),
        ("a\x00b", "#112233", "name"),
        ("a", "", "color"),
        ("a", "#123", "color"),
        ("a", "red", "color"),
        ("a", "#11223g", "color"),
        ("a", "#112233;", "color"),
    ],
)
def test_an_unusable_status_is_refused(app: Flask, name: str, color: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        statuses.create(name, color, BY)
    assert refused.value.field == field


def test_a_name_or_colour_of_another_one_is_refused(app: Flask) -> None:
    statuses.create("Called", "#112233", BY)
    other = statuses.create("Waiting", "#445566", BY)
    for values, field in (({"name": "Called"}, "name"), ({"color": "#112233"}, "color")):
        with pytest.raises(InvalidInput) as refused:
            statuses.change(other.id, BY, **values)
        assert refused.value.field == field
    changed = statuses.change(other.id, "me", name="Waiting", color="#445566")
    assert (changed.name, changed.color, changed.changed_by) == ("Waiting", "#445566", "me")


@pytest.mark.parametrize("field", ["name", "color"])
def test_of_several_that_take_a_name_or_colour_at_once_one_gets_it(app: Flask, field: str) -> None:
    numbers = itertools.count(1)

    def create() -> int:
        number = next(numbers)
        values = {"name": f"Status {number}", "color": f"#00000{number}"} | {field: "#112233"}
        return statuses.create(values["name"], values["color"], BY).id

    refused = [outcome for outcome in at_once(app, create) if isinstance(outcome, InvalidInput)]
    assert [error.field for error in refused] == [field] * (AT_ONCE - 1)


def test_the_next_free_suggestion_is_offered(app: Flask) -> None:
    assert statuses.free_color() == statuses.SUGGESTED[0]
    for number, color in enumerate(statuses.SUGGESTED):
        statuses.create(f"Status {number}", color, BY)
        assert statuses.free_color() == statuses.SUGGESTED[(number + 1) % len(statuses.SUGGESTED)]


def test_suggestions_can_be_used_as_they_are() -> None:
    assert len(set(statuses.SUGGESTED)) == 10
    assert all(statuses.COLOR.fullmatch(color) for color in statuses.SUGGESTED)


def test_a_deleted_status_rings_for_the_job_that_cleans_up_after_it(app: Flask) -> None:
    with transaction():
        status_id = statuses.create("Called", "#112233", BY).id
    with transaction():
        statuses.delete(status_id)
    with pytest.raises(NotFound):
        statuses.get(status_id)
    assert db.session.scalars(select(RetiredStatus.id)).all() == [status_id]
    assert queues.queue(QueueName.BULK).job_ids == [f"clear-status-{status_id}"]


def test_an_id_is_not_used_again(app: Flask) -> None:
    with transaction():
        first = statuses.create("Called", "#112233", BY).id
    with transaction():
        statuses.delete(first)
    with transaction():
        assert statuses.create("Called", "#112233", BY).id > first


def test_a_status_that_is_gone_cannot_be_kept_or_deleted(app: Flask) -> None:
    for step in (statuses.keep, statuses.delete, statuses.get):
        with pytest.raises(NotFound):
            step(12345)
