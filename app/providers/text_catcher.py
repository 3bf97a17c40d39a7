"""A small Twilio for the demo: takes messages to phones for any account, keeps them, and lets the phones answer.

It reports and passes answers on to the panel on this machine alone, signed with the token that the messages came with,
whatever the public address of the panel is.
"""

import base64
import binascii
import http.client
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4
from xml.etree import ElementTree

from app.channels.contract import GatewaySettings
from app.kernel import caught_texts, message_folder
from app.kernel.caught_texts import CaughtText
from app.kernel.message_folder import MessageWriter
from app.providers import invented_phones, later
from app.providers.callbacks import sign_for_twilio
from app.providers.carriers import connection_to
from app.providers.later import Later
from app.providers.loopback import LoopbackHandler, serving
from app.providers.twilio_http import headers_of

MESSAGES = re.compile(r"/2010-04-01/Accounts/(\w{1,34})/Messages\.json")
ANSWERS, CONTENT = "/answers", "/v1/ContentAndApprovals"
PANEL_SECONDS = 20.0  # the panel answers within this, or is asked again


@dataclass(frozen=True, slots=True)
class _Account:
    """Who signed in."""

    sid: str
    token: str = field(repr=False)


class SmallTwilio:
    """What the phones of the demo get and say. panel: the address of the panel on this machine."""

    def __init__(self, folder: Path, panel: str, steps: Later) -> None:
        self._folder, self._panel, self._steps = folder, panel, steps
        self._writer = MessageWriter(folder, message_folder.TEXT)

    def take(self, account: _Account, form: dict[str, str]) -> CaughtText | None:
        """Keep a message, report on it a little later, and let its phone answer; None: it has no words.

        Raises OSError when it cannot be kept.
        """
        to, words = form.get("To", ""), _words(form)
        if not to or not words:
            return None
        sender = form.get("From") or form.get("MessagingServiceSid", "")
        code, picture = invented_phones.fate_of(to), form.get("MediaUrl", "")
        taken = CaughtText(_new_sid(), account.sid, sender, to, words, picture, code)
        self._writer.add(taken.dump())
        if callback := form.get("StatusCallback"):
            self._report_later(callback, account, taken)
        said, seconds = invented_phones.answer_of(to)
        if said and not code:
            mine = replace(taken, sid=_new_sid(), text=said, picture_url="", is_answer=True)
            self._steps.add(seconds, partial(self._answer_by_itself, account.token, mine))
        return taken

    def _report_later(self, callback: str, account: _Account, taken: CaughtText) -> None:
        told = {"MessageSid": taken.sid, "AccountSid": account.sid, "To": taken.phone, "From": taken.sender}
        lost = {"MessageStatus": "undelivered", "ErrorCode": taken.code}
        last = lost if taken.code else {"MessageStatus": "delivered"}
        after = invented_phones.seconds_until_told(taken.phone)
        for seconds, form in ((invented_phones.SENT_SECONDS, {"MessageStatus": "sent"}), (after, last)):
            self._steps.add(seconds, partial(self._report, callback, account.token, told | form))

    def _report(self, callback: str, token: str, form: dict[str, str]) -> bool:
        try:
            status, _body = self._call(callback, token, form)
        except OSError:
            return False
        return status < 500  # 503: the panel has not written the message down yet

    def _answer_by_itself(self, token: str, mine: CaughtText) -> bool:
        webhook = caught_texts.webhook_of(self._folder, mine.sender)
        try:
            return not webhook or self.answer(webhook, token, mine) < 500
        except OSError:
            return False

    def answer(self, webhook: str, token: str, mine: CaughtText) -> int:
        """Tell the panel what a phone wrote; returns its status. What it took is kept, with what it says to that.

        Raises OSError when the panel does not answer.
        """
        form = {"MessageSid": mine.sid, "AccountSid": mine.account, "From": mine.phone, "To": mine.sender}
        status, body = self._call(webhook, token, form | {"Body": mine.text, "NumMedia": "0"})
        if status == 200:
            self._writer.add(mine.dump())
            for words in _messages_in(body):
                self._writer.add(replace(mine, sid=_new_sid(), text=words, is_answer=False).dump())
        return status

    def _call(self, url: str, token: str, form: dict[str, str]) -> tuple[int, bytes]:
        """Post a form to the panel as Twilio does. Raises OSError."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": sign_for_twilio(token, url, form),
        }
        connection = connection_to(self._panel, PANEL_SECONDS)
        try:
            connection.request("POST", urlsplit(url).path, urlencode(form), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:
            raise OSError(type(error).__name__) from error
        finally:
            connection.close()

    def remembered(self, to: str, sender: str, since: str) -> list[dict[str, Any]]:
        """The messages to this phone from that day (2026-11-26, UTC) on, as Twilio lists them, the newest first."""
        found = []
        for path in message_folder.newest_first(self._folder):
            at = message_folder.caught_at(path)
            if at.date().isoformat() < since:
                break
            each = caught_texts.read(path)
            if each and each.phone == to and sender in ("", each.sender) and not each.is_answer:
                found.append(_listed(each, at))
        return found


def _new_sid() -> str:
    return f"SM{uuid4().hex}"


def _words(form: dict[str, str]) -> str:
    if "ContentSid" not in form:
        return form.get("Body", "")
    try:
        return invented_phones.filled(form["ContentSid"], form.get("ContentVariables", "")) or ""
    except ValueError:
        return ""


def _listed(text: CaughtText, at: datetime) -> dict[str, Any]:
    return {
        "sid": text.sid,
        "account_sid": text.account,
        "to": text.phone,
        "from": text.sender,
        "messaging_service_sid": text.sender,
        "body": text.text,
        "direction": "outbound-api",
        "status": "undelivered" if text.code else "delivered",
        "error_code": int(text.code) if text.code else None,
        "date_created": format_datetime(at),
    }


def _messages_in(twiml: bytes) -> list[str]:
    """What the panel wants said to somebody who wrote."""
    try:
        return [each.text for each in ElementTree.fromstring(twiml).iter("Message") if each.text]
    except ElementTree.ParseError:
        return []


class _Handler(LoopbackHandler):
    max_body_bytes = 64 * 1024

    def __init__(self, twilio: SmallTwilio, *args: Any) -> None:
        self._twilio = twilio
        super().__init__(*args)

    def do_POST(self) -> None:
        """Take a message, or what a visitor says in the place of a phone."""
        body = self.read_body()
        if body is None:
            return
        account, form = self._account(), dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if account is None:
            self._refuse(401, 20003, "Sign in with the account and its token.")
        elif self.path == ANSWERS:
            self._answer(account, form)
        elif place := MESSAGES.fullmatch(self.path):
            self._take(_Account(place[1], account.token), form)  # an API key signs in for its account
        else:
            self._refuse(404, 20404, "There is nothing here.")

    def do_GET(self) -> None:
        """Show the templates, or the messages to a number."""
        parts = urlsplit(self.path)
        asked = dict(parse_qsl(parts.query))
        if self._account() is None:
            self._refuse(401, 20003, "Sign in with the account and its token.")
        elif parts.path == CONTENT:
            self._say_json(200, invented_phones.TEMPLATES)
        elif MESSAGES.fullmatch(parts.path):
            found = self._twilio.remembered(asked.get("To", ""), asked.get("From", ""), asked.get("DateSent>", ""))
            self._say_json(200, {"messages": found, "next_page_uri": None})
        else:
            self._refuse(404, 20404, "There is nothing here.")

    def _take(self, account: _Account, form: dict[str, str]) -> None:
        try:
            taken = self._twilio.take(account, form)
        except OSError:
            self._refuse(503, 20503, "The message cannot be kept.")
            return
        if taken is None:
            self._refuse(400, 21602, "A message needs a recipient, and words or an approved template.")
        else:
            self._say_json(201, {"sid": taken.sid, "status": "queued", "error_code": None})

    def _answer(self, account: _Account, form: dict[str, str]) -> None:
        ends = form.get("Sender", ""), form.get("Phone", "")
        mine = CaughtText(_new_sid(), account.sid, *ends, form.get("Body", ""), is_answer=True)
        try:
            status = self._twilio.answer(form.get("Webhook", ""), account.token, mine)
        except OSError:
            status = 502
        self.say(204 if status == 200 else status)

    def _account(self) -> _Account | None:
        kind, _, pair = (self.headers.get("Authorization") or "").partition(" ")
        try:
            user, _, token = base64.b64decode(pair, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        return _Account(user, token) if kind.lower() == "basic" and user and token else None

    def _refuse(self, status: int, code: int, message: str) -> None:
        self._say_json(status, {"status": status, "code": code, "message": message})

    def _say_json(self, status: int, body: dict[str, Any]) -> None:
        self.say(status, json.dumps(body).encode(), **{"Content-Type": "application/json"})


@contextmanager
def catching(port: int, folder: Path, panel: str) -> Iterator[None]:
    """Take messages to phones on this port of the loopback interface. Raises OSError when it or the folder cannot be
    used."""
    with later.running() as steps, serving(port, partial(_Handler, SmallTwilio(folder, panel, steps))):
        yield


def answer(settings: GatewaySettings, webhook: str, phone: str, words: str) -> None:
    """Write to a gateway as the person with this phone, as Twilio passes it on. phone: as Twilio writes it. webhook:
    where the panel is told.

    Raises OSError when that does not arrive.
    """
    connection = connection_to(settings.base_url, settings.connect_timeout_seconds)
    headers = headers_of(settings) | {"Content-Type": "application/x-www-form-urlencoded"}
    form = {"Webhook": webhook, "Sender": settings.sender, "Phone": phone, "Body": words}
    try:
        connection.connect()
        connection.sock.settimeout(PANEL_SECONDS + 5)
        connection.request("POST", ANSWERS, urlencode(form), headers)
        status = connection.getresponse().status
    except http.client.HTTPException as error:
        raise OSError(type(error).__name__) from error
    finally:
        connection.close()
    if status != 204:
        raise OSError(f"status {status}")
