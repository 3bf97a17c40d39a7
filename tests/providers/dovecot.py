"""A real Dovecot on the loopback interface with one mailbox and its files in a folder of its own."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from app.channels.contract import Security
from app.channels.mailbox import MailboxSettings, MailProtocol
from tests.conftest import free_port

BINARY = shutil.which("dovecot") or "/usr/sbin/dovecot"
USER, PASSWORD = "bounces@shop.example", 'a "wörd" \\ 1'
LISTENERS = ("imap", "imaps", "pop3", "pop3s")
START_SECONDS = 20

CONFIG = """
protocols = imap pop3
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
{users}
first_valid_uid = 1
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/passwords
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail
}}
mail_location = maildir:{folder}/mail/Maildir
namespace inbox {{
  inbox = yes
  prefix = {prefix}
  separator = {separator}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
{more}
"""


@dataclass
class Dovecot:
    """A running server. ca_file: whom to trust; its certificate is for 127.0.0.1."""

    folder: Path
    ca_file: str
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in LISTENERS})
    count: int = 0

    def settings(self, protocol: MailProtocol, security: Security = Security.TLS, **values: Any) -> MailboxSettings:
        """How to visit it."""
        port = self.ports[protocol.value + ("s" if security is Security.TLS else "")]
        usual = {"username": USER, "secret": PASSWORD, "ca_file": self.ca_file, "timeout_seconds": 5.0}
        return MailboxSettings(protocol=protocol, host="127.0.0.1", port=port, security=security, **usual | values)

    def deliver(self, *mails: bytes) -> None:
        """Put mails into the inbox, the first one the oldest."""
        for mail in mails:
            self.count += 1
            path = self._inbox / "tmp" / f"{1000000000 + self.count}.M{self.count}.here"
            path.write_bytes(mail)
            shutil.chown(path, *self._owner)
            path.rename(self._inbox / "new" / path.name)

    def inbox(self) -> list[bytes]:
        """The mails that lie there and are not marked for deletion."""
        return self._mails(self._inbox)

    def put_aside(self) -> list[bytes]:
        """The mails in our folder."""
        return [mail for folder in self._inbox.glob(".*Muster") for mail in self._mails(folder)]

    def empty(self) -> None:
        """Throw all mails away."""
        for folder in (self._inbox, *self._inbox.glob(".*")):
            for path in [*folder.glob("new/*"), *folder.glob("cur/*")]:
                path.unlink()

    @property
    def _inbox(self) -> Path:
        return self.folder / "mail" / "Maildir"

    @property
    def _owner(self) -> tuple[int, int]:
        return _owner().pw_uid, _owner().pw_gid

    def _mails(self, folder: Path) -> list[bytes]:
        paths = sorted([*folder.glob("new/*"), *folder.glob("cur/*")], key=lambda path: path.name)
        return [path.read_bytes() for path in paths if "T" not in path.name.partition(":2,")[2]]


def _owner() -> pwd.struct_passwd:
    """Whose the mails are: Dovecot reads none as root."""
    return pwd.getpwnam("mail") if os.getuid() == 0 else pwd.getpwuid(os.getuid())


@contextmanager
def running(prefix: str = "", separator: str = "/", more: str = "") -> Iterator[Dovecot]:
    """A server for as long as the block lasts. more: lines of its configuration."""
    authority = trustme.CA()
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
    server = Dovecot(folder, str(folder / "ca.pem"))
    try:
        authority.cert_pem.write_to_path(server.ca_file)
        made = authority.issue_cert("127.0.0.1")
        made.private_key_pem.write_to_path(str(folder / "key.pem"))
        made.cert_chain_pems[0].write_to_path(str(folder / "certificate.pem"))
        for name in ("run", "state", *(f"mail/Maildir/{name}" for name in ("new", "cur", "tmp"))):
            (folder / name).mkdir(parents=True)
        (folder / "passwords").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        (folder / "dovecot.conf").write_text(_config(server, prefix, separator, more))
        if os.getuid() == 0:
            folder.chmod(0o755)
            for path in (folder / "mail", *(folder / "mail").rglob("*")):
                shutil.chown(path, _owner().pw_uid, _owner().pw_gid)
            (folder / "passwords").chmod(0o644)
        process = subprocess.Popen([BINARY, "-F", "-c", str(folder / "dovecot.conf")])
        try:
            _wait_for(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _config(server: Dovecot, prefix: str, separator: str, more: str) -> str:
    mine = _owner().pw_name
    users = "" if os.getuid() == 0 else f"default_internal_user = {mine}\ndefault_login_user = {mine}"
    return CONFIG.format(
        folder=server.folder,
        users=users,
        uid=_owner().pw_uid,
        gid=_owner().pw_gid,
        prefix=prefix,
        separator=separator,
        more=more,
        **server.ports,
    )


def _wait_for(server: Dovecot, process: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + START_SECONDS
    for port in server.ports.values():
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as peer:
                    if port in (server.ports["imap"], server.ports["pop3"]):
                        peer.settimeout(5)
                        assert peer.recv(100)
                    break
            except OSError:
                assert process.poll() is None and time.monotonic() < ends, (server.folder / "log").read_text()
                time.sleep(0.05)
