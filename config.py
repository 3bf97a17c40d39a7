"""Reads the environment once, checks it and names what is wrong. Everything else reads app.config."""

import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from app.kernel.crypto import Keyring, KeyringError, write_keyring

ROOT = Path(__file__).resolve().parent
TWILIO = "app.providers.twilio_sms.TwilioTransport"
SENDERS = {
    "email": "app.providers.smtp.SmtpTransport",
    "sms": TWILIO,
    "whatsapp": TWILIO,
    "push": "app.providers.web_push.WebPushTransport",
}
FETCH = "app.providers.fetch.fetch"
MAILBOX = "app.providers.mailbox.open_mailbox"
DNS = "app.providers.dns.records_at"
CONTENT_SOURCE = "app.providers.twilio_content.templates"
TEXT_HISTORY = "app.providers.twilio_history.messages_to"
DEMO_ANSWER = "app.providers.text_catcher.answer"
TWILIO_URL, TWILIO_CONTENT_URL = "https://api.twilio.com", "https://content.twilio.com"
# whose push services we call: those of Chrome, Edge, Firefox and Safari
PUSH_SERVICES = "fcm.googleapis.com notify.windows.com push.services.mozilla.com push.apple.com"


class ConfigError(Exception):
    """Something in the environment is missing or wrong; the sentence says what to set."""


def instance_folder(environ: Mapping[str, str]) -> Path:
    """The folder that holds everything this installation must keep."""
    return Path(environ.get("MUSTER_INSTANCE") or ROOT / "instance").resolve()


