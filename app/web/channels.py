"""How the panel shows each channel: its name, its icon, and the words for its first sender."""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.channels.contract import Channel

ICONS = {
    Channel.EMAIL: "mail",
    Channel.SMS: "message-square",
    Channel.WHATSAPP: "message-circle",
    Channel.PUSH: "bell-ring",
}
NAMES: dict[Channel, Any] = {
    Channel.EMAIL: _l("E-mail"),
    Channel.SMS: _l("Text message"),
    Channel.WHATSAPP: _l("WhatsApp"),
    Channel.PUSH: _l("Web push"),
}
ADD_SENDER: dict[Channel, Any] = {
    Channel.EMAIL: _l("Add an SMTP account"),
    Channel.SMS: _l("Add a gateway"),
    Channel.WHATSAPP: _l("Add a gateway for WhatsApp"),
    Channel.PUSH: _l("Make the keys of web push"),
}
NO_SENDER: dict[Channel, Any] = {
    Channel.EMAIL: _l("An e-mail campaign needs an SMTP account, and there is none yet."),
    Channel.SMS: _l("A campaign of text messages needs a gateway, and there is none yet."),
    Channel.WHATSAPP: _l("A WhatsApp campaign needs a gateway for WhatsApp, and there is none yet."),
    Channel.PUSH: _l("Web push has no keys yet. Start Muster with run.py once."),
}
