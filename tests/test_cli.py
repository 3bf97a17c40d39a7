"""The flask commands: rotation of the keys while others read, checks, the first admin."""

import contextvars
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from app import cli, create_app
from app.audience import import_chunks, import_service
from app.audience import service as audience
from app.audience.models import Contact, ContactImport
from app.channels import service as channels
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel.crypto import CannotOpen, Keyring, write_keyring
from config import ROOT
from tests import factories

CSV = b"email,first_name\n" + b"".join(b"bo%d@people.example,Bo\n" % number for number in range(100_000))


class Installation:
    """An instance folder with a key file, over the database of the test; restart() reads the keys anew."""

    def __init__(self, settings: dict[str, Any], folder: Path) -> None:
        self.path = folder / "keyring.json"
        self._settings = settings | {"INSTANCE": folder}
        write_keyring(self.path, settings["KEYRING"])
        self.app = create_app(self._settings, with_panel=False)

    def restart(self) -> None:
        """Every process with the keys of the file."""
        self.app = self.with_ring(Keyring.parse(self.path.read_text()))

    def with_ring(self, ring: Keyring) -> Flask:
        """An app with these keys."""
        return create_app(self._settings | {"KEYRING": ring}, with_panel=False)

    def flask(self, *arguments: str) -> Result:
        """Run a command, outside the context of the test, which it would take for its own."""
        db.session.remove()
        result: Result = contextvars.Context().run(self.app.test_cli_runner().invoke, args=arguments)
        with self.app.app_context():
            db.engine.dispose()
        return result


@pytest.fixture()
def installation(app: Flask, settings: dict[str, Any], tmp_path: Path) -> Iterator[Installation]:
    """An installation with people, a secret and an import that waits."""
    factories.contacts(1200, factories.folder())
    factories.account(secret="a secret of the server", username="us")
    import_service.create(io.BytesIO(CSV), "people.csv", "tester")
    db.session.commit()
    yield Installation(settings, tmp_path)


def read_all(app: Flask) -> None:
    """Open everything that is sealed. Raises CannotOpen."""
    with app.app_context():
        for contact in db.session.query(Contact).all():
            assert audience.addresses_of(contact).email
        for account in db.session.query(SmtpAccount).all():
            assert channels.settings_of(account).secret == "a secret of the server"
        for upload in db.session.query(ContactImport).all():
            assert b"".join(import_chunks.source(upload.id, upload.uid)) == CSV
        db.session.remove()
        db.engine.dispose()


def test_keys_rotate_while_others_read(installation: Installation) -> None:
    old = Keyring.parse(installation.path.read_text())
    assert "There is a new active key. Restart Muster" in installation.flask("keys", "rotate").output
    installation.restart()
    assert "still sealed with an old key" in installation.flask("keys", "drop-old").output
    over, faults = threading.Event(), list[BaseException]()

    def read() -> None:
        reader = installation.with_ring(Keyring.parse(installation.path.read_text()))
        try:
            while not over.is_set():
                read_all(reader)
        except BaseException as error:  # noqa: BLE001  told to the test
            faults.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    rotated = installation.flask("keys", "rotate")
    over.set()
    thread.join()
    assert faults == []
    assert rotated.output.startswith("1204 values are sealed")  # 1,200 people, 1 secret, 3 pieces of the file
    assert rotated.exit_code == 0
    assert "Only the active key is left" in installation.flask("keys", "drop-old").output
    installation.restart()
    read_all(installation.app)
    ring = Keyring.parse(installation.path.read_text())
    assert (len(ring.keys), ring.permanent) == (1, old.permanent)
    with pytest.raises(CannotOpen):
        read_all(installation.with_ring(old))
    db.session.remove()


def test_old_keys_stay_as_long_as_something_needs_them(installation: Installation) -> None:
    installation.flask("keys", "rotate")
    installation.restart()
    refused = installation.flask("keys", "drop-old")
    assert refused.exit_code == 1
    assert "1204 values are still sealed with an old key. Run 'keys rotate' first." in refused.output
    assert len(Keyring.parse(installation.path.read_text()).keys) == 2


