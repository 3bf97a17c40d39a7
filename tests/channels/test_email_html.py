"""HTML made ready to be sent: nothing in it acts, fields stay, rules of <style> stand in the tags."""

import time
from contextlib import suppress

import pytest

from app.channels.email_html import ready
from app.channels.merge import MergeError
from app.kernel.errors import InvalidInput

HARMLESS = {
    "words": "<p>Hello <b>you</b> &amp; me</p>",
    "table": '<table width="600" bgcolor="#eeeeee"><tbody><tr><td style="padding:4px">x</td></tr></tbody></table>',
    "link": '<a href="https://example.com/?a=1&amp;b=2" target="_blank">x</a>',
    "mail": '<a href="mailto:a@example.com">x</a><a href="tel:+48221234567">y</a>',
    "picture": '<img src="https://example.com/x.png" alt="" width="10">',
    "picture in the address": '<img src="data:image/png;base64,AAAA" alt="">',
    "condition": "<!--[if mso]><table><tr><td><![endif]--><p>x</p><!--[if mso]></td></tr></table><![endif]-->",
    "other condition": "<!--[if !mso]><!--><p>x</p><!--<![endif]-->",
    "open condition": "<p><![if !mso]>x<![endif]></p>",
}


@pytest.mark.parametrize("html", HARMLESS.values(), ids=HARMLESS)
def test_what_only_shows_is_sent_as_it_is_written(html: str) -> None:
    made = ready(html)
    assert made.html == html
    assert made.taken == ()


NASTY = {
    "script": ("<p>a</p><script>alert(1)</script>", "<p>a</p>", ["<script>"]),
    "event": ('<p onclick="x()">a</p>', "<p>a</p>", ["onclick"]),
    "events": ('<p onclick="x()">a</p><img src="x" ONERROR=x>', '<p>a</p><img src="x">', ["onclick", "onerror"]),
    "javascript": ('<a href="javascript:x()">a</a>', "<a>a</a>", ["javascript:"]),
    "disguised": ('<a href=" java\tscript:x()">a</a>', "<a>a</a>", ["javascript:"]),
    "in entities": ('<a href="&#106;avascript:x()">a</a>', "<a>a</a>", ["javascript:"]),
    "page in the address": ('<a href="data:text/html,x">a</a>', "<a>a</a>", ["data:"]),
    "drawing in the address": ('<img src="data:image/svg+xml,x">', "<img>", ["data:"]),
    "form": ("<form action=x>a<input></form>", "a", ["<form>", "<input>"]),
    "frame": ('a<iframe src="https://example.com"></iframe>', "a", ["<iframe>"]),
    "drawing": ("a<svg><script>x</script></svg>", "a", ["<script>", "<svg>"]),
    "sheet": ('<link rel="stylesheet" href="https://example.com/x.css">a', "a", ["<link>"]),
    "expression": ('<p style="color:red;width:expression(x)">a</p>', '<p style="color:red">a</p>', ["expression"]),
    "escaped expression": ('<p style="width:exp\\72 ession(x)">a</p>', "<p>a</p>", ["expression"]),
    "binding": ("<style>p{-moz-binding:url(x)}</style>a", "<style></style>a", ["-moz-binding"]),
    "condition": ("a<!--[if mso]><script>x</script><![endif]-->", "a", ["<script>"]),
}


@pytest.mark.parametrize(("html", "sent", "taken"), NASTY.values(), ids=NASTY)
def test_what_acts_is_not_sent_and_is_told(html: str, sent: str, taken: list[str]) -> None:
    made = ready(html)
    assert made.html == sent
    assert [str(each) for each in made.taken] == taken


def test_what_is_taken_out_several_times_is_told_once_with_its_number() -> None:
    (taken,) = ready("<p onclick=a>1</p><p onclick=b>2</p>").taken
    assert str(taken) == "onclick (2)"


FIELDS = {
    "words": ("<p>{{ first_name }}</p>", "<p>{{ first_name }}</p>"),
    "default": ('<p>{{ first_name | default: "you" }}</p>', "<p>{{ first_name | default: &quot;you&quot; }}</p>"),
    "link": (
        '<a href="https://example.com/?n={{ first_name | default: "a b" }}&m=1">x</a>',
        '<a href="https://example.com/?n={{ first_name | default: &quot;a b&quot; }}&amp;m=1">x</a>',
    ),
    "whole link": ('<a href="{{ unsubscribe_url }}">x</a>', '<a href="{{ unsubscribe_url }}">x</a>'),
    "braces": ('<p>{{ "{{" }} {{ first_name }}</p>', "<p>&#123;{ {{ first_name }}</p>"),
    "gone with its tag": ("<p>a</p><textarea>{{ first_name }}</textarea>{{ last_name }}", "<p>a</p>{{ last_name }}"),
}


