"""Templates: messages to begin with, by unique names; four come with Muster."""

import pytest
from flask import Flask

from app.campaigns import templates
from app.channels.email_html import ready
from app.channels.merge import MergeError
from app.channels.plain_text import from_html
from app.kernel.errors import InvalidInput, NotFound
from tests import factories
from tests.campaigns.helpers import AT_ONCE, at_once
from tests.factories import BY

HTML = "<p>Hello {{ first_name }}</p>"


def test_a_new_template_is_stamped_and_keeps_the_message_as_it_is_written(app: Flask) -> None:
    html = "<p onclick=x>Hello</p>\r\n<script>x</script>"
    made = templates.create({"name": " Spring ", "subject": "Hi", "html": html}, BY)
    assert (made.name, made.subject, made.html, made.text) == ("Spring", "Hi", html, "")
    assert (made.created_by, made.changed_by) == (BY, BY)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 151}, "name"),
        ({"description": "x" * 501}, "description"),
        ({"subject": "x" * 501}, "subject"),
        ({"subject": "{{ nothing_like_it }}"}, "subject"),
        ({"html": "{{ first_name"}, "html"),
        ({"text": "{% if %}"}, "text"),
    ],
)
def test_an_unusable_template_is_refused(app: Flask, values: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        templates.create({"name": "Spring"} | values, BY)
    assert refused.value.field == field


def test_a_name_is_taken_once_also_at_the_same_moment(app: Flask) -> None:
    outcomes = at_once(app, lambda: templates.create({"name": "Spring"}, BY).id)
    assert sum(isinstance(each, int) for each in outcomes) == 1
    assert sum(isinstance(each, InvalidInput) for each in outcomes) == AT_ONCE - 1


def test_a_change_leaves_what_is_not_named(app: Flask) -> None:
    made = templates.create({"name": "Spring", "html": HTML, "text": "Own"}, BY)
    templates.change(made.id, "me", {"name": "Summer"})
    assert (made.name, made.html, made.text, made.changed_by) == ("Summer", HTML, "Own", "me")


def test_a_copy_has_a_name_that_is_free(app: Flask) -> None:
    made = templates.create({"name": "Spring", "html": HTML}, BY)
    first, second = templates.duplicate(made.id, BY), templates.duplicate(made.id, BY)
    assert (first.name, second.name) == ("Spring (copy)", "Spring (copy 2)")
    assert first.html == HTML


def test_a_template_from_a_campaign_says_what_it_says(app: Flask) -> None:
    campaign = factories.campaign(subject="Hi", html=HTML, text="Own")
    made = templates.create_from(campaign, "Spring", "", BY)
    assert (made.subject, made.html, made.text, made.channel) == ("Hi", HTML, "Own", campaign.channel)


def test_a_deleted_template_is_gone(app: Flask) -> None:
    made = templates.create({"name": "Spring"}, BY)
    templates.delete(made.id)
    with pytest.raises(NotFound):
        templates.get(made.id)


@pytest.mark.parametrize("key", [each.key for each in templates.STARTERS])
def test_what_comes_with_muster_can_be_sent_as_it_is(app: Flask, key: str) -> None:
    starter = templates.starter(key)
    made = ready(starter.html)
    assert made.taken == ()
    assert len(from_html(made.html)) > 200
    assert templates.create({"name": key, "subject": starter.subject, "html": starter.html}, BY).html == starter.html


def test_an_unknown_one_is_not_found(app: Flask) -> None:
    with pytest.raises(NotFound):
        templates.starter("nothing")


def test_a_wrong_field_is_told_with_its_place(app: Flask) -> None:
    with pytest.raises(MergeError) as refused:
        templates.create({"name": "Spring", "html": "<p>a</p>\n{{ nothing_like_it }}"}, BY)
    assert refused.value.line == 2
