"""What providers call us with, and how they want to be answered, and how the Twilio of the demo signs."""

from collections.abc import Mapping

from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse


def is_of_twilio(token: str, url: str, form: Mapping[str, str], signature: str) -> bool:
    """Whether Twilio signed this request (https://www.twilio.com/docs/usage/security).

    token: the auth token of the account. url: the address as Twilio was given it, whatever a proxy made of it.
    """
    return bool(RequestValidator(token).validate(url, dict(form), signature))


def sign_for_twilio(token: str, url: str, form: Mapping[str, str]) -> str:
    """The signature with which Twilio would send this form to that address."""
    return str(RequestValidator(token).compute_signature(url, dict(form)))


def answer_for_twilio(text: str) -> str:
    """What Twilio is to say to somebody who wrote, in its own language; "" is nothing."""
    answer = MessagingResponse()
    if text:
        answer.message(text)
    return str(answer)
