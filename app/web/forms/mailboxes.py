"""The form of the mailbox into which the bounces of an SMTP account fall."""

from flask_babel import lazy_gettext as _l

from app.channels.bounce_mailboxes import Wanted
from app.channels.contract import Security
from app.channels.mailbox import MailProtocol
from app.channels.receipt_models import BounceMailbox
from app.web.forms.fields import PanelForm, enum_choice, line, number, secret

PROTOCOLS = {MailProtocol.IMAP: "IMAP", MailProtocol.POP3: "POP3"}
SECURITY = {
    Security.TLS: _l("TLS from the start (usual)"),
    Security.STARTTLS: "STARTTLS",
    Security.NONE: _l("none (only on this machine)"),
}


class MailboxForm(PanelForm):
    """Server and sign-in. The password is written only."""

    protocol = enum_choice(_l("Protocol"), MailProtocol, PROTOCOLS, MailProtocol.IMAP)
    host = line(_l("Server"), _l("Such as imap.example.org."), required=True)
    security = enum_choice(_l("Connection security"), Security, SECURITY, Security.TLS)
    port = number(_l("Port"), _l("Empty: the usual one."))
    username = line(_l("User name"), required=True, autocomplete="off")
    secret = secret(_l("Password"), _l("Stored encrypted and never shown. Leave it empty to keep the stored one."))

    @classmethod
    def of(cls, mailbox: BounceMailbox | None) -> "MailboxForm":
        """The form with what is stored, but for the password."""
        return cls(obj=mailbox) if mailbox is not None else cls()

    def wanted(self) -> Wanted:
        """What the person wrote."""
        return Wanted(
            MailProtocol(self.protocol.data),
            self.host.data,
            self.port.data,
            Security(self.security.data),
            self.username.data,
            self.secret.data or "",
        )
