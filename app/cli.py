"""The flask commands (`flask --app wsgi:migrations …`): keys, people, checks."""

import os
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from app.audience import rotation as contacts
from app.channels import rotation as accounts
from app.kernel import crypto
from app.kernel.db import in_transaction, reading, transaction
from app.kernel.errors import AppError
from app.sending import journal, service, sweep

BATCH = 500
MISSING = {
    "database": "The database does not answer, or is not at this version: check DATABASE_URL, "
    "or run 'flask --app wsgi:migrations db upgrade'.",
    "redis": "Redis does not answer: check REDIS_URL.",
}

keys = AppGroup("keys", help="The keyring: what seals addresses and secrets.")


def init_app(app: Flask) -> None:
    """Add our commands to the app."""
    app.cli.add_command(keys)
    app.cli.add_command(check_config)
    app.cli.add_command(reconcile)
    app.cli.add_command(sweep_claims)
    app.cli.add_command(make_admin)


def app_without_keys() -> Flask:
    """A bare app for `keys make`: every other command needs the keys that this one makes."""
    import config

    app = Flask("app")
    app.config["INSTANCE"] = config.instance_folder(os.environ)
    app.cli.add_command(keys)
    return app


def _keyring_path() -> Path:
    import config

    if os.environ.get("MUSTER_KEYRING"):
        raise click.ClickException("The keyring comes from MUSTER_KEYRING. Change it where that is kept.")
    return config.keyring_path(Path(current_app.config["INSTANCE"]))


def _keyring_of_file() -> tuple[Path, crypto.Keyring]:
    """The key file and the keys in it, which must be those that this command seals with."""
    path, ring = _keyring_path(), crypto.keyring()
    if crypto.Keyring.parse(path.read_text()) != ring:  # changed since this command started
        raise click.ClickException(f"The key file {path} is not what this command runs with. Run it again.")
    return path, ring


@keys.command("make")
def make() -> None:
    """Make the first keys of an installation, when there are none."""
    path = _keyring_path()
    if path.exists():
        raise click.ClickException(f"The key file {path} is there already.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        crypto.write_keyring(path, crypto.Keyring.generate())
    except OSError as error:
        raise click.ClickException(f"The key file {path} cannot be written ({error.strerror}).") from error
    click.echo(f"The keys are in {path}. Back this file up: without it no address can be read.")


@keys.command("rotate")
def rotate() -> None:
    """Make a new active key; once Muster runs with it everywhere, seal everything with it (run it again)."""
    path, ring = _keyring_of_file()
    if not _sealed_with_old(ring):
        crypto.write_keyring(path, ring.rotated())
        click.echo("There is a new active key. Restart Muster, then run this command again to seal everything with it.")
        return
    done = 0
    for reseal in (contacts.reseal, contacts.reseal_chunk, accounts.reseal):
        while moved := in_transaction(reseal, BATCH):
            done += moved
    click.echo(f"{done} values are sealed with the active key now.")


def _sealed_with_old(ring: crypto.Keyring) -> int:
    if len(ring.keys) == 1:
        return 0
    with reading():
        return contacts.count_old() + accounts.count_old()


@keys.command("drop-old")
def drop_old() -> None:
    """Remove the keys that nothing is sealed with any more."""
    path, ring = _keyring_of_file()
    left = _sealed_with_old(ring)
    if left:
        raise click.ClickException(f"{left} values are still sealed with an old key. Run 'keys rotate' first.")
    crypto.write_keyring(path, ring.only_active())
    click.echo("Only the active key is left. Restart Muster.")


@click.command("check-config")
def check_config() -> None:
    """Say whether what the settings name is there; exit code 1 when not. A wrong setting ends every command."""
    from app.web import health

    found = health.missing()
    for name in found:
        click.echo(MISSING[name])
    if found:
        raise SystemExit(1)
    click.echo("The settings are right, the database is at this version, and Redis answers.")


@click.command("reconcile")
def reconcile() -> None:
    """Compare the counters of all campaigns with their recipients; exit code 1 when they differ."""
    with reading():
        differences = service.reconcile()
    for sentence in differences:
        click.echo(sentence)
    if differences:
        raise SystemExit(1)
    click.echo("The counters agree with the recipients.")


@click.command("sweep")
def sweep_claims() -> None:
    """Recover the claims of dead workers of this host now, instead of waiting for the scheduler."""
    folder = Path(current_app.config["JOURNAL_FOLDER"])
    with transaction():
        found = sweep.candidates(folder)
    recovered = 0
    for key, owner in found:
        if in_transaction(sweep.recover, key, owner, folder):
            journal.remove(folder, key)
            recovered += 1
    sweep.forget(in_transaction(sweep.free_dead_lanes, folder))
    click.echo(f"{recovered} claims were recovered.")


@click.command("make-admin")
@click.option("--name", default="admin", show_default=True)
@click.option("--email", default="admin@example.com", show_default=True)
@click.password_option(envvar="MUSTER_ADMIN_PASSWORD")
def make_admin(name: str, email: str, password: str) -> None:
    """Make a user with the role Admin when there is none (flask --app wsgi make-admin)."""
    from app.web import users

    if not hasattr(current_app, "appbuilder"):
        raise click.ClickException("This needs the whole app: run 'flask --app wsgi make-admin'.")
    try:
        with transaction():
            is_new = users.make_admin(password, name, email)
    except AppError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{name} may sign in now." if is_new else "There is an admin already.")
