"""Text messages are filled per person and refused where they cannot be sent."""

import pytest

from app.channels.merge import MergeError
from app.channels.text_message import compile_text
from app.kernel.errors import InvalidInput


def test_the_fields_are_filled_in() -> None:
    compiled = compile_text('Hi {{ first_name | default: "there" }}!', [])
    assert compiled.fields == {"first_name"}
    assert compiled.render({"first_name": "Ewa"}) == "Hi Ewa!"
    assert compiled.render({}) == "Hi there!"


def test_the_links_of_documents_follow_the_text() -> None:
    compiled = compile_text("Our offer:", ["https://a.example/d/1", "https://a.example/d/2"])
    assert compiled.render({}) == "Our offer:\nhttps://a.example/d/1\nhttps://a.example/d/2"


def test_what_a_contact_is_called_is_never_evaluated() -> None:
    assert compile_text("Hi {{ first_name }}", []).render({"first_name": "{{ email }}"}) == "Hi {{ email }}"


@pytest.mark.parametrize("text", ["", "  \n ", "a" * 1601, "Stop: {{ unsubscribe_url }}"])
def test_a_text_that_cannot_be_sent_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        compile_text(text, [])
    assert refused.value.field == "text"


def test_an_unknown_field_is_refused_with_its_place() -> None:
    with pytest.raises(MergeError):
        compile_text("Hi {{ frist_name }}", [])


@pytest.mark.parametrize("name", ["", "a" * 1600])
def test_a_text_that_is_empty_or_too_long_for_one_person_is_refused_for_them(name: str) -> None:
    template = "{{ first_name }}" if not name else "Hi {{ first_name }}"
    with pytest.raises(InvalidInput):
        compile_text(template, []).render({"first_name": name})


def test_below_a_picture_whatsapp_shows_less() -> None:
    template, link = "Hi {{ first_name }}", "https://a.example/d/1"
    compiled = compile_text(template, [link], "https://a.example/d/2")
    assert compiled.picture_url == "https://a.example/d/2"
    fits = "x" * (1024 - len("Hi \n" + link))
    assert compiled.render({"first_name": fits}) == f"Hi {fits}\n{link}"
    with pytest.raises(InvalidInput, match="Below a picture"):
        compiled.render({"first_name": fits + "x"})
    assert compile_text(template, [link]).render({"first_name": fits + "x"})
    with pytest.raises(InvalidInput, match="Below a picture"):
        compile_text("x" * 1025, [], link)
