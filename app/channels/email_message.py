"""E-mails: compiled once per campaign version to a skeleton of bytes, filled per recipient."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.channels import email_headers, plain_text, quoted_printable
from app.channels.address import wire_address
from app.channels.email_content import Fill, FillKind, Links, Piece, encoded, html_pieces, text_pieces
from app.channels.merge import UNSUBSCRIBE_URL, Part, Slot, Template, fields_of, parse
from app.kernel.errors import InvalidInput

Token = Callable[[int, int], bytes]  # (campaign id, recipient number) -> URL-safe base64 without padding
Render = Callable[[Mapping[str, str], str, int, bytes], bytes]

_PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?:/[A-Za-z0-9._~/-]*)?")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}")
_SUBJECT_LIMIT = 998


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with every message. media_type such as application/pdf."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class EmailSource:
    """What a campaign version says, as people wrote it: subject, html and text are templates (merge.py).

    html empty: the message is plain text. text empty: it is made from the HTML. public_url: where our links lead.
    """

    campaign_id: int
    content_version: int
    subject: str
    html: str
    text: str
    from_name: str
    from_email: str
    reply_to: str | None
    public_url: str
    attachments: tuple[Attachment, ...]
    track_opens: bool
    track_clicks: bool


@dataclass(frozen=True, slots=True)
class CompiledEmail:
    """A campaign version ready to be filled.

    links: targets of the tracked links by their number. fields: the contact's values that it uses.
    render(values, recipient, seq, date): the finished message, CRLF lines, no line that begins with a full stop.
    values: plain text by field name, "attributes.<name>" for attributes; missing or empty gives the slot's default.
    recipient: a normalised address. date: an RFC 5322 date. render raises InvalidInput for a recipient that is none.
    """

    links: tuple[str, ...]
    fields: frozenset[str]
    render: Render


def compile_email(source: EmailSource, track_token: Token, unsubscribe_token: Token) -> CompiledEmail:
    """Check the source and make the skeleton. Raises InvalidInput (MergeError for templates) with what to change."""
    public_url = source.public_url.rstrip("/")
    if not _PUBLIC_URL.fullmatch(public_url) or len(public_url) > 300:
        raise InvalidInput(
            "The public address of this installation must look like https://news.example.com.", "public_url"
        )
    if not source.html.strip() and not source.text.strip():
        raise InvalidInput("The message is empty. Write an HTML or a plain text.", field=Part.HTML)
    subject = parse(email_headers.refuse_control(source.subject, Part.SUBJECT), Part.SUBJECT)
    if len(source.subject) > _SUBJECT_LIMIT:
        raise InvalidInput(
            "The subject is longer than %(limit)s characters. Shorten it.", Part.SUBJECT, limit=_SUBJECT_LIMIT
        )
    html = parse(source.html, Part.HTML) if source.html.strip() else None
    text = parse(source.text if source.text.strip() else plain_text.from_html(source.html), Part.TEXT)

    links = Links(public_url, is_tracking=source.track_clicks)
    html_body = html_pieces(html, links, has_pixel=source.track_opens) if html is not None else None
    text_body = text_pieces(text, links)
    pieces = [*_header(source, public_url), *_body(source, text_body, html_body), _attachments(source)]
    used = fields_of(subject) | fields_of(text) | fields_of(html or ())
    render = _renderer(_joined(pieces), _subject(subject), source.campaign_id, track_token, unsubscribe_token)
    return CompiledEmail(tuple(links.targets), used - {UNSUBSCRIBE_URL}, render)


def _header(source: EmailSource, public_url: str) -> list[bytes | Fill]:
    """Everything up to MIME-Version. The names of the fields are fixed; every fixed value was checked."""
    sender = email_headers.sender_address(source.from_email, "from_email")
    reply_to = email_headers.sender_address(source.reply_to, "reply_to") if source.reply_to else b""
    track, unsubscribe = Fill(FillKind.TRACK_TOKEN), Fill(FillKind.UNSUBSCRIBE_TOKEN)
    campaign = b"%d" % source.campaign_id
    return [
        b"Date: ",
        Fill(FillKind.DATE),
        b"\r\nFrom: " + email_headers.mailbox(source.from_name, sender) + b"\r\nTo: <",
        Fill(FillKind.RECIPIENT),
        b">\r\n" + (b"Reply-To: <" + reply_to + b">\r\n" if reply_to else b"") + b"Subject: ",
        Fill(FillKind.SUBJECT),
        b"\r\nMessage-ID: <" + campaign + b".",
        Fill(FillKind.NUMBER),
        b".",
        track,
        b"@" + sender.rpartition(b"@")[2] + b">\r\nList-Unsubscribe: <" + public_url.encode("ascii") + b"/u/",
        unsubscribe,
        b">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"  # RFC 8058
        b"Feedback-ID: "
        + campaign
        + b":%d:email:muster\r\n" % source.content_version  # Gmail's feedback loop
        + b"Precedence: bulk\r\n"  # holds back automatic answers (RFC 3834)
        b"MIME-Version: 1.0\r\n",
    ]


def _body(source: EmailSource, text: list[Piece], html: list[Piece] | None) -> list[bytes | Fill]:
    """The content: text alone (it ends with CRLF) or text and HTML; multipart/mixed is opened when files follow.

    A boundary with =_ cannot stand in quoted-printable or base64 (RFC 2045 6.7).
    """
    pieces = _part(b"plain", text)
    if html is not None:
        inner = _boundary(source, b"alternative")
        head = b'Content-Type: multipart/alternative;\r\n boundary="' + inner + b'"\r\n\r\n'
        between = b"\r\n--" + inner
        pieces = [head + between[2:] + b"\r\n", *pieces, between + b"\r\n", *_part(b"html", html), between + b"--\r\n"]
    if source.attachments:
        outer = _boundary(source, b"mixed")
        head = b'Content-Type: multipart/mixed;\r\n boundary="' + outer + b'"\r\n\r\n--' + outer + b"\r\n"
        pieces = [head, *pieces]
    return pieces


def _part(subtype: bytes, pieces: list[Piece]) -> list[bytes | Fill]:
    head = b'Content-Type: text/%b; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return [head % subtype, *encoded(pieces)]


def _boundary(source: EmailSource, name: bytes) -> bytes:
    return b"=_%b_%d_%d" % (name, source.campaign_id, source.content_version)


def _attachments(source: EmailSource) -> bytes:
    """The parts of the files and the end of multipart/mixed; nothing without files."""
    if not source.attachments:
        return b""
    boundary = b"--" + _boundary(source, b"mixed")
    parts = [boundary + b"\r\n" + _attachment(attachment) for attachment in source.attachments]
    return b"".join(parts) + boundary + b"--\r\n"


def _attachment(attachment: Attachment) -> bytes:
    media_type = attachment.media_type.lower()
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise InvalidInput(
            "The type of the file %(name)s must look like application/pdf.", "attachments", name=attachment.name[:60]
        )
    if media_type.startswith(("multipart/", "message/")):  # must not be base64 (RFC 2045 6.4)
        media_type = "application/octet-stream"
    lines = base64.encodebytes(attachment.data).replace(b"\n", b"\r\n")
    return (
        b"Content-Type: " + media_type.encode("ascii") + b"\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: " + email_headers.disposition(attachment.name) + b"\r\n\r\n" + lines
    )


def _subject(template: Template) -> Callable[[Mapping[str, str]], bytes]:
    """The function that makes the subject for a recipient's values."""
    if not fields_of(template):
        constant = email_headers.subject_value("".join(piece for piece in template if isinstance(piece, str)))
        return lambda values: constant
    parts = [(piece.field, piece.default) if isinstance(piece, Slot) else ("", piece) for piece in template]
    subject_value = email_headers.subject_value

    def subject(values: Mapping[str, str]) -> bytes:
        return subject_value("".join([values.get(field) or default if field else default for field, default in parts]))

    return subject


