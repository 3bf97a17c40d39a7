"""Templates of WhatsApp: what people write for the variables, and what one person gets."""

import json

import pytest

from app.channels.whatsapp_message import check_values, compile_example, compile_template, parse_values
from app.kernel.errors import InvalidInput

SOURCE = '1 = {{ first_name | default: "there" }}\n\n  2=no. 7 = seven \ncode = {{ attributes.code }}'


def test_a_line_is_a_variable_and_what_stands_there() -> None:
    made = compile_template("HX1", SOURCE)
    assert (made.content_sid, made.fields) == ("HX1", {"first_name", "attributes.code"})
    values = {"first_name": "Żaneta", "attributes.code": "A  1\n2"}
    assert json.loads(made.render(values)) == {"1": "Żaneta", "2": "no. 7 = seven", "code": "A 1 2"}
    assert json.loads(made.render({"attributes.code": "x"}))["1"] == "there"


def test_the_example_shows_the_words_with_the_values_in_their_places() -> None:
    shown = compile_example("Hi {{1}}, {{ 2 }} and {{9}}", "1 = {{ first_name }}\n2 = you")
    assert shown.render({"first_name": "Ann"}) == "Hi Ann, you and {{9}}"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("first_name", "Line 1: write a variable"),
        ("1 = ", "Line 1: write a variable"),
        ("1 = a\n\n1 = b", "Line 3: the variable 1 stands here twice"),
        ("a b = c", "Line 1: write a variable"),
        ("1 = {{ frist_name }}", "first_name"),
        ("1 = {{ unsubscribe_url }}", "no unsubscribe link"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(source: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        parse_values(source)
    assert refused.value.field == "template_values"


@pytest.mark.parametrize(
    ("source", "variables", "words"),
    [
        ("1 = a", ("1", "2"), "the variable 2"),
        ("", ("1",), "the variable 1"),
        ("1 = a\n3 = b", ("1",), "no variable 3"),
    ],
)
def test_every_variable_has_a_value_and_nothing_else_has(source: str, variables: tuple[str, ...], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        check_values(source, variables)


def test_values_that_fit_are_fine() -> None:
    check_values(SOURCE, ("1", "2", "code"))
    check_values("", ())


@pytest.mark.parametrize(("value", "words"), [("", "is empty for this person"), ("x" * 1025, "1025 characters")])
def test_what_whatsapp_refuses_is_not_made(value: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        compile_template("HX1", "1 = {{ company }}").render({"company": value})
