"""What the bytes of an attached file are, whatever its name says: programs, scripts and web pages are refused."""

import re

from app.kernel.errors import InvalidInput

LOOKED_AT = 4096
PROGRAMS = (
    b"MZ",  # Windows
    b"\x7fELF",  # Linux
    b"\xfe\xed\xfa\xce",  # macOS, and the next four
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",  # Java's classes too
    b"#!",  # scripts of a shell
    b"\x4c\x00\x00\x00\x01\x14\x02\x00",  # shortcuts of Windows
)
PAGE = re.compile(
    rb"\A\s*(<!--.*?-->\s*)*(<\?xml[^>]*>\s*)?<(!doctype\s+html|html|head|body|script|svg|iframe)\b|<\?php", re.I | re.S
)


def refuse_programs(name: str, data: bytes) -> None:
    """Raises InvalidInput for a file that a reader's machine, or a browser, would run."""
    head = data[:LOOKED_AT].removeprefix(b"\xef\xbb\xbf")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.decode("utf-16", "replace").encode()
    if head.startswith(PROGRAMS) or PAGE.search(head):
        raise InvalidInput(
            "%(name)s is a program or a web page inside, whatever its name says. Send a PDF, a picture or an office "
            "file.",
            "document",
            name=name,
        )
