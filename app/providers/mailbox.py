"""A mailbox that receives bounces, visited over IMAP or POP3 (channels.mailbox.Mailbox)."""

import imaplib
import ssl
from collections.abc import Collection

from app.channels.mailbox import Judge, MailboxReport, MailboxSettings, MailProtocol
from app.kernel.texts import N_
from app.providers import imap, pop3
from app.providers.smtp_replies import ConnectionFailed, printable

VISITS = {MailProtocol.IMAP: imap.visit, MailProtocol.POP3: pop3.visit}
PROBLEM_LENGTH = 255


class _Mailbox:
    """One mailbox."""

    def __init__(self, settings: MailboxSettings) -> None:
        self._settings = settings

    def visit(self, judge: Judge, left_over: Collection[str]) -> MailboxReport:
        """Show every new mail to judge, and say what went wrong."""
        left, problem = list(left_over), ""
        try:
            VISITS[self._settings.protocol](self._settings, judge, left)
        except ConnectionFailed as failure:
            problem = failure.detail
        except (imaplib.IMAP4.error, pop3.Refused) as error:
            problem = N_("The server refused: %(answer)s", answer=_words(error) or "–")
        except ssl.SSLCertVerificationError as error:
            host, why = self._settings.host, error.verify_message
            problem = N_("The certificate of %(host)s is not valid: %(why)s.", host=host, why=why)
        except TimeoutError:
            problem = N_(
                "%(name)s does not answer (%(answer)s)", name=self._settings.host, answer=N_("no answer in time")
            )
        except (OSError, ValueError) as error:  # a name that is none is a ValueError
            problem = N_("The connection to %(host)s broke: %(why)s.", host=self._settings.host, why=_words(error))
        return MailboxReport(tuple(left), problem[:PROBLEM_LENGTH])


def _words(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return printable(text).removeprefix("b'").removesuffix("'").rstrip(".")


def open_mailbox(settings: MailboxSettings) -> _Mailbox:
    """The mailbox of these settings."""
    return _Mailbox(settings)
