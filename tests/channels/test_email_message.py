"""The whole message: headers, parts, attachments, guards, and any value of a contact."""

import email
import email.policy
import html as html_module
import re
from email.header import decode_header, make_header
from email.utils import parseaddr, parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.channels.email_message import Attachment, compile_email
from app.channels.merge import MergeError
from app.kernel.errors import InvalidInput
from tests.channels.emails import DATE, PLAIN, TRACK, UNSUBSCRIBE_URL, compiled, read, rendered

FIELDS = ("first_name", "company", "attributes.order_no")
EVIL = st.text(alphabet="\r\n\0\t .=<>&\"'{}%|?_é😀\u2028\x85ab") | st.text() | st.text(min_size=200, max_size=400)


def as_text(value: str) -> str:
    """What a reader should see of a value: one kind of line end, no control characters."""
    unified = value.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in unified if c in "\n\t" or not (c < " " or "\x7f" <= c <= "\x9f"))


def as_header(value: str) -> str:
    """What a reader should see of it in a header: blanks for control characters, single blanks."""
    controls = "".join(" " if c < " " or "\x7f" <= c <= "\x9f" or c in "\u2028\u2029" else c for c in value)
    return " ".join(controls.split())


def test_headers_say_who_what_when_and_how_to_leave() -> None:
    message = rendered(reply_to="help@shop.example").message
    assert message.keys() == [
        "Date",
        "From",
        "To",
        "Reply-To",
        "Subject",
        "Message-ID",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "Feedback-ID",
        "Precedence",
        "MIME-Version",
        "Content-Type",
    ]
    assert parsedate_to_datetime(message["date"]).isoformat() == "2026-11-23T10:00:00+00:00"
    assert message["from"] == "Shop <news@shop.example>"
    assert message["to"].addresses[0].addr_spec == "anna@example.com"
    assert message["reply-to"].addresses[0].addr_spec == "help@shop.example"
    assert message["message-id"] == f"<7.5.{TRACK}@shop.example>"
    assert message["list-unsubscribe"] == f"<{UNSUBSCRIBE_URL}>"
    assert message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert message["feedback-id"] == "7:2:email:muster"
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_each_recipient_gets_own_tokens_made_from_campaign_and_number() -> None:
    skeleton = compile_email(PLAIN, lambda c, s: b"t%d-%d" % (c, s), lambda c, s: b"u%d-%d" % (c, s))
    for seq in (0, 1, 4_000_000_000):
        message = read(skeleton.render({}, "a@x.example", seq, DATE))
        assert message.message["message-id"] == f"<7.{seq}.t7-{seq}@shop.example>"
        assert f"https://t.example/u/u7-{seq}" in message.html
        assert message.message["list-unsubscribe"] == f"<https://t.example/u/u7-{seq}>"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Shop",
        "Shop & Söhne",
        'Anna "Shop", Inc. \\',
        "=?utf-8?q?x?=",
        "😀" * 60,
        "A long name " * 8,
        "商店",
        "a@b.c",
    ],
)
def test_any_sender_name_is_read_back(name: str) -> None:
    raw = rendered(from_name=name).raw
    field = email.message_from_bytes(raw, policy=email.policy.compat32)["from"]  # the other one adds blanks in phrases
    decoded = str(make_header(decode_header(field))) if field.startswith("=?") else field
    assert parseaddr(decoded) == (name.strip(), "news@shop.example")


@pytest.mark.parametrize(
    "subject",
    [
        "Plain",
        "Grüße",
        "😀" * 200,
        "é" * 300,
        "word " * 60 + "end",
        "x" * 990,
        "=?utf-8?q?=0D=0ABcc=3A_x?= trick",
        "two  blanks   kept as one ",
        "Ünï " * 40,
        "",
    ],
)
def test_any_subject_is_read_back(subject: str) -> None:
    read_back = rendered(subject=subject)
    assert read_back.message["subject"] == as_header(subject)
    head = read_back.raw.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= (998 if "x" * 990 in subject else 78)


def test_the_domains_of_idn_addresses_are_punycode() -> None:
    message = rendered(recipient="user@bücher.example", from_email="news@bücher.example")
    assert b"To: <user@xn--bcher-kva.example>" in message.raw
    assert b"news@xn--bcher-kva.example>" in message.raw
    assert b"@xn--bcher-kva.example>\r\nList" in message.raw


