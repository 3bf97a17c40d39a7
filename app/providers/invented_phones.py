"""How the invented phones of the demo behave, by the last two digits of their numbers, and what templates WhatsApp has
approved for the demo: pure."""

import json
import re
from typing import Any

WHATSAPP_PREFIX = "whatsapp:"
# A phone that is switched off, a number that nobody has, a landline; over WhatsApp a number that is not there
# (https://www.twilio.com/docs/api/errors).
UNDELIVERED = {"13": "30003", "78": "30005", "97": "30006"}
UNDELIVERED_BY_WHATSAPP = {"78": "63024"}
ANSWERS = {
    "14": "STOP",
    "52": "Thank you, I will come by on Saturday.",
    "64": "Are you open on Monday too?",
    "49": "Please stop writing to me in the morning",
    "65": "HELP",
    "05": "👍",
}
SENT_SECONDS = 0.5
_PLACE = re.compile(r"\{\{(\w+)\}\}")


def fate_of(phone: str) -> str:
    """Why a message does not reach this phone, in Twilio's numbers; "" when it does."""
    codes = UNDELIVERED_BY_WHATSAPP if phone.startswith(WHATSAPP_PREFIX) else UNDELIVERED
    return codes.get(phone[-2:], "")


def seconds_until_told(phone: str) -> float:
    """How long a message is on its way to this phone, or it takes to give up: 1 to 4 seconds."""
    return 1.0 + _last_two(phone) % 30 / 10


def answer_of(phone: str) -> tuple[str, float]:
    """What the person with this phone writes back and how many seconds after a message came; "" for nothing."""
    return ANSWERS.get(phone[-2:], ""), 8.0 + _last_two(phone) % 40


def _last_two(phone: str) -> int:
    return int(phone[-2:]) if phone[-2:].isdecimal() else 0


def _template(number: int, name: str, category: str, body: str, status: str = "approved", why: str = "") -> Any:
    return {
        "sid": f"HX{number:032x}",
        "friendly_name": name,
        "language": "en",
        "variables": {place: f"({place})" for place in _PLACE.findall(body)},
        "types": {"twilio/text": {"body": body}},
        "approval_requests": {"name": name, "category": category, "status": status, "rejection_reason": why},
    }


# as the Content API lists them (GET /v1/ContentAndApprovals)
TEMPLATES: dict[str, Any] = {
    "contents": [
        _template(
            1,
            "parcel_at_the_shop",
            "UTILITY",
            "Hello {{1}}, your parcel from the Amber Shop has come to {{2}}. You can fetch it until {{3}}. Answer STOP "
            "if you want no messages from us.",
        ),
        _template(
            2,
            "new_collection",
            "MARKETING",
            "Dear {{1}}, the new collection is in the window: rings, earrings and one very large lamp. Who answers "
            "today may look first. Answer STOP if you want no messages from us.",
        ),
        _template(
            3,
            "workshop_reminder",
            "UTILITY",
            "Hello {{1}}, your workshop begins on {{2}}. Bring old clothes and good eyes. Answer STOP to cancel our "
            "messages.",
        ),
        _template(4, "birthday_present", "MARKETING", "Happy birthday, {{1}}! A present waits for you.", "pending"),
        _template(
            5,
            "last_chance",
            "MARKETING",
            "LAST CHANCE {{1}}!!!",
            "rejected",
            "The body has a variable at its end, and too many exclamation marks.",
        ),
    ],
    "meta": {"next_page_url": None},
}


def filled(content_sid: str, variables: str) -> str | None:
    """The words of a template with the values of this JSON in their places; None without such an approved template.

    Raises ValueError for what is no JSON of names and texts.
    """
    values = json.loads(variables or "{}")
    if not isinstance(values, dict):
        raise ValueError("no names")
    for each in TEMPLATES["contents"]:
        if each["sid"] == content_sid and each["approval_requests"]["status"] == "approved":
            body: str = each["types"]["twilio/text"]["body"]
            return _PLACE.sub(lambda place: str(values.get(place[1], place[0])), body)
    return None
