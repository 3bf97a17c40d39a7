"""The template grammar: what it reads and what it refuses, with line, column and what to do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.channels.merge import (
    SIZE_LIMIT_BYTES,
    MergeError,
    Part,
    Slot,
    escape_literal,
    fields_of,
    parse,
    with_defaults,
)
from app.kernel.errors import InvalidInput


def slot(field: str, default: str = "") -> tuple[str, str]:
    return (field, default)


def read(source: str, part: Part = Part.TEXT) -> list[str | tuple[str, str]]:
    return [(p.field, p.default) if isinstance(p, Slot) else p for p in parse(source, part)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", []),
        ("plain } text { with }} braces", ["plain } text { with }} braces"]),
        ("{{first_name}}", [slot("first_name")]),
        ("Hi {{ first_name }}!", ["Hi ", slot("first_name"), "!"]),
        ('{{ first_name | default: "there" }}', [slot("first_name", "there")]),
        ("{{first_name|default:'there'}}", [slot("first_name", "there")]),
        ("{{ attributes.order_no | default: '-' }}", [slot("attributes.order_no", "-")]),
        ('{{ company | default: "it\'s }} {{ here" }}', [slot("company", "it's }} {{ here")]),
        ("{{ company | default: “you” }}", [slot("company", "you")]),
        ('{{ company | default: "it’s" }}', [slot("company", "it’s")]),
        ('{{ company | default: "" }}', [slot("company")]),
        ("{{\xa0company\xa0}}", [slot("company")]),
        ('{{ "{{" }} company }}', ["{{ company }}"]),
        ("{{ unsubscribe_url }}", [slot("unsubscribe_url")]),
        ("100%7B is no field here: %7B%7B", ["100%7B is no field here: %7B%7B"]),
    ],
)
def test_a_template_is_read_as_texts_and_slots(source: str, expected: list[object]) -> None:
    assert read(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>{{ first_name | default: &quot;a &amp; b&quot; }}</p>", ["<p>", slot("first_name", "a & b"), "</p>"]),
        ("{{&nbsp;first_name&nbsp;}}", [slot("first_name")]),
        ("{{ first_name | default: &#39;x&#39; }}", [slot("first_name", "x")]),
        ('{{ "<b>" }}', ["&lt;b&gt;"]),
    ],
)
def test_fields_in_html_may_be_written_with_entities(source: str, expected: list[object]) -> None:
    assert read(source, Part.HTML) == expected


@pytest.mark.parametrize(
    ("source", "line", "column", "says"),
    [
        ("Hi {{ name", 1, 4, "not closed"),
        ("{{ first_name\n}}", 1, 1, "not closed"),
        ("{{ {{ first_name }}", 1, 1, "not closed"),
        ("a\nb\n  {{ first_nme }}", 3, 3, "Did you mean first_name"),
        ("{{ colour }}", 1, 1, "attributes.colour"),
        ("{{ NAME! }}", 1, 1, "Known are first_name"),
        ("{{ attributes.Größe }}", 1, 1, "a-z, 0-9"),
        ("{{ attributes." + "x" * 41 + " }}", 1, 1, "1 to 40"),
        ("{% if first_name %}x{% endif %}", 1, 1, "no conditions"),
        ("{{ first_name | upper }}", 1, 1, "default"),
        ("{{ first_name | default }}", 1, 1, "text in quotes"),
        ("{{ first_name | default: there }}", 1, 1, "cannot be read"),
        ('{{ first_name | attr("x") }}', 1, 1, "cannot be read"),
        ("{{ ''.__class__ }}", 1, 1, "cannot be read"),
        ("{{ first_name.__class__ }}", 1, 1, "There is no field"),
        ("{{ 10**10**8 }}", 1, 1, "There is no field"),
        ("{{ attributes['x'] }}", 1, 1, "cannot be read"),
        ("{{ }}", 1, 1, "cannot be read"),
        ("{{{ first_name }}}", 1, 1, "cannot be read"),
    ],
)
def test_a_wrong_template_is_refused_with_its_place_and_a_way_out(
    source: str, line: int, column: int, says: str
) -> None:
    with pytest.raises(MergeError) as error:
        parse(source, Part.TEXT)
    assert (error.value.line, error.value.column) == (line, column)
    assert says in str(error.value)
    assert str(error.value).startswith(f"Line {line}, column {column}: ")
    assert (error.value.status, error.value.field) == (422, "text")


def test_braces_that_an_editor_percent_encoded_are_refused_in_html() -> None:
    with pytest.raises(MergeError, match="%7B%7B"):
        parse('<a href="%7B%7B unsubscribe_url %7D%7D">', Part.HTML)


def test_a_link_field_is_refused_in_the_subject() -> None:
    with pytest.raises(MergeError, match="cannot stand in the subject"):
        parse("{{ unsubscribe_url }}", Part.SUBJECT)


def test_a_template_over_two_megabytes_is_refused_with_its_part() -> None:
    assert parse("x" * SIZE_LIMIT_BYTES, Part.TEXT)
    with pytest.raises(InvalidInput, match="text is larger than 2 MB") as error:
        parse("é" * (SIZE_LIMIT_BYTES // 2 + 1), Part.TEXT)
    assert error.value.field == "text"


def test_the_fields_of_a_template_are_known() -> None:
    template = parse("{{ first_name }} {{ attributes.a }} {{ first_name }}", Part.TEXT)
    assert fields_of(template) == {"first_name", "attributes.a"}


@given(st.text())
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    assert "".join(p for p in parse(escape_literal(text), Part.TEXT) if isinstance(p, str)) == text


@given(st.sampled_from(["first_name", "attributes.x"]), st.text(alphabet=st.characters(codec="utf-8")))
def test_a_slot_written_out_is_read_as_the_same_slot(field: str, default: str) -> None:
    default = default.replace('"', "").replace("\n", "")
    written = Slot(field, default, 1, 1).source()
    assert len(default) > 1900 or parse(written, Part.TEXT) == (Slot(field, default, 1, 1),)


@given(st.text(alphabet="{}%|:\"' ab.\n") | st.text())
def test_any_text_is_read_or_refused_and_nothing_else_happens(source: str) -> None:
    for part in Part:
        try:
            parse(source, part)
        except MergeError as error:
            assert error.line >= 1


@pytest.mark.parametrize(
    ("source", "part", "made"),
    [
        ("Hi {{ first_name }}!", Part.TEXT, 'Hi {{ first_name | default: "?first_name" }}!'),
        ("Hi {{ first_name | default: 'you' }}", Part.TEXT, 'Hi {{ first_name | default: "you" }}'),
        ('{{ "{{" }} {{ company }}', Part.HTML, '{{ "{{" }} {{ company | default: "?company" }}'),
        ("<b>{{&nbsp;first_name&nbsp;}}</b>", Part.HTML, '<b>{{ first_name | default: "?first_name" }}</b>'),
        ("plain", Part.SUBJECT, "plain"),
    ],
)
def test_slots_without_a_default_get_one(source: str, part: Part, made: str) -> None:
    assert with_defaults(source, part, lambda field: f"?{field}") == made


@given(st.text(alphabet="{}%|:\"' ab.\n") | st.text())
def test_with_defaults_nothing_else_of_a_template_changes(source: str) -> None:
    for part in Part:
        try:
            before = parse(source, part)
        except MergeError:
            continue
        after = parse(with_defaults(source, part, lambda field: "x"), part)
        assert [piece for piece in after if isinstance(piece, str)] == [p for p in before if isinstance(p, str)]