def test_a_recipient_beyond_ascii_stands_in_utf8() -> None:
    raw = compiled().render({}, "üser@example.org", 5, DATE)
    assert "To: <üser@example.org>\r\n".encode() in raw


@pytest.mark.parametrize("recipient", ["", "anna", "a@x.example>\r\nBcc: <b@y.example", "a@x.example, b@y.example"])
def test_a_recipient_that_is_no_address_is_refused(recipient: str) -> None:
    with pytest.raises(InvalidInput):
        compiled().render({}, recipient, 5, DATE)


@pytest.mark.parametrize(
    "evil", ["a\r\nBcc: x@y.example", "a\nb", "a\rb", "a\0b", "a\x85b", "a\u2028b", "a\x0bb", "a\x1bb"]
)
@pytest.mark.parametrize("field", ["subject", "from_name", "from_email", "reply_to", "public_url"])
def test_a_setting_with_a_line_break_is_refused(field: str, evil: str) -> None:
    value = f"{evil}@x.example" if field in ("from_email", "reply_to") else evil
    with pytest.raises(InvalidInput) as error:
        compiled(**{field: value})
    assert error.value.field == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"from_email": ""}, "from_email"),
        ({"from_email": "a@b"}, "from_email"),
        ({"from_email": "üser@example.org"}, "from_email"),
        ({"reply_to": "a@b.example, c@d.example"}, "reply_to"),
        ({"from_name": "x" * 201}, "from_name"),
        ({"subject": "x" * 999}, "subject"),
        ({"html": " ", "text": "\n"}, "html"),
        ({"public_url": "ftp://t.example"}, "public_url"),
        ({"public_url": "https://t.example/?x"}, "public_url"),
        ({"public_url": "https://t.example/" + "x" * 300}, "public_url"),
        ({"attachments": (Attachment("a\r\nX: y", "text/plain", b""),)}, "attachments"),
        ({"attachments": (Attachment("a", "text/plain\r\nX: y", b""),)}, "attachments"),
        ({"attachments": (Attachment("a", "text", b""),)}, "attachments"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_field(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        compiled(**changes)
    assert error.value.field == field


def test_defaults_stand_in_for_missing_and_empty_values() -> None:
    template = '{{ first_name | default: "<you> & me" }}|{{ company }}'
    for values in ({}, {"first_name": "", "company": ""}):
        message = rendered(values, subject=template, html=f"<p>{template}</p>", text=template)
        assert message.message["subject"] == "<you> & me|"
        assert "<p>&lt;you&gt; &amp; me|</p>" in message.html
        assert message.text.startswith("<you> & me|\n")


def test_the_fields_in_use_are_known() -> None:
    skeleton = compiled(
        subject="{{ company }}", html="{{ first_name }}{{ unsubscribe_url }}", text="{{ attributes.a }}"
    )
    assert skeleton.fields == {"company", "first_name", "attributes.a"}


def test_a_message_without_html_is_plain_text() -> None:
    message = rendered(html="", text="Hello\n.\n..dots")
    assert message.message.get_content_type() == "text/plain"
    assert message.text == f"Hello\n.\n..dots\n\nUnsubscribe: {UNSUBSCRIBE_URL}\n"


def test_a_missing_text_is_made_from_the_html() -> None:
    message = rendered(
        {"first_name": "Zoë"}, html='<h1>Hi {{ first_name }}</h1><a href="https://x.org/">go</a>', text=""
    )
    assert message.text.startswith("Hi Zoë\n\n[go](https://x.org/)\n")


FILES = (
    Attachment("report.pdf", "application/pdf", bytes(range(256)) * 9),
    Attachment("Übersicht „2026“ – €.csv", "text/csv", b"a;b\r\n.\r\n"),
    Attachment('we"ird\\..//name;=%.txt', "text/plain", b""),
    Attachment("x" + "長い名前" * 30 + ".png", "IMAGE/PNG", b"\x89PNG"),
    Attachment("x" * 200 + " y.bin", "application/x-thing", b"."),
    Attachment("mail.eml", "message/rfc822", b"From: a\r\n\r\nb"),
)


def test_attachments_come_back_with_their_names_types_and_bytes() -> None:
    message = rendered(attachments=FILES)
    assert message.message.get_content_type() == "multipart/mixed"
    assert "<p>Hello</p>" in message.html
    assert not re.search(rb"\*=.*%[0-9A-F]?;?\r\n", message.raw)  # no byte of a name is cut in two
    got = list(message.message.iter_attachments())
    assert [part.get_filename() for part in got] == [re.sub(r"[/\\]", "_", file.name) for file in FILES]
    assert [part.get_payload(decode=True) for part in got] == [file.data for file in FILES]
    assert [part.get_content_type() for part in got] == [
        *[file.media_type.lower() for file in FILES[:-1]],
        "application/octet-stream",
    ]


def test_attachments_go_with_a_message_without_html() -> None:
    message = rendered(html="", attachments=FILES[:1])
    assert message.text.startswith("Hello\n")
    assert [part.get_filename() for part in message.message.iter_attachments()] == ["report.pdf"]


HTML = (
    "<p>{{ first_name }}.{{ company }}</p>\n.<p title='{{ company }}' class=\"{{ attributes.order_no }}\">"
    "{{ first_name }}</p>{{ first_name }}{{ first_name }}<title>{{ company }}</title>=20 "
    + "long äöü " * 30
    + "{{ unsubscribe_url }}"
)
TEXT = "Hi {{ first_name }},\n{{ company }}\n.{{ attributes.order_no }}.\n{{ unsubscribe_url }} " + "=." * 80


def filled(template: str, values: dict[str, str], escape: bool) -> str:
    for field in FIELDS:
        value = as_text(values.get(field, ""))
        template = template.replace(f"{{{{ {field} }}}}", f"\ue000{field}\ue001")
        values = {**values, field: html_module.escape(value) if escape else value}
    template = template.replace("{{ unsubscribe_url }}", UNSUBSCRIBE_URL)
    return re.sub("\ue000([^\ue001]+)\ue001", lambda match: values[match[1]], template)


EMAIL = compiled(subject="{{ first_name }}: {{ company }}", html=HTML, text=TEXT)


@given(st.fixed_dictionaries(dict.fromkeys(FIELDS, EVIL)))
@example({"first_name": ".", "company": "..", "attributes.order_no": ". "})
@example({"first_name": "x\r\nBcc: e@vil.example", "company": "\r\n.\r\n", "attributes.order_no": "\r"})
@example({"first_name": "{{ company }}", "company": "{% x %}", "attributes.order_no": "{{ 7*7 }}%s%b"})
@example({"first_name": "x" * 75, "company": "x" * 76, "attributes.order_no": "é" * 200})
@example({"first_name": "." * 75 + "é", "company": "=" * 80, "attributes.order_no": " " * 80})
@example({"first_name": "=?utf-8?b?DQpCY2M6IHg=?=", "company": "</title><script>", "attributes.order_no": "\ufdd0"})
def test_any_value_is_read_back_exactly_and_breaks_nothing(values: dict[str, str]) -> None:
    message = read(EMAIL.render(values, "anna@example.com", 5, DATE))
    assert message.html == filled(HTML, values, escape=True)
    assert message.text == filled(TEXT, values, escape=False) + "\n"
    assert message.message["subject"] == as_header(f"{values['first_name']}: {values['company']}")
    assert len(message.message.keys()) == 11
    assert [len(part.keys()) for part in message.message.iter_parts()] == [2, 2]


def test_a_broken_surrogate_in_a_value_does_not_stop_the_message() -> None:
    values = dict.fromkeys(FIELDS, "a\ud800b")
    assert "<p>a?b.a?b</p>" in read(EMAIL.render(values, "anna@example.com", 5, DATE)).html


@given(st.text(alphabet="ab .=\té\n\r<", max_size=400))
def test_any_fixed_text_is_read_back_exactly(text: str) -> None:
    if not text.strip():
        return
    expected = as_text(text).rstrip("\n") + f"\n\nUnsubscribe: {UNSUBSCRIBE_URL}\n"
    assert rendered(text=text).text == expected


def test_a_wrong_field_names_its_part() -> None:
    for part in ("subject", "html", "text"):
        with pytest.raises(MergeError) as error:
            compiled(**{part: "Hi {{ nobody }}"})
        assert (error.value.field, error.value.line, error.value.column) == (part, 1, 4)
