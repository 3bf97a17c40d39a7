"""Messages between the gateways of the demo and invented phones, as its catcher keeps them and its inbox shows them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from app.kernel import message_folder

_WEBHOOKS = "webhooks"  # the file that says where people's answers are told; no message has such a name


@dataclass(frozen=True, slots=True)
class CaughtText:
    """One message. sender, phone: as Twilio writes them, over WhatsApp with "whatsapp:" before the number.

    text: as the phone shows it, a template filled. picture_url: what is shown above it, "" for nothing. code: why
    it did not reach the phone, in Twilio's numbers, "" when it did. is_answer: the phone wrote it.
    """

    sid: str
    account: str
    sender: str
    phone: str
    text: str
    picture_url: str = ""
    code: str = ""
    is_answer: bool = False

    def dump(self) -> bytes:
        """Its file."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()


def read(path: Path) -> CaughtText | None:
    """The message in a file; None when it was dropped meanwhile, or is none."""
    try:
        return CaughtText(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def between(folder: Path, one: CaughtText) -> list[tuple[Path, CaughtText]]:
    """All that went between the sender and the phone of this message, the oldest first."""
    ends = (one.account, one.sender, one.phone)
    found = ((path, read(path)) for path in reversed(message_folder.newest_first(folder)))
    return [(path, text) for path, text in found if text and (text.account, text.sender, text.phone) == ends]


def set_webhooks(folder: Path, addresses: dict[str, str]) -> None:
    """Note where what people answer to each sender is told, as one does in Twilio's console."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / _WEBHOOKS).write_text(json.dumps(addresses))


def webhook_of(folder: Path, sender: str) -> str:
    """Where answers to this sender are told; "" when nobody noted that."""
    try:
        return str(json.loads((folder / _WEBHOOKS).read_text()).get(sender, ""))
    except (OSError, ValueError):
        return ""
