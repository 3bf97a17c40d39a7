"""What `run.py` does from the first check to the last goodbye."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import config
from runner import checks, redis_server
from runner.checks import CannotStart
from runner.supervisor import Child, Supervisor

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
        print(f"Muster cannot start. {error}", file=sys.stderr)
        return 1


def _run(environ: dict[str, str], began: float) -> int:
    settings = config.load(environ)
    instance: Path = settings["INSTANCE"]
    lock = checks.lock_instance(instance)  # held until this process ends
    checks.check_port(settings["HOST"], settings["PORT"], "MUSTER_PORT")
    if settings["DEMO"]:
        checks.check_port("127.0.0.1", settings["DEMO_MAIL_PORT"], "MUSTER_DEMO_MAIL_PORT")
    checks.check_space(instance)
    supervisor = Supervisor()
    _stop_on_signals(supervisor)
    try:
        if not environ.get("REDIS_URL"):
            environ["REDIS_URL"] = redis_server.start(supervisor, instance)
        if settings["DEMO"]:
            supervisor.add(_catcher(settings["DEMO_MAIL_PORT"], instance))
        report = checks.prepare(environ)
        if not supervisor.is_stopping:
            for child in _children(settings["HOST"], settings["PORT"]):
                supervisor.add(child)
            supervisor.start(environ)
            checks.wait_until_ready(settings["HOST"], settings["PORT"], supervisor)
        if not supervisor.is_stopping:
            _greet(settings["PUBLIC_URL"], report, time.monotonic() - began)
        supervisor.watch()
    finally:
        supervisor.stop()
        lock.close()
    return supervisor.exit_code


def _stop_on_signals(supervisor: Supervisor) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        supervisor.request_stop()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _catcher(port: int, instance: Path) -> Child:
    command = ["-m", "app.providers.catcher", "--port", str(port), "--folder", str(instance / "mails")]
    return Child("mail catcher", [sys.executable, *command], grace_seconds=5, stops=4)


def _children(host: str, port: int) -> list[Child]:
    """The processes in the order they start; `stops` says in which order they end: scheduler, workers, web."""
    web = [sys.executable, "-m", "gunicorn", "-c", "runner/web.py", "--bind", f"{host}:{port}", "--no-control-socket"]
    workers = [
        Child(f"worker {number + 1}", [sys.executable, "-m", "jobs.worker"], grace_seconds=30, stops=2)
        for number in range(WORKERS)
    ]
    scheduler = Child("scheduler", [sys.executable, "-m", "jobs.scheduler"], grace_seconds=10, stops=1)
    return [Child("web", [*web, "wsgi:app"], grace_seconds=15, stops=3), *workers, scheduler]


def _greet(url: str, report: checks.Prepared, seconds: float) -> None:
    print(f"\nMuster runs at {url} (ready after {seconds:.1f} s). Ctrl-C stops it.")
    if report.admin_password:
        print(f"Sign in as admin with the password {report.admin_password}")
        print("It is shown this once only; change it in the panel under your name.")
    sys.stdout.flush()
