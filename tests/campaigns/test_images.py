"""Pictures in messages: by their content, kept once, reached by an address that cannot be guessed."""

import pytest
from flask import Flask

from app.campaigns import images
from app.kernel.errors import InvalidInput, NotFound

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
KINDS = {
    "png": (PNG, "image/png"),
    "jpeg": (b"\xff\xd8\xff\xe0abc", "image/jpeg"),
    "gif": (b"GIF89aabc", "image/gif"),
    "webp": (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'>", ""),
    "page": (b"<html>", ""),
    "pdf": (b"%PDF-1.7", ""),
}


@pytest.mark.parametrize(("data", "media_type"), KINDS.values(), ids=KINDS)
def test_a_picture_is_known_by_its_content(data: bytes, media_type: str) -> None:
    assert images.media_type_of(data) == media_type


def test_a_kept_picture_is_shown_under_its_token(app: Flask) -> None:
    image = images.keep(PNG, "maria")
    assert images.shown(image.token) == ("image/png", PNG)
    assert images.path_of(image) == f"/i/{image.token}.png"
    assert len(image.token) == 32


def test_the_same_picture_is_kept_once(app: Flask) -> None:
    assert images.keep(PNG, "maria").id == images.keep(PNG, "adam").id


@pytest.mark.parametrize("data", [b"", b"<svg/>", PNG + b"\0" * images.MAX_BYTES], ids=["empty", "drawing", "large"])
def test_anything_else_is_refused(app: Flask, data: bytes) -> None:
    with pytest.raises(InvalidInput) as error:
        images.keep(data, "maria")
    assert error.value.field == "image"


def test_an_unknown_token_shows_nothing(app: Flask) -> None:
    with pytest.raises(NotFound):
        images.shown("nothing")
