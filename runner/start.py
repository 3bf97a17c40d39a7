"""What `run.py` does from the first check to the last goodbye."""

import argparse
import os
import signal
import sys
import time
from types import FrameType
from typing import Any

import config
from runner import checks, redis_server
from runner.checks import CannotStart
from runner.supervisor import Child, Supervisor
from runner.terminal import complain, leave, say

WORKERS = 2


def main(arguments: list[str]) -> int:
    """Start everything, stay until SIGINT or SIGTERM, stop everything. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="run.py", description="Start Muster: panel, workers, scheduler, Redis.")
    parser.add_argument("--demo", action="store_true", help="in an instance folder of its own, filled with examples")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    environ = dict(os.environ)
    if options.demo:
        environ["MUSTER_DEMO"] = "1"
        environ.setdefault("MUSTER_INSTANCE", str(config.ROOT / "instance-demo"))
    try:
        return _run(environ, began)
    except (CannotStart, config.ConfigError) as error:
        complain(f"Muster cannot start. {error}")
        return 1
    except OSError as error:
        complain(f"Muster cannot start. {error.strerror or error}: {error.filename or 'no file'}.")
        return 1


def _run(environ: dict[str, str], began: float) -> int:
    instance = config.instance_folder(environ)
    lock = checks.lock_instance(instance)  # held until this process ends
    checks.check_space(instance)
    settings = config.load(environ)
    checks.check_port(settings["HOST"], settings["PORT"], "MUSTER_PORT")
    if settings["DEMO"]:
        for name in ("DEMO_MAIL_PORT", "DEMO_PUSH_PORT", "DEMO_TEXT_PORT"):
            checks.check_port("127.0.0.1", settings[name], f"MUSTER_{name}")
    if environ.get("REDIS_URL"):
        checks.check_redis(environ["REDIS_URL"])
    supervisor = Supervisor()
    _stop_on_signals(supervisor)
    made = checks.Prepared()
    try:
        if not environ.get("REDIS_URL"):
            environ["REDIS_URL"] = redis_server.start(supervisor, instance)
        if settings["DEMO"] or not checks.is_prepared(settings):  # the demo is filled up at each start
            made = checks.prepare(environ, supervisor)
        first, others = _children(settings)
        _start(supervisor, first, environ)
        checks.wait_until_ready(settings["HOST"], settings["PORT"], supervisor)
        _start(supervisor, others, environ)  # not before: they import for seconds, and people wait for the panel
        if not supervisor.is_stopping:
            ready = f"ready after {time.monotonic() - began:.1f} s"
            say(f"\nMuster runs at {settings['PUBLIC_URL']} ({ready}). Ctrl-C stops it.")
        _tell_password(made)
        made = checks.Prepared()
        supervisor.watch()
    finally:
        _tell_password(made)  # the admin is there even if the rest did not start, and nobody could sign in
        supervisor.stop()
        lock.close()
    return supervisor.exit_code


def _stop_on_signals(supervisor: Supervisor) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        supervisor.request_stop()

    has_terminal = sys.stdout.isatty()

    def hang_up(number: int, frame: FrameType | None) -> None:
        if has_terminal:  # it is gone, and a word to it would end us before the others
            leave()
        stop(number, frame)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # under nohup it stays
        signal.signal(signal.SIGHUP, hang_up)


def _catcher(settings: dict[str, Any]) -> Child:
    given = {
        "port": settings["DEMO_MAIL_PORT"],
        "push-port": settings["DEMO_PUSH_PORT"],
        "text-port": settings["DEMO_TEXT_PORT"],
        "panel": config.address_here(settings["HOST"], settings["PORT"]),
        "folder": settings["INSTANCE"] / "mails",
        "text-folder": settings["INSTANCE"] / "texts",
    }
    command = ["-m", "app.providers.catcher", *(f"--{name}={value}" for name, value in given.items())]
    return Child("catcher", [sys.executable, *command], grace_seconds=5, stops=4)


def _start(supervisor: Supervisor, children: list[Child], environ: dict[str, str]) -> None:
    if not supervisor.is_stopping:
        for child in children:
            supervisor.add(child)
        supervisor.start(environ)


def _children(settings: dict[str, Any]) -> tuple[list[Child], list[Child]]:
    """The processes that start first, and the others; `stops` says in which order they end."""
    bind = config.host_and_port(settings["HOST"], settings["PORT"])
    web = [sys.executable, "-m", "gunicorn", "-c", "runner/web.py", "--bind", bind, "--no-control-socket", "wsgi:app"]
    workers = [
        Child(f"worker {number + 1}", [sys.executable, "-m", "jobs.worker"], grace_seconds=30, stops=2)
        for number in range(WORKERS)
    ]
    scheduler = Child("scheduler", [sys.executable, "-m", "jobs.scheduler"], grace_seconds=10, stops=1)
    catcher = [_catcher(settings)] if settings["DEMO"] else []
    return [Child("web", web, grace_seconds=15, stops=3), *catcher, scheduler], workers


def _tell_password(made: checks.Prepared) -> None:
    if made.admin_password:
        say(f"Sign in as admin with the password {made.admin_password}")
        say("It is shown this once only; change it in the panel under your name.")