_ENCODERS: dict[FillKind, Callable[[str], bytes]] = {
    FillKind.TEXT: quoted_printable.text_value,
    FillKind.HTML: quoted_printable.html_value,
    FillKind.URL: quoted_printable.url_value,
    FillKind.ADDRESS: quoted_printable.address_value,
}


def _renderer(
    pieces: list[bytes | Fill],
    subject: Callable[[Mapping[str, str]], bytes],
    campaign_id: int,
    track_token: Token,
    unsubscribe_token: Token,
) -> Render:
    """The function that fills a copy of the skeleton; every distinct value is encoded once."""
    skeleton: list[bytes] = []
    holes: dict[Fill, list[int]] = {}
    for piece in pieces:
        if isinstance(piece, Fill):
            holes.setdefault(piece, []).append(len(skeleton))
        skeleton.append(b"" if isinstance(piece, Fill) else piece)
    values_at = [
        (_ENCODERS[fill.kind], fill.field, fill.default, at) for fill, at in holes.items() if fill.kind in _ENCODERS
    ]
    (date_at,) = holes[Fill(FillKind.DATE)]
    (recipient_at,) = holes[Fill(FillKind.RECIPIENT)]
    (subject_at,) = holes[Fill(FillKind.SUBJECT)]
    (number_at,) = holes[Fill(FillKind.NUMBER)]
    track_at = holes[Fill(FillKind.TRACK_TOKEN)]
    unsubscribe_at = holes[Fill(FillKind.UNSUBSCRIBE_TOKEN)]

    def render(values: Mapping[str, str], recipient: str, seq: int, date: bytes) -> bytes:
        parts = skeleton.copy()
        parts[date_at] = date
        parts[recipient_at] = wire_address(recipient)
        parts[subject_at] = subject(values)
        parts[number_at] = b"%d" % seq
        token = track_token(campaign_id, seq)
        for index in track_at:
            parts[index] = token
        token = unsubscribe_token(campaign_id, seq)
        for index in unsubscribe_at:
            parts[index] = token
        get = values.get
        for encode, field, default, at in values_at:
            value = encode(get(field) or default)
            for index in at:
                parts[index] = value
        return b"".join(parts)

    return render


def _joined(pieces: list[bytes | Fill]) -> list[bytes | Fill]:
    """The pieces with neighbouring bytes joined."""
    result: list[bytes | Fill] = []
    for piece in pieces:
        if isinstance(piece, bytes) and result and isinstance(result[-1], bytes):
            result[-1] += piece
        elif piece:
            result.append(piece)
    return result