def load(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The Flask configuration for this environment. Makes keys in the instance folder when there are none.

    Raises ConfigError with one sentence that says what to do.
    """
    instance = instance_folder(environ)
    try:
        instance.mkdir(parents=True, exist_ok=True, mode=0o700)
        secret_key = environ.get("SECRET_KEY") or _kept_secret(instance / "secret_key")
        keyring = _keyring(environ, keyring_path(instance))
    except OSError as error:
        raise ConfigError(
            f"The folder {instance} cannot be used ({error.strerror}). Free or unlock it, or set MUSTER_INSTANCE."
        ) from error
    if len(secret_key) < 32:
        raise ConfigError("SECRET_KEY is shorter than 32 characters. Set a longer random one, or unset it.")
    host, port = environ.get("MUSTER_HOST") or "127.0.0.1", _port("MUSTER_PORT", environ, 8080)
    public_url = _public_url(environ.get("MUSTER_PUBLIC_URL") or f"http://{host_and_port(host, port)}")
    return {
        "INSTANCE": instance,
        "JOURNAL_FOLDER": instance / "journal",
        "LEASE_SECONDS": _lease_seconds(environ.get("MUSTER_LEASE_SECONDS") or "30"),
        "SECRET_KEY": secret_key,
        "KEYRING": keyring,
        "HOST": host,
        "PORT": port,
        "PUBLIC_URL": public_url,
        **_demo(environ),
        "SENDERS": SENDERS,
        "MAILBOX": MAILBOX,
        "FETCH": FETCH,
        "CONTENT_SOURCE": CONTENT_SOURCE,
        "TEXT_HISTORY": TEXT_HISTORY,
        "DNS": DNS,
        "DNS_SERVER": _name_server(environ.get("MUSTER_DNS_SERVER") or ""),
        **_twilio(environ),
        "SMTP_CA_FILE": _file("MUSTER_SMTP_CA_FILE", environ),
        "REDIS_URL": environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0",
        **_database(environ.get("DATABASE_URL") or _sqlite(instance / "muster.db"), environ),
        **_panel(public_url.startswith("https://")),
    }


def keyring_path(instance: Path) -> Path:
    """Where the keyring of an instance is kept, unless MUSTER_KEYRING gives it."""
    return instance / "keyring.json"


def host_and_port(host: str, port: int) -> str:
    """Both as they stand in an address: an IPv6 host has brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def address_here(host: str, port: int) -> str:
    """Where a panel that listens there is reached on this machine."""
    return f"http://{host_and_port({'0.0.0.0': '127.0.0.1', '::': '::1'}.get(host, host), port)}"


def _kept_secret(path: Path) -> str:
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
            with contextlib.suppress(FileExistsError):  # another process made one at the same moment
                path.hardlink_to(draft)
        finally:
            draft.unlink(missing_ok=True)  # a full disk must not leave half a secret
    return path.read_text("utf-8", "replace").strip()


def _keyring(environ: Mapping[str, str], path: Path) -> Keyring:
    given = environ.get("MUSTER_KEYRING")
    try:
        if given:
            return Keyring.parse(given)
        if not path.exists():
            # With a database but without its keys every address would be lost: never make new keys then.
            if environ.get("DATABASE_URL") or (path.parent / "muster.db").exists():
                raise ConfigError(
                    f"The key file {path} is missing, and without it the stored addresses cannot be read. "
                    "Restore it from your backup, or, if this database is new, "
                    "run 'flask --app wsgi:migrations keys make'."
                )
            write_keyring(path, Keyring.generate())
        return Keyring.parse(path.read_text("utf-8", "replace"))
    except KeyringError as error:
        raise ConfigError(f"{error} ({'MUSTER_KEYRING' if given else path})") from error


def _port(name: str, environ: Mapping[str, str], usual: int) -> int:
    text = environ.get(name) or str(usual)
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ConfigError(f"{name} is {text!r}. Set a number from 1 to 65535.")
    return int(text)


def _lease_seconds(text: str) -> float:
    if not text.isdigit() or not 2 <= int(text) <= 3600:
        raise ConfigError(f"MUSTER_LEASE_SECONDS is {text!r}. Set a number of seconds from 2 to 3600.")
    return float(text)


def _public_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an IPv6 address, or a port that is none
        is_address = False
    if not is_address or re.search(r"[?#@\\\s\x00-\x1f\"'<>]", text):
        raise ConfigError(
            f"MUSTER_PUBLIC_URL is {text!r}. Set the address people reach, as https://muster.example.org."
        )
    return text.rstrip("/")


def _name_server(text: str) -> str:
    """A name server of one's own as address:port; "" asks those of the machine."""
    if text and not re.fullmatch(r"[0-9a-fA-F.:]+:[0-9]{1,5}", text):
        raise ConfigError(f"MUSTER_DNS_SERVER is {text!r}. Leave it out, or give address and port, as 10.0.0.2:53.")
    return text


def _twilio_url(text: str) -> str:
    """Twilio's own address, or a stand-in for it on this machine: the secrets of the gateways go there."""
    try:
        parts = urlsplit(text)
        is_here = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1") and bool(parts.port)
    except ValueError:
        is_here = False
    if text != TWILIO_URL and (not is_here or parts.path or parts.query or parts.fragment or parts.username):
        raise ConfigError(f"MUSTER_TWILIO_URL is {text!r}. Leave it out, or name a port here: http://127.0.0.1:4010.")
    return text


def _twilio(environ: Mapping[str, str]) -> dict[str, Any]:
    """Where Twilio is. In the demo that is the catcher whatever the environment says: no message reaches a phone."""
    given = environ.get("MUSTER_TWILIO_URL") or ""
    url, content_url = _twilio_url(given or TWILIO_URL), given or TWILIO_CONTENT_URL
    if _is_demo(environ):
        url = content_url = f"http://127.0.0.1:{_port('MUSTER_DEMO_TEXT_PORT', environ, 8027)}"
    return {"TWILIO_URL": url, "TWILIO_CONTENT_URL": content_url}


def _is_demo(environ: Mapping[str, str]) -> bool:
    return environ.get("MUSTER_DEMO") == "1"


def _demo(environ: Mapping[str, str]) -> dict[str, Any]:
    """Whether this is the demo and where its catcher listens, which is its push service and its Twilio too."""
    is_demo, push_port = _is_demo(environ), _port("MUSTER_DEMO_PUSH_PORT", environ, 8026)
    services = _push_services(environ.get("MUSTER_PUSH_SERVICES") or PUSH_SERVICES)
    return {
        "DEMO": is_demo,
        "DEMO_MAIL_PORT": _port("MUSTER_DEMO_MAIL_PORT", environ, 8025),
        "DEMO_PUSH_PORT": push_port,
        "DEMO_TEXT_PORT": _port("MUSTER_DEMO_TEXT_PORT", environ, 8027),
        "DEMO_ANSWER": DEMO_ANSWER,
        "PUSH_SERVICES": (*services, f"http://127.0.0.1:{push_port}") if is_demo else services,
    }


def _push_services(text: str) -> tuple[str, ...]:
    """Domains of push services, or a stand-in for one on this machine: subscriptions lead our requests there alone."""
    found = tuple(text.lower().split())
    for each in found:
        if not re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}|http://127\.0\.0\.1:[0-9]{1,5}", each):
            raise ConfigError(
                f"MUSTER_PUSH_SERVICES has {each!r}. Name domains with spaces between, as push.apple.com."
            )
    return found


