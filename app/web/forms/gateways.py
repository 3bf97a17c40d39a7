"""The form of a gateway."""

from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from wtforms import DecimalField
from wtforms.validators import Optional

from app.channels.contract import Channel
from app.channels.models import Gateway
from app.extensions import db
from app.web.asked import row_id
from app.web.channels import NAMES
from app.web.forms.fields import PanelForm, check_box, choice, line, number, secret

MICROS = 1_000_000
SECTIONS: list[tuple[Any, dict[str, list[str]]]] = [
    (_l("Twilio account"), {"fields": ["name", "account_sid", "key_sid", "secret"]}),
    (_l("Sender"), {"fields": ["channel", "sender", "is_enabled"]}),
    (_l("Limits"), {"fields": ["per_second", "per_minute", "per_hour", "per_day", "max_connections"]}),
    (_l("Costs"), {"fields": ["segment_price", "currency"]}),
]


class GatewayForm(PanelForm):
    """Account, sender, limits and price. The token is written only."""

    name = line(_l("Name"), _l("How you call this gateway in the panel."), required=True)
    account_sid = line(
        _l("Account SID"), _l("From Twilio's console, begins with AC."), required=True, autocomplete="off"
    )
    key_sid = line(
        _l("API key SID"),
        _l("Begins with SK. Empty: the account's own token is used. A key can be taken back alone, so it is better."),
        autocomplete="off",
    )
    secret = secret(
        _l("Auth token or secret of the key"),
        _l(
            "Stored encrypted and never shown. Empty: the stored one stays, and a new gateway takes that of another "
            "gateway of the account. A changed one is stored for all gateways of the account."
        ),
    )
    channel = choice(
        _l("Sends"),
        [(channel.value, NAMES[channel]) for channel in (Channel.SMS, Channel.WHATSAPP)],
        _l("Stays as it is once the gateway was created."),
        default=Channel.SMS.value,
    )
    sender = line(
        _l("Sender"),
        _l("A number such as +44 7700 900123, a messaging service (MG…), a short code, or a name of 11 characters."),
        required=True,
    )
    per_second = number(_l("At most per second"), _l("Empty: no limit."))
    per_minute = number(_l("At most per minute"), _l("Empty: no limit."))
    per_hour = number(_l("At most per hour"), _l("Empty: no limit."))
    per_day = number(_l("At most in 24 hours"), _l("Empty: no limit."))
    max_connections = number(
        _l("Requests at once"), _l("How many all workers together may make. Up to four of them share these."), 64
    )
    segment_price = DecimalField(
        _l("Price of a segment"),
        description=_l("Over WhatsApp that of a message. For the estimate before a start. Empty: no estimate."),
        places=None,
        validators=[Optional()],
        render_kw={"class": "form-control", "inputmode": "decimal"},
    )
    currency = line(_l("Currency"), _l("Three letters, such as EUR."), maxlength=3)
    is_enabled = check_box(_l("Enabled"), _l("A disabled gateway sends nothing."), True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """A new one for the account of the gateway that the address of the page names begins with that account."""
        super().__init__(*args, **kwargs)
        like = db.session.get(Gateway, row_id(request.args.get("like", "")) or 0) if request.method == "GET" else None
        if like is not None:
            self.account_sid.data, self.key_sid.data = like.account_sid, like.key_sid


def in_micros(price: Decimal | None) -> int | None:
    """A price in millionths; one with more places is rounded."""
    return None if price is None or not price.is_finite() else int((price * MICROS).to_integral_value())


def from_micros(micros: int | None) -> Decimal | None:
    """The price as people write it."""
    return None if micros is None else (Decimal(micros) / MICROS).normalize()
