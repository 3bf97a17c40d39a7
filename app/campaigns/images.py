"""Pictures in messages: taken in when they are what they say, and read by their address. Flushes, never commits."""

import hashlib
import secrets

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.campaigns.models import MessageImage
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import InvalidInput, NotFound

MAX_BYTES = 2 * 2**20
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}


def media_type_of(data: bytes) -> str:
    """What kind of picture these bytes are, "" for anything else. SVG is none: it may hold scripts."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""


def keep(data: bytes, by: str) -> MessageImage:
    """Take in a picture; the same bytes are kept once. Raises InvalidInput saying what to do."""
    if not data:
        raise InvalidInput("The file is empty. Choose another one.", "image")
    if len(data) > MAX_BYTES:
        raise InvalidInput("The picture is larger than 2 MB. Make it smaller: 1200 points are wide enough.", "image")
    media_type = media_type_of(data)
    if not media_type:
        raise InvalidInput("This is no PNG, JPEG, GIF or WebP picture. Save it as one of these and try again.", "image")
    digest = hashlib.sha256(data).digest()
    image = MessageImage(
        token=secrets.token_urlsafe(24), sha256=digest, media_type=media_type, data=data, created_by=by
    )
    image.created_at = clock.utcnow()
    return _same(digest) or _added(image)


def _same(digest: bytes) -> MessageImage | None:
    return db.session.scalar(select(MessageImage).where(MessageImage.sha256 == digest))


def _added(image: MessageImage) -> MessageImage:
    try:
        with db.session.begin_nested():
            db.session.add(image)
    except IntegrityError:
        same = _same(image.sha256)  # somebody else was faster with the same picture
        if same is None:
            raise
        return same
    return image


def path_of(image: MessageImage) -> str:
    """Where it is shown, below the public address."""
    return f"/i/{image.token}.{ENDINGS[image.media_type]}"


def shown(token: str) -> tuple[str, bytes]:
    """The media type and the bytes of the picture with this token. Raises NotFound."""
    columns = select(MessageImage.media_type, MessageImage.data).where(MessageImage.token == token)
    found = db.session.execute(columns).first()
    if found is None:
        raise NotFound("There is no such picture.")
    return found[0], found[1]
