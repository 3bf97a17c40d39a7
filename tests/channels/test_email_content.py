"""Where values and links stand: escaping by place, tracking, pixel and footer."""

import html as html_module
import time
from contextlib import suppress
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.channels.merge import MergeError
from app.kernel.errors import InvalidInput
from tests.channels.emails import CLICK_URL, OPEN_URL, UNSUBSCRIBE_URL, compiled, rendered

TRICKY = "a b&c=d/é?#\"'<>@+%"
QUOTED = "a%20b%26c%3Dd%2F%C3%A9%3F%23%22%27%3C%3E%40%2B%25"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('<a href="https://x.org/?q={{ company }}">', f'<a href="https://x.org/?q={QUOTED}">'),
        ("<A HREF = 'https://x.org/{{ company }}/{{ company }}'>", f"<A HREF = 'https://x.org/{QUOTED}/{QUOTED}'>"),
        ('<img src="HTTP://x.org?{{ company }}">', f'<img src="HTTP://x.org?{QUOTED}">'),
        ('<a href="#{{ company }}">', f'<a href="#{QUOTED}">'),
        ('<a href="mailto:{{ email }}">', '<a href="mailto:a+b@x.example">'),
        ('<a href="{{ unsubscribe_url }}">', f'<a href="{UNSUBSCRIBE_URL}">'),
        ('<a href=" {{ unsubscribe_url }}?why={{ company }}">', f'<a href=" {UNSUBSCRIBE_URL}?why={QUOTED}">'),
        ('<p title="{{ company }}">', f'<p title="{html_module.escape(TRICKY)}">'),
        ("<p title='{{ company }}'>", f"<p title='{html_module.escape(TRICKY)}'>"),
        ("<!-- {{ company }} -->", f"<!-- {html_module.escape(TRICKY)} -->"),
        ("a < {{ company }}", f"a < {html_module.escape(TRICKY)}"),
        ("<b>{{ unsubscribe_url }}</b>", f"<b>{UNSUBSCRIBE_URL}</b>"),
    ],
)
def test_a_value_is_escaped_for_where_it_stands(template: str, expected: str) -> None:
    message = rendered({"company": TRICKY, "email": "a+b@x.example"}, html=template)
    assert message.html.startswith(expected)


def test_our_own_link_inside_another_link_is_encoded_as_a_whole() -> None:
    message = rendered(html='<a href="https://x.org/?back={{ unsubscribe_url }}">')
    start = message.html.index("back=") + 5
    assert unquote(message.html[start : message.html.index('"', start)]) == UNSUBSCRIBE_URL


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ('<a href="{{ company }}">', "cannot be the host"),
        ('<a href="{{ company }}://x.org/">', "cannot be the host"),
        ('<a href="https://{{ company }}/">', "cannot be the host"),
        ('<a href="https://{{ company }}.x.org/">', "cannot be the host"),
        ('<a href="https://x.org{{ company }}">', "cannot be the host"),
        ('<a href="https://x.org@{{ company }}/">', "cannot be the host"),
        ('<a href="https://x.org\\{{ company }}">', "cannot be the host"),
        ('<a href="//{{ company }}/">', "cannot be the host"),
        ('<a href="/{{ company }}">', "cannot be the host"),
        ('<a href="java&#115;cript:{{ company }}">', "cannot be the host"),
        ('<a href="data:text/html,{{ company }}">', "cannot be the host"),
        ('<img src="{{ company }}">', "cannot be the host"),
        ("<a href=https://x.org/{{ company }}>", "without quotes"),
        ("<p title={{ company }}>", "without quotes"),
        ("<p {{ company }}>", "inside a tag"),
        ("<p {{ company }}=x>", "inside a tag"),
        ("<p{{ company }}>", "name of a tag"),
        ('<p class="x"{{ company }}>', "inside a tag"),
        ('<p onclick="f({{ company }})">', "could do harm"),
        ('<p STYLE="color:{{ company }}">', "could do harm"),
        ('<iframe srcdoc="{{ company }}">', "could do harm"),
        ("<script>var x = '{{ company }}'</script>", "<script>"),
        ("<style>.x{color:{{ company }}}</style>", "<style>"),
        ("<style>{{ company }}", "<style>"),
    ],
)
def test_a_field_where_no_value_is_safe_is_refused_with_its_place(template: str, says: str) -> None:
    with pytest.raises(MergeError) as error:
        compiled(html=f"<p>{{{{ first_name }}}}</p>\n{template}")
    assert says in str(error.value)
    assert (error.value.line, error.value.field) == (2, "html")
    assert "{{ company }}" in str(error.value)


