"""Whether a request really comes from a provider that reports on messages."""

from collections.abc import Mapping

from twilio.request_validator import RequestValidator


def is_of_twilio(token: str, url: str, form: Mapping[str, str], signature: str) -> bool:
    """Whether Twilio signed this request (https://www.twilio.com/docs/usage/security).

    token: the auth token of the account. url: the address as Twilio was given it, whatever a proxy made of it.
    """
    return bool(RequestValidator(token).validate(url, dict(form), signature))
