"""Attached files whose bytes are a program or a web page, whatever their names say."""

import pytest

from app.campaigns.document_content import refuse_programs
from app.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    "data",
    [
        b"MZ\x90\x00",
        b"\x7fELF\x02",
        b"#!/bin/sh\n",
        b"\xef\xbb\xbf<!DOCTYPE html><p>",
        b"  <html>",
        b'<?xml version="1.0"?>\n<svg onload="x()">',
        b"<!-- a --><script>",
        b"<?php echo 1;",
        "<html>".encode("utf-16"),
    ],
)
def test_a_program_or_a_page_is_refused_under_any_name(data: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        refuse_programs("offer.pdf", data)
    assert refused.value.field == "document" and "offer.pdf" in str(refused.value)


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7", b"PK\x03\x04", b"\x89PNG\r\n", b"name;city\n<b>;x", b"Dear all,\n<html> is a word"]
)
def test_what_people_send_passes(data: bytes) -> None:
    refuse_programs("offer.pdf", data)
