"""The form of an SMTP account."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import SelectField
from wtforms.fields import SelectChoice
from wtforms.validators import Optional

from app.channels import domain_pace
from app.channels.contract import Channel, Security
from app.web.forms import senders
from app.web.forms.fields import (
    LinesField,
    PanelForm,
    check_box,
    choice,
    day,
    enum_choice,
    line,
    number,
    row_choice,
    secret,
    secret_area,
)

SECURITY = {
    Security.STARTTLS: _l("STARTTLS (usual on port 587)"),
    Security.TLS: _l("TLS from the start (usual on port 465)"),
    Security.NONE: _l("none (only inside your own network)"),
}
AUTH = (
    ("auto", _l("what the server offers")),
    ("plain", "PLAIN"),
    ("login", "LOGIN"),
    ("xoauth2", _l("XOAUTH2 (the password is an access token)")),
)
# Server, port, security and, where it is always the same, the user name, from the providers' own pages.
PRESETS: dict[str, dict[str, str]] = {
    "Amazon SES (Frankfurt)": {"host": "email-smtp.eu-central-1.amazonaws.com", "port": "587", "security": "starttls"},
    "Brevo": {"host": "smtp-relay.brevo.com", "port": "587", "security": "starttls"},
    "Gmail, Google Workspace": {"host": "smtp.gmail.com", "port": "587", "security": "starttls"},
    "Mailgun (EU)": {"host": "smtp.eu.mailgun.org", "port": "587", "security": "starttls"},
    "Mailjet": {"host": "in-v3.mailjet.com", "port": "587", "security": "starttls"},
    "Microsoft 365": {"host": "smtp.office365.com", "port": "587", "security": "starttls"},
    "OVHcloud": {"host": "ssl0.ovh.net", "port": "465", "security": "tls"},
    "Postmark": {"host": "smtp.postmarkapp.com", "port": "587", "security": "starttls"},
    "SendGrid": {"host": "smtp.sendgrid.net", "port": "587", "security": "starttls", "username": "apikey"},
    "Zoho Mail (EU)": {"host": "smtp.zoho.eu", "port": "465", "security": "tls"},
}
SECTIONS: list[tuple[Any, dict[str, list[str]]]] = [
    (
        _l("Server"),
        {"fields": ["name", "preset", "host", "port", "security", "auth", "username", "secret", "stand_in_id"]},
    ),
    (_l("Sender"), {"fields": ["from_name", "from_email", "reply_to", "bounce_address", "is_enabled"]}),
    (
        _l("Limits"),
        {
            "fields": [
                "per_second",
                "per_minute",
                "per_hour",
                "per_day",
                "warm_up_begins_on",
                "warm_up_first_day",
                "warm_up_growth_percent",
                "domain_paces",
                "max_connections",
                "messages_per_connection",
            ]
        },
    ),
    (_l("Signature (DKIM)"), {"fields": ["dkim_domain", "dkim_selector", "dkim_key"]}),
]


def _preset(name: str, values: dict[str, str]) -> SelectChoice:
    return SelectChoice(name, name, {f"data-fill-{field}": value for field, value in values.items()})


class PacesField(LinesField):
    """Paces to domains, one in each line; data is what was typed."""

    def process_data(self, value: Mapping[str, int] | None) -> None:  # type: ignore[override]
        """Paces as they are stored."""
        super().process_data(domain_pace.lines(value))


class AccountForm(PanelForm):
    """Server, sign-in, sender and limits. The password is written only."""

    name = line(_l("Name"), _l("How you call this account in the panel."), required=True)
    preset = SelectField(
        _l("Provider"),
        description=_l("Fills in server, port and security. Look at your provider's page for user name and password."),
        choices=[SelectChoice("", _l("another one")), *(_preset(name, values) for name, values in PRESETS.items())],
        validate_choice=False,
        render_kw={"class": "form-control", "data-fills": True},
    )
    host = line(_l("Server"), _l("Such as smtp.example.org."), required=True)
    port = number(_l("Port"), default=587)
    security = enum_choice(_l("Connection security"), Security, SECURITY, Security.STARTTLS)
    username = line(_l("User name"), _l("Empty when the server asks for none."), autocomplete="off")
    secret = secret(_l("Password"), _l("Stored encrypted and never shown. Leave it empty to keep the stored one."))
    auth = choice(_l("Sign-in method"), AUTH, default="auto")
    stand_in_id = row_choice(
        _l("Stand-in"),
        lambda: senders.rows(Channel.EMAIL),
        _l("none"),
        _l(
            "The account over whose server the messages go while this one cannot send. They keep this sender address, "
            "so the stand-in must write for the same domain, and the SPF record of the domain must name its server."
        ),
    )
    from_name = line(_l("Sender name"))
    from_email = line(_l("Sender address"), required=True)
    reply_to = line(_l("Reply-to address"), _l("Empty: answers go to the sender address."))
    bounce_address = line(
        _l("Bounce address"),
        _l(
            "Such as bounces@example.org: servers send back there what they cannot deliver. Each message leaves with "
            "an address of its own, such as bounces+4f2a…@example.org, which must reach the same mailbox."
        ),
    )
    max_connections = number(_l("Connections at once"), _l("How many connections all workers together may open."), 8)
    messages_per_connection = number(
        _l("Messages per connection"), _l("After so many a new connection is opened."), 500
    )
    per_second = number(_l("At most per second"), _l("Empty: no limit."))
    per_minute = number(_l("At most per minute"), _l("Empty: no limit."))
    per_hour = number(_l("At most per hour"), _l("Empty: no limit."))
    per_day = number(_l("At most in 24 hours"), _l("Empty: no limit."))
    warm_up_begins_on = day(
        _l("Warm-up begins on"),
        _l(
            "For a new address or server: the first day (UTC) of a limit that grows from day to day, up to the limit "
            "in 24 hours. Empty: no warm-up."
        ),
        validators=[Optional()],
    )
    warm_up_first_day = number(_l("Messages on the first day"), default=50)
    warm_up_growth_percent = number(_l("More each day, in percent"), default=30)
    domain_paces = PacesField(
        _l("Pace to single domains"),
        description=_l(
            "One in each line, such as gmail.com 20 a minute. Who does not fit waits; all others leave meanwhile."
        ),
        render_kw={"class": "form-control", "rows": 3},
    )
    dkim_domain = line(
        _l("DKIM domain"), _l("To sign the messages: the domain of the sender address. Empty: no signature.")
    )
    dkim_selector = line(_l("DKIM selector"), _l("A name for the key, such as muster1."))
    dkim_key = secret_area(
        _l("DKIM private key (PEM)"),
        _l(
            "Empty: the stored key is kept, or a new one is made. Stored encrypted and never shown; "
            "the record for your DNS stands on the page of the account."
        ),
    )
    is_enabled = check_box(_l("Enabled"), _l("A disabled account sends nothing."), True)
