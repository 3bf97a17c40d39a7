"""Mails as they lie in a bounce mailbox, written the way real servers write them."""

OUR_ID = "<7.1.{token}@shop.example>"


def report(
    blocks: str,
    *,
    to: str = "bounces@shop.example",
    original: str = "Subject: News\n",
    kind: str = "delivery-status",
    part: str = "message/delivery-status",
    more: str = "",
) -> bytes:
    """A multipart/report (RFC 3462) with this machine-readable part and the headers of the original."""
    text = f"""From: MAILER-DAEMON@mx.people.example (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Date: Thu, 26 Nov 2026 03:00:00 +0000
Auto-Submitted: auto-replied
{more}MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind}; boundary="=_b"

--=_b
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.people.example.

--=_b
Content-Type: {part}

{blocks.strip()}

--=_b
Content-Type: message/rfc822

Return-Path: <news@shop.example>
{original}
Dear Anna

--=_b--
"""
    return text.replace("\n", "\r\n").encode()


def failed(
    status: str = "5.1.1", said: str = "smtp; 550 5.1.1 <anna@people.example>: User unknown", **more: str
) -> bytes:
    """A delivery report (RFC 3464) as Postfix writes it."""
    blocks = f"""Reporting-MTA: dns; mx.people.example
Arrival-Date: Thu, 26 Nov 2026 02:59:00 +0000 (UTC)

Final-Recipient: rfc822; anna@people.example
Original-Recipient: rfc822;anna@people.example
Action: {more.pop("action", "failed")}
Status: {status}
Diagnostic-Code: {said}
"""
    return report(blocks, **more)  # type: ignore[arg-type]


def complaint(kind: str = "abuse", **more: str) -> bytes:
    """A complaint of a person (RFC 5965)."""
    blocks = f"""Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: <anna@people.example>
"""
    return report(blocks, kind="feedback-report", part="message/feedback-report", **more)  # type: ignore[arg-type]


def plain(
    body: str,
    *,
    subject: str = "failure notice",
    sender: str = "MAILER-DAEMON@mx.people.example",
    to: str = "bounces@shop.example",
    more: str = "",
) -> bytes:
    """A mail of one text."""
    text = f"From: {sender}\nTo: {to}\nSubject: {subject}\n{more}\n{body}\n"
    return text.replace("\n", "\r\n").encode()


QMAIL = """Hi. This is the qmail-send program at mx.people.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<anna@people.example>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.
"""
EXCHANGE = """Your message did not reach some or all of the intended recipients.

      anna@people.example on 11/26/2026 3:00 AM
            The e-mail account does not exist at the organization this message was sent to.
            <mx.people.example #5.1.1>
"""
