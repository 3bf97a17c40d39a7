"""The test bed itself: it empties everything, and a skipped test is no success in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from app.audience.models import Folder
from app.channels.models import SmtpAccount
from app.extensions import db
from app.kernel import queues
from app.kernel.db import transaction
from tests import conftest, factories

ROOT = Path(__file__).parents[1]
SKIPS = {
    "test_by_mark.py": "import pytest\n@pytest.mark.skip\ndef test_it():\n    pass\n",
    "test_while_running.py": "import pytest\ndef test_it():\n    pytest.skip('no reason')\n",
    "test_module.py": "import pytest\npytest.skip('no reason', allow_module_level=True)\n",
}


def test_nothing_of_a_test_is_left(app: Flask) -> None:
    with transaction():
        factories.ready_campaign(people=3)
    queues.redis().set("left", 1)
    conftest.empty(app)
    for table in (Folder, SmtpAccount):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(table)) == 0
    assert queues.redis().keys("*") == []


@pytest.mark.mariadb
def test_a_lock_that_a_test_left_is_broken(app: Flask) -> None:
    with transaction():
        factories.folder("held")
    with db.engine.connect() as forgotten:
        forgotten.execute(sa.update(Folder).values(name="still held"))
        conftest.empty(app)
        forgotten.invalidate()
    assert db.session.scalar(sa.select(Folder.id)) is None


def test_every_kind_of_skip_is_a_failure_in_ci(tmp_path: Path) -> None:
    for name, source in SKIPS.items():
        (tmp_path / name).write_text(source)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-c", os.devnull]
    ran = subprocess.run(
        [*command, "--continue-on-collection-errors", f"--rootdir={tmp_path}", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"CI": "true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "1 failed, 2 errors" in ran.stdout, ran.stdout + ran.stderr
