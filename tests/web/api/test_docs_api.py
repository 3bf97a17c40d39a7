"""docs/api.md does what it says: its commands run against a live server with a worker, a scheduler and a mail sink."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from app import create_app
from app.extensions import db
from tests.conftest import empty
from tests.providers.servers import Server
from tests.web.conftest import PASSWORD, add_person

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
SECONDS = 90


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture()
def house(settings: dict[str, Any]) -> Iterator[str]:
    """The address of a running installation: web, one worker, one scheduler."""
    with ExitStack() as stack:
        app = create_app(settings)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        address = f"http://127.0.0.1:{server.server_port}"
        app.config["PUBLIC_URL"] = address
        with app.app_context():
            add_person(app, "Admin")
        stack.callback(server.server_close)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        stack.callback(serving.join)
        stack.callback(server.shutdown)
        environ = (
            os.environ | settings["ENVIRON"] | {"MUSTER_PUBLIC_URL": address, "SECRET_KEY": app.config["SECRET_KEY"]}
        )
        for module in ("jobs.worker", "jobs.scheduler"):
            process = subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=environ)
            stack.callback(_stop, process)
        yield address
    with app.app_context():
        empty(app)
        db.engine.dispose()


@pytest.mark.timeout(SECONDS + 60)
def test_the_commands_of_the_page_send_the_campaign(house: str, tmp_path: Path) -> None:
    script = "set -euo pipefail\n" + "\n".join(BLOCK.findall((ROOT / "docs" / "api.md").read_text()))
    with Server() as mail:
        place = {
            "MUSTER": house,
            "MUSTER_USER": "admin",
            "MUSTER_PASSWORD": PASSWORD,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(mail.port),
            "SMTP_SECURITY": "none",
            "SMTP_USER": "",
            "IMAP_HOST": "127.0.0.1",
        }
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=os.environ | place,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    got = [message for message in mail.accepted if message.recipient.endswith("@people.example")]
    people = ["ada", "bo", "cy", "eve"]
    assert sorted(message.recipient for message in got) == [f"{name}@people.example" for name in people]
    assert [message.recipient for message in mail.accepted].count("me@shop.example") == 2  # tests to ourselves
    by_name = {message.recipient.split("@")[0]: message.content.decode() for message in got}
    assert "Subject: Ada, spring is here" in by_name["ada"] and "Subject: Hello, spring is here" in by_name["eve"]
    assert all(f"{house}/u/" in text and "prices.txt" in text for text in by_name.values())
    assert "not an address" in (tmp_path / "bad-rows.csv").read_text()


def test_the_page_names_every_address() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    assert "/smtp_account/<id>/mailbox/check" in page
    moves = ("publish", "unpublish", "start", "stop", "end", "duplicate", "run", "test", "report", "recipients")
    for name in (
        *moves,
        "campaign_group/",
        "internal_status/",
        "mission/",
        "add_campaign",
        "results",
        "launch-check",
        "mailbox/check",
    ):
        assert f"/{name}" in page