@pytest.mark.parametrize(("html", "sent"), FIELDS.values(), ids=FIELDS)
def test_fields_stay_where_they_stand(html: str, sent: str) -> None:
    assert ready(html).html == sent


def test_what_was_made_ready_can_be_made_ready_again() -> None:
    for html in [*HARMLESS.values(), *(html for html, *_rest in FIELDS.values())]:
        once = ready(html).html
        assert ready(once).html == once


def test_a_document_keeps_its_head_and_the_looks_of_its_body() -> None:
    head = '<meta charset="utf-8"><title>Hi {{ first_name }}</title><!--[if mso]><xml></xml><![endif]-->'
    body = '<body style="margin:0" bgcolor="#fff"><p>a</p></body>'
    html = f'<!DOCTYPE html>\n<html lang="pl"><head>{head}</head>\n{body}</html>'
    made = ready(html)
    assert made.html == html
    assert made.taken == ()


def test_a_document_loses_what_acts_in_its_head_and_on_its_body() -> None:
    made = ready("<html><head><base href=x><script>x</script></head><body onload=x>a</body></html>")
    assert made.html == "<!DOCTYPE html>\n<html><head></head>\n<body>a</body></html>"
    assert [str(each) for each in made.taken] == ["<base>", "<script>", "onload"]


def test_rules_of_style_are_written_into_the_tags_and_stay_for_those_who_read_them() -> None:
    html = "<style>.a { color: red } @media (max-width: 1px) { .a { color: blue } }</style><p class=a>x</p>"
    made = ready(html).html
    assert 'style="color: red;"' in made
    assert "@media (max-width: 1px)" in made


def test_style_of_a_document_is_written_into_its_tags() -> None:
    made = ready("<html><head><style>p { margin: 0 }</style></head><body><p>{{ first_name }}</p></body></html>").html
    assert '<p style="margin: 0;">{{ first_name }}</p>' in made


def test_imports_are_not_sent_and_nothing_is_fetched() -> None:
    made = ready("<style>@import url(http://127.0.0.1:9/x.css); p { margin: 0 }</style><p>a</p>")
    assert "@import" not in made.html
    assert [str(each) for each in made.taken] == ["@import"]


def test_a_wrong_field_is_told_with_its_place_in_what_was_written() -> None:
    with pytest.raises(MergeError) as error:
        ready("<p>a</p>\n<p>{{ nothing_like_it }}</p>")
    assert (error.value.line, error.value.column) == (2, 4)


ENDLESS = {
    "comments": "<!--",
    "conditions": "<!--[if",
    "sheets": "<style>",
    "bodies": '<body "',
    "imports": "<style>/*@import",
}


@pytest.mark.parametrize("piece", ENDLESS.values(), ids=ENDLESS)
def test_what_is_never_closed_does_not_take_for_ever(piece: str) -> None:
    begin = time.process_time()
    with suppress(InvalidInput):
        ready(piece * 20_000)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("opened", ["<div>", "<b>", "<table>", "<DIV class=x>", "<span\n>"])
def test_tags_that_are_never_closed_are_refused_before_they_cost_minutes(opened: str) -> None:
    with pytest.raises(InvalidInput, match="200 tags inside each other"):
        ready(opened * 40_000)


@pytest.mark.parametrize(
    "html",
    ["<p {}>a</p>", "<p>a</p {}>", "<!--><p {}>a</p>", "<!---><p {}>a</p>", "<!-- a --!><p {}>a</p>", "<p {}"],
    ids=["open", "close", "behind an empty comment", "another one", "behind a comment with !", "never ended"],
)
def test_a_tag_with_more_attributes_than_anybody_needs_is_refused(html: str) -> None:
    many = " ".join(f"a{number}=x" for number in range(100_000))
    began = time.process_time()
    with pytest.raises(InvalidInput, match="more than 200 attributes"):
        ready(html.format(many))
    assert time.process_time() - began < 1  # 10 ms; parsed, it took six seconds
    assert ready("<p {}>a</p>".format(" ".join(f"a{number}=x" for number in range(200)))).html


def test_many_tags_beside_each_other_are_as_many_as_people_like() -> None:
    row = "<table><tr><td><p>x<p>y<ul><li>a<li>b</ul></td></tr></table>"
    assert ready(row * 300).html.count("<table>") == 300
