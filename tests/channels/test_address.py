"""E-mail addresses: what is one, how it is compared, shown and sent."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from app.channels import address
from app.channels.address import display_email, email_domain, needs_smtputf8, normalise_email, wire_address
from app.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("anna@example.com", "anna@example.com"),
        ("  Anna.Smith+News@Example.COM\t", "anna.smith+news@example.com"),
        ("\u200banna@example.com\xa0", "anna@example.com"),
        ("\ufeffanna@example.com\r\n", "anna@example.com"),
        ("\u202aanna@example.com\u202c", "anna@example.com"),
        ("anna_1-x@sub.example-shop.co.uk", "anna_1-x@sub.example-shop.co.uk"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("1@123.example.com", "1@123.example.com"),
        ("user@bücher.example", "user@xn--bcher-kva.example"),
        ("user@xn--bcher-kva.example", "user@xn--bcher-kva.example"),
        ("USER@BÜCHER.example", "user@xn--bcher-kva.example"),
        ("üser@example.org", "üser@example.org"),
        ("u\u0308ser@example.org", "üser@example.org"),
        ("pound£@example.com", "pound£@example.com"),
        ("x@аpple.com", "x@xn--pple-43d.com"),
        ("用户@例子.公司", "用户@xn--fsqu00a.xn--55qx5d"),
        ("x" * 64 + "@example.com", "x" * 64 + "@example.com"),
    ],
)
def test_an_address_is_normalised(text: str, email: str) -> None:
    assert normalise_email(text) == email
    assert normalise_email(email) == email


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no e-mail address"),
        ("\u200b \ufeff", "no e-mail address"),
        ("a@x.example, b@y.example", "more than one"),
        ("a@x.example b@y.example", "more than one"),
        ("a@x.example;b@y.example", "more than one"),
        ("Outlook Contact <anna@example.com>", "without a name"),
        ("<anna@example.com>", "without a name"),
        ("mailto:anna@example.com", "mailto:"),
        ('"x"@y.example\r\nBcc: z@w.example', "line break"),
        ("anna@example.com\nBcc: z", "line break"),
        ("anna\x00@example.com", "control character"),
        ("anna\u2028@example.com", "line break"),
        ("anna.example.com", "@ sign"),
        ("a@b", "must have a dot"),
        ("a@localhost", "must have a dot"),
        ("a@[127.0.0.1]", "must be a name"),
        ("email@123.123.123.123", "must be a name"),
        ("x" * 65 + "@example.com", "longer than 64"),
        ("ü" * 33 + "@example.com", "longer than 64"),
        ("a@" + "x" * 60 + ("." + "y" * 60) * 4 + ".com", "longer than 254"),
        ("a@" + "x" * 400 + ".com", "longer than 254"),
        ("x" * 5000, "@ sign"),
        *(
            (bad, "")
            for bad in (
                "@example.com",
                "email@",
                "email@example@example.com",
                ".email@example.com",
                "email.@example.com",
                "email..email@example.com",
                "two-dots..in-local@example.com",
                "email@example.com (Joe Smith)",
                "email@-example.com",
                "email@example-.com",
                "email@example..com",
                "email@.example.com",
                "email@example.com.",
                "email@ex ample.com",
                "em ail@example.com",
                "email@example.com;",
                "trailing-comma@example.com,",
                '"quoted"@example.com',
                "back\\slash@example.com",
                "comma,in-local@example.com",
                "colon:in-local@example.com",
                "brackets(in)local@example.com",
                "brackets-in-domain@exa[mple].com",
                "underscore@exa_mple.com",
                "email@example.com/path",
                "email@https://example.com",
                "email@xn---bad.example",
                "email@xn--zzzzzz.example",
                "email@domain-with-a-label-" + "x" * 50 + ".com",
                "email@example.123",
                "email@nowhere.invalid",
                "email@nowhere.test",
                "email@printer.local",
                "email@example.com\u200bx@y",
            )
        ),
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as error:
        normalise_email(text)
    assert says in str(error.value)
    assert error.value.field == "email"
    assert str(error.value).endswith(".")


_LABELS = st.text(alphabet="abz019-", min_size=1, max_size=6) | st.sampled_from(["xn--a", "x" * 63, "x" * 64])
_ENDS = st.sampled_from(["com", "example", "test", "local", "localhost", "invalid", "onion", "arpa", "c0m", "1", "zz"])


@given(st.text(alphabet="abz019._+-'!", min_size=1, max_size=66), st.lists(_LABELS, min_size=0, max_size=3), _ENDS)
def test_the_quick_check_accepts_nothing_that_the_library_refuses(local: str, labels: list[str], end: str) -> None:
    text = f"{local}@{'.'.join([*labels, end])}"
    if address._PLAIN_EMAIL.fullmatch(text):
        try:
            assert validate_email(text, check_deliverability=False).normalized == text
        except EmailNotValidError as error:
            pytest.fail(f"{text}: {error}")


@given(st.text(max_size=20), st.sampled_from(["example.com", "bücher.example", "ß.example", "例子.公司"]))
def test_normalising_twice_changes_nothing_more(local: str, domain: str) -> None:
    try:
        email = normalise_email(f"{local}@{domain}")
    except InvalidInput:
        return
    assert normalise_email(email) == email
    assert normalise_email(display_email(email)) == email
    assert email_domain(email).isascii()


@given(st.text())
def test_any_text_is_an_address_or_refused_with_a_sentence(text: str) -> None:
    for given_text in (text, f"{text}@example.com", f"a@{text}"):
        try:
            assert "@" in normalise_email(given_text)
        except InvalidInput as error:
            assert str(error)


def test_people_see_the_domain_in_its_own_script() -> None:
    assert display_email("user@xn--bcher-kva.example") == "user@bücher.example"
    assert display_email("anna@example.com") == "anna@example.com"
    assert display_email("x@xn--zzzzzz.example") == "x@xn--zzzzzz.example"


def test_on_the_wire_the_domain_is_punycode() -> None:
    assert wire_address("user@xn--bcher-kva.example") == b"user@xn--bcher-kva.example"
    assert wire_address("user@bücher.example") == b"user@xn--bcher-kva.example"
    assert wire_address("o'brien+x@example.com") == b"o'brien+x@example.com"
    assert wire_address("üser@example.org") == "üser@example.org".encode()
    with pytest.raises(InvalidInput):
        wire_address("a@x.example>\r\nRCPT TO:<b@y.example")


def test_only_a_local_part_beyond_ascii_needs_smtputf8() -> None:
    assert needs_smtputf8("üser@example.org")
    assert not needs_smtputf8("user@bücher.example")
    assert not needs_smtputf8("anna@example.com")