def test_a_field_as_host_of_a_link_in_the_text_is_refused() -> None:
    for text in ("https://{{ company }}/x", "https://x.{{ company }}"):
        with pytest.raises(MergeError, match="host"):
            compiled(text=text)


def test_a_value_in_a_link_of_the_text_is_percent_encoded() -> None:
    message = rendered({"company": TRICKY}, text="(https://x.org/{{ company }}) {{ company }}")
    assert message.text.startswith(f"(https://x.org/{QUOTED}) {TRICKY}\n")


class Structure(HTMLParser):
    """Tags and attribute names, as a browser would see them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[object] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(tag)

    def handle_comment(self, data: str) -> None:
        self.found.append("comment")


EVERYWHERE = (
    "<p title='{{ company }}' class=\"{{ company }}\">{{ company }}</p><!-- {{ company }} --><b>b</b>"
    '<a href="https://x.org/{{ company }}">{{ company }}</a><title>{{ company }}</title>'
    "<textarea>{{ company }}</textarea>"
)


@given(
    st.text(alphabet="<>/!-\"'&;= abip\n") | st.sampled_from(["--><script>", "</title><b>", "'\"><i>", "x' onload='y"])
)
def test_no_value_changes_the_structure_of_the_html(value: str) -> None:
    plain = rendered({"company": "x"}, html=EVERYWHERE, text="x").html
    hostile = rendered({"company": value}, html=EVERYWHERE, text="x").html
    assert Structure(hostile).found == Structure(plain).found


@given(st.text())
def test_a_value_in_a_link_never_leaves_its_component(value: str) -> None:
    link = rendered({"company": value}, html='<a href="https://x.org/?q={{ company }}&amp;z">').html
    component = link[len('<a href="https://x.org/?q=') : link.index("&amp;z")]
    assert component.isascii()
    assert not set(component) & set("&=/?#\"'<> ")


@pytest.mark.parametrize(
    ("html", "target", "tracked"),
    [
        ('<a href="https://x.org/a">', "https://x.org/a", '<a href="{url}">'),
        ("<A class=x HREF='http://x.org'>", "http://x.org", '<A class=x HREF="{url}">'),
        ("<a href=https://x.org/?a=1&b=2>", "https://x.org/?a=1&b=2", '<a href="{url}">'),
        ('<a href = " https://x.org/ "\n>', "https://x.org/", '<a href = "{url}"\n>'),
        ('<a href="https://x.org/?a=1&amp;b=&#50;">', "https://x.org/?a=1&b=2", '<a href="{url}">'),
        ('<a href="https://x.org/?a&copy=2&lt;">', "https://x.org/?a&copy=2<", '<a href="{url}">'),
        ('<a href="https://x.org/?a&notx">', "https://x.org/?a&notx", '<a href="{url}">'),
        ("<a data-x='>' title=\"a>b\" href=\"https://x.org/'q'\">", "https://x.org/'q'", None),
        ('<a title=it\'s href="https://x.org/b">', "https://x.org/b", '<a title=it\'s href="{url}">'),
        ("<area/href='HTTPS://X.org/é'/>", "HTTPS://X.org/é", '<area/href="{url}"/>'),
        ('<!--[if mso]><a href="https://x.org/m"><![endif]-->', "https://x.org/m", None),
        ('<!--[if !mso]><!--><a href="https://x.org/n"><!--<![endif]-->', "https://x.org/n", None),
    ],
)
def test_a_link_in_html_is_tracked(html: str, target: str, tracked: str | None) -> None:
    assert compiled(html=html, track_clicks=True).links == (target,)
    message = rendered(html=html, track_clicks=True)
    assert f'"{CLICK_URL}/0"' in message.html
    assert tracked is None or message.html.startswith(tracked.format(url=f"{CLICK_URL}/0"))


@pytest.mark.parametrize(
    "html",
    [
        '<a href="mailto:a@x.example">',
        '<a href="tel:+4812">',
        '<a href="#top">',
        '<a href="{{ unsubscribe_url }}">',
        '<a href="https://x.org/{{ first_name }}">',
        '<a name="https://x.org/">',
        '<img src="https://x.org/a.png">',
        '<link href="https://x.org/a.css">',
        '<!-- <a href="https://x.org/"> -->',
        "<script>\"<a href='https://x.org'>\"</script>",
        "<title><a href='https://x.org'></title>",
        "<p title='<a href=\"https://x.org\">'>",
        "<a href>",
        '<a href="#" href="https://x.org/">',
        "https://x.org/",
    ],
)
def test_what_is_no_fixed_web_link_stays_as_it_is(html: str) -> None:
    email = compiled(html=html, track_clicks=True)
    assert email.links == ()
    as_written = html.replace("{{ unsubscribe_url }}", UNSUBSCRIBE_URL).replace("{{ first_name }}", "")
    assert rendered(html=html, track_clicks=True).html.startswith(as_written)


@pytest.mark.parametrize(
    ("text", "target", "rest"),
    [
        ("See https://x.org/a.", "https://x.org/a", "."),
        ("(https://x.org/a_(b))", "https://x.org/a_(b)", ")"),
        ("[go](https://x.org/?a=1&b=2)!", "https://x.org/?a=1&b=2", ")!"),
        ("<https://x.org>", "https://x.org", ">"),
        ("[https://x.org/]", "https://x.org/", "]"),
        ("HTTPS://X.org/é, and", "HTTPS://X.org/é", ", and"),
        ('"https://x.org/"{{ company }}', "https://x.org/", '"'),
    ],
)
def test_a_link_in_the_text_is_tracked_without_the_sentence_around_it(text: str, target: str, rest: str) -> None:
    assert compiled(text=text, track_clicks=True).links == (target,)
    assert f"{CLICK_URL}/0{rest}\n" in rendered(text=text, track_clicks=True).text


def test_equal_targets_share_a_number_in_both_parts() -> None:
    html = '<a href="https://x.org/?a&amp;b">1</a><a href="https://y.org/">2</a><a href=\'https://x.org/?a&b\'>3</a>'
    message = rendered(html=html, text="https://y.org/ https://z.org/", track_clicks=True)
    assert compiled(html=html, text="https://y.org/ https://z.org/", track_clicks=True).links == (
        "https://x.org/?a&b",
        "https://y.org/",
        "https://z.org/",
    )
    assert message.html.startswith(
        f'<a href="{CLICK_URL}/0">1</a><a href="{CLICK_URL}/1">2</a><a href="{CLICK_URL}/0">3'
    )
    assert message.text.startswith(f"{CLICK_URL}/1 {CLICK_URL}/2\n")


def test_nothing_is_tracked_unless_asked_for() -> None:
    html = '<body><a href="https://x.org/">1</a></body>'
    message = rendered(html=html, text="https://x.org/")
    assert compiled(html=html, text="https://x.org/").links == ()
    assert "/c/" not in message.html + message.text
    assert "/o/" not in message.html


@pytest.mark.parametrize(
    ("html", "before", "after"),
    [
        ("<body><p>x</p></body></html>", "<body><p>x</p>", "</body></html>"),
        ("<p>x</p>", "<p>x</p>", ""),
        ("<!-- </body> --><p>x</BODY >", "<!-- </body> --><p>x", "</BODY >"),
    ],
)
def test_pixel_and_footer_stand_at_the_end_of_the_body(html: str, before: str, after: str) -> None:
    message = rendered(html=html, track_opens=True)
    pixel = f'<img src="{OPEN_URL}" width="1" height="1" alt="">'
    assert message.html.startswith(before + "\n<p ")
    assert message.html.endswith(pixel + after)
    assert message.html.count(UNSUBSCRIBE_URL) == 1
    assert message.text == f"Hello\n\nUnsubscribe: {UNSUBSCRIBE_URL}\n"


def test_there_is_no_footer_where_there_is_an_unsubscribe_link() -> None:
    message = rendered(html='<a href="{{unsubscribe_url}}">leave</a>', text="leave: {{unsubscribe_url}}")
    assert message.html == f'<a href="{UNSUBSCRIBE_URL}">leave</a>'
    assert message.text == f"leave: {UNSUBSCRIBE_URL}\n"


@pytest.mark.parametrize(
    "link", ["https://user:pass@x.org/", "https://bank.example@evil.example", "https://x.org/" + "x" * 2000]
)
def test_a_link_that_misleads_or_is_endless_is_refused(link: str) -> None:
    with pytest.raises(InvalidInput) as error:
        compiled(html=f'<a href="{link}">')
    assert error.value.field == "html"
    with pytest.raises(InvalidInput) as error:
        compiled(text=link)
    assert error.value.field == "text"


@pytest.mark.parametrize(
    "piece", ["<!--[if ", "<a ", "<a href='", "<!", "<title>", "&a", "{ ", "<a b=", "https://", "<style>", "(("]
)
def test_hostile_html_is_read_or_refused_in_linear_time(piece: str) -> None:
    start = time.process_time()
    with suppress(InvalidInput):
        compiled(html=piece * (200_000 // len(piece)), text="x", track_clicks=True)
    assert time.process_time() - start < 3


@given(st.text(alphabet="<>/ab='\"! -[]&;{}\n") | st.text())
def test_any_html_is_compiled_or_refused(html: str) -> None:
    with suppress(InvalidInput):
        rendered({"first_name": "x"}, html=html + "{{ first_name }}", text="x", track_clicks=True, track_opens=True)
