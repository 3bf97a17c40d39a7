"""How we sign in at Twilio."""

from base64 import b64encode

from app.channels.contract import GatewaySettings


def headers_of(settings: GatewaySettings) -> dict[str, str]:
    """What goes with every request."""
    pair = f"{settings.username}:{settings.secret}".encode()
    return {
        "Authorization": f"Basic {b64encode(pair).decode()}",
        "Accept": "application/json",
        "User-Agent": "Muster",
    }