def test_a_command_that_runs_with_keys_of_yesterday_changes_no_key_file(installation: Installation) -> None:
    installation.flask("keys", "rotate")
    kept = installation.path.read_text()
    for command in ("rotate", "drop-old"):  # as a shell with an old environment would
        refused = installation.flask("keys", command)
        assert refused.exit_code == 1, command
        assert "is not what this command runs with" in refused.output
    assert installation.path.read_text() == kept


def test_keys_of_the_environment_are_changed_where_they_are_kept(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSTER_KEYRING", installation.path.read_text())
    for command in ("make", "rotate", "drop-old"):
        refused = installation.flask("keys", command)
        assert refused.exit_code == 1
        assert "comes from MUSTER_KEYRING" in refused.output


def flask_process(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The flask command as a person types it."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MUSTER_", "DATABASE_", "REDIS_"))}
    command = [sys.executable, "-m", "flask", "--app", "wsgi:migrations", *arguments]
    return subprocess.run(command, cwd=ROOT, env=own | environ, capture_output=True, text=True, timeout=60, check=False)


def test_the_first_keys_are_made_by_the_command_that_the_error_names(tmp_path: Path) -> None:
    environ = {"MUSTER_INSTANCE": str(tmp_path / "new"), "DATABASE_URL": "mysql://root@127.0.0.1:1/muster"}
    refused = flask_process("reconcile", **environ)
    assert refused.returncode == 1
    assert refused.stderr.startswith("Muster cannot start. The key file")
    assert "run 'flask --app wsgi:migrations keys make'" in refused.stderr
    assert "Traceback" not in refused.stderr
    made = flask_process("keys", "make", **environ)
    assert made.returncode == 0, made.stderr
    assert set(json.loads((tmp_path / "new" / "keyring.json").read_text())) == {"active", "keys", "permanent"}
    again = flask_process("keys", "make", **environ)
    assert again.returncode == 1
    assert "is there already" in again.stderr


def test_check_config_names_what_is_away(app: Flask, tmp_path: Path) -> None:
    assert "The settings are right" in app.test_cli_runner().invoke(args=["check-config"]).output
    environ = {"MUSTER_INSTANCE": str(tmp_path / "new"), "REDIS_URL": "redis://127.0.0.1:1/0"}
    refused = flask_process("check-config", **environ)
    assert refused.returncode == 1
    database, redis = refused.stdout.splitlines()
    assert database.startswith("The database does not answer, or is not at this version: check DATABASE_URL")
    assert redis == "Redis does not answer: check REDIS_URL."
    wrong = flask_process("check-config", MUSTER_PORT="no", **environ)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("Muster cannot start. MUSTER_PORT is 'no'")


def test_reconcile_names_what_differs(app: Flask) -> None:
    runner = app.test_cli_runner()
    assert "The counters agree" in runner.invoke(args=["reconcile"]).output
    campaign = factories.live_campaign(3)
    db.session.flush()
    from app.sending import plan, progress
    from app.sending.states import RecipientState

    plan.plan(campaign)
    progress.move(campaign.id, {RecipientState.AWAITING: 2})
    db.session.commit()
    result = runner.invoke(args=["reconcile"])
    assert result.exit_code == 1
    assert result.output == f"campaign {campaign.id}: awaiting is 5 by the counters and 3 by the rows\n"


def test_sweep_says_how_many_it_recovered(app: Flask) -> None:
    assert app.test_cli_runner().invoke(args=["sweep"]).output == "0 claims were recovered.\n"


def test_the_first_admin_is_made_once(panel: Flask) -> None:
    runner = panel.test_cli_runner()
    short = runner.invoke(args=["make-admin", "--password", "short"])
    assert short.exit_code == 1
    assert "at least 12 characters" in short.output
    made = runner.invoke(args=["make-admin", "--password", "long enough for it"])
    assert made.output == "admin may sign in now.\n"
    assert "There is an admin already" in runner.invoke(args=["make-admin", "--password", "another long one"]).output


def test_an_admin_needs_the_whole_app(app: Flask) -> None:
    refused = app.test_cli_runner().invoke(args=["make-admin", "--password", "long enough for it"])
    assert refused.exit_code == 1
    assert "flask --app wsgi make-admin" in refused.output
    assert cli.keys.help
