"""Plain text made from HTML: fields intact, links readable."""

import pytest

from app.channels import plain_text
from app.channels.merge import MergeError, Part, parse


def test_html_becomes_readable_text_with_links() -> None:
    html = (
        "<html><head><title>T</title><style>a{b:c}</style></head><body><h1>News</h1><p>See <a href='https://x.org/?a=1"
        "&amp;b=2'>the <b>offer</b></a> &amp; more</p><ul><li>one<li>two</ul><script>x()</script><img src=x></body>"
    )
    assert plain_text.from_html(html) == "News\n\nSee [the offer](https://x.org/?a=1&b=2) & more\n\n  * one\n  * two\n"


def test_a_link_that_says_its_address_is_written_once() -> None:
    assert plain_text.from_html('<a href="https://x.org/">https://x.org</a>!') == "https://x.org!\n"


def test_fields_stay_as_they_were_written() -> None:
    html = (
        '<p>Hi {{ first_name | default: &quot;<you>&quot; }},</p><p title="{{ company }}">'
        "<a href=\"https://x.org/?e={{ email | default: '-' }}\">go</a></p><p>{{ attributes.a }}{{ attributes.b }}</p>"
        '<a href="{{ unsubscribe_url }}">bye</a>'
    )
    assert plain_text.from_html(html) == (
        'Hi {{ first_name | default: "<you>" }},\n\n[go](https://x.org/?e={{ email | default: "-" }})\n\n'
        "{{ attributes.a }}{{ attributes.b }}\n\n[bye]({{ unsubscribe_url }})\n"
    )


def test_braces_meant_as_text_stay_text() -> None:
    text = plain_text.from_html("<p>{{ '{{' }} first_name }} and {{ '{%' }}</p>")
    assert parse(text, Part.TEXT) == ("{{ first_name }} and {%\n",)


@pytest.mark.parametrize("html", ["", "   ", "<img src='x.png'>", "<p></p>"])
def test_html_without_words_gives_no_text(html: str) -> None:
    assert plain_text.from_html(html) == ""


def test_a_wrong_field_is_refused_as_in_the_html() -> None:
    with pytest.raises(MergeError) as error:
        plain_text.from_html("<p>{{ nobody }}</p>")
    assert error.value.field == "html"