def _file(name: str, environ: Mapping[str, str]) -> str | None:
    path = environ.get(name) or None
    if path is not None:
        try:
            Path(path).read_bytes()
        except OSError as error:
            raise ConfigError(f"The file {path} of {name} cannot be read ({error.strerror}).") from error
    return path


def _sqlite(path: Path) -> str:
    # Quoted: after a bare ? in a folder's name the rest would be taken for options, and the file be made elsewhere.
    return URL.create("sqlite", database=str(path)).render_as_string()


def _database(url: str, environ: Mapping[str, str]) -> dict[str, Any]:
    if url.startswith(("mysql://", "mariadb://")):
        url = "mysql+pymysql://" + url.split("://", 1)[1]
    try:
        has_name = bool(make_url(url).database)
    except (ArgumentError, ValueError):  # its words would repeat the password
        raise ConfigError("DATABASE_URL cannot be read. Write it as mysql://user:password@host:3306/name.") from None
    if not has_name:
        raise ConfigError("DATABASE_URL names no database after the host. Write mysql://user:password@host:3306/name.")
    if url.startswith("sqlite:"):
        options: dict[str, Any] = {"connect_args": {"timeout": 10}}
    elif url.startswith(("mysql+pymysql://", "mariadb+pymysql://")):
        connect: dict[str, Any] = {
            "charset": "utf8mb4",
            "connect_timeout": 5,
            "read_timeout": 60,
            "write_timeout": 60,
        }
        if ca_file := _file("MUSTER_DATABASE_CA_FILE", environ):
            connect |= {"ssl_ca": ca_file, "ssl_verify_cert": True, "ssl_verify_identity": True}
        options = {
            "connect_args": connect,
            "isolation_level": "READ COMMITTED",
            "pool_pre_ping": True,
            "pool_recycle": 1800,
            "pool_size": 10,
        }
    else:
        raise ConfigError("DATABASE_URL names no database that Muster knows. Use mysql://… or sqlite:///….")
    # An error of the database would tell the values of its statement, and they are people's.
    return {"SQLALCHEMY_DATABASE_URI": url, "SQLALCHEMY_ENGINE_OPTIONS": options | {"hide_parameters": True}}


def _panel(is_https: bool) -> dict[str, Any]:
    return {
        "APP_NAME": "Muster",
        "APP_ICON": "",
        "FAB_ADD_SECURITY_API": False,
        "FAB_API_SWAGGER_UI": True,
        "FAB_API_MAX_PAGE_SIZE": 100,
        "FAB_API_SHOW_STACKTRACE": False,
        "FAB_ALLOW_GET_UNSAFE_MUTATIONS": False,
        "AUTH_TYPE": 1,
        "AUTH_USER_REGISTRATION": False,
        "RATELIMIT_ENABLED": True,
        "LANGUAGES": {"en": {"flag": "gb", "name": "English"}, "pl": {"flag": "pl", "name": "Polski"}},
        "MAX_CONTENT_LENGTH": 210 * 2**20,
        "MAX_FORM_MEMORY_SIZE": 4 * 2**20,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_NAME": "__Host-session" if is_https else "muster_session",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": is_https,
        "WTF_CSRF_TIME_LIMIT": None,
    }
