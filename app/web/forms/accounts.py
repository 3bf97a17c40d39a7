"""The form of an SMTP account."""

from app.channels.contract import Security
from app.web.forms.fields import PanelForm, check_box, choice, enum_choice, line, number, secret, secret_area

SECURITY = {
    Security.STARTTLS: "STARTTLS (usual on port 587)",
    Security.TLS: "TLS from the start (usual on port 465)",
    Security.NONE: "none (only inside your own network)",
}
AUTH = (
    ("auto", "what the server offers"),
    ("plain", "PLAIN"),
    ("login", "LOGIN"),
    ("xoauth2", "XOAUTH2 (the password is an access token)"),
)


class AccountForm(PanelForm):
    """Server, sign-in, sender and limits. The password is written only."""

    name = line("Name", "How you call this account in the panel.")
    host = line("Server", "Such as smtp.example.org.")
    port = number("Port", default=587)
    security = enum_choice("Connection security", Security, SECURITY, Security.STARTTLS)
    username = line("User name", "Empty when the server asks for none.", autocomplete="off")
    secret = secret("Password", "Stored encrypted and never shown. Leave it empty to keep the stored one.")
    auth = choice("Sign-in method", AUTH, default="auto")
    from_name = line("Sender name")
    from_email = line("Sender address")
    reply_to = line("Reply-to address", "Empty: answers go to the sender address.")
    max_connections = number("Connections at once", "How many connections all workers together may open.", 8)
    messages_per_connection = number("Messages per connection", "After so many a new connection is opened.", 500)
    per_second = number("At most per second", "Empty: no limit.")
    per_minute = number("At most per minute", "Empty: no limit.")
    per_hour = number("At most per hour", "Empty: no limit.")
    per_day = number("At most in 24 hours", "Empty: no limit.")
    dkim_domain = line("DKIM domain", "To sign the messages: the domain of the sender address. Empty: no signature.")
    dkim_selector = line("DKIM selector", "A name for the key, such as muster1.")
    dkim_key = secret_area(
        "DKIM private key (PEM)",
        "Empty: the stored key is kept, or a new one is made. Stored encrypted and never shown; "
        "the record for your DNS stands on the page of the account.",
    )
    is_enabled = check_box("Enabled", "A disabled account sends nothing.", True)
