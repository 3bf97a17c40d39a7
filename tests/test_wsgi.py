"""The entry of a web server and of the flask command, as processes on a machine where not everything is ready."""

import os
import subprocess
import sys
from pathlib import Path

from config import ROOT

NOBODY = "redis://127.0.0.1:1/0"  # nobody listens there, and a start must not need it
SERVE = ("-c", "import wsgi; wsgi.app.test_client().get('/healthz'); print('it serves')")
UPGRADE = ("-m", "flask", "--app", "wsgi:migrations", "db", "upgrade")


def python(instance: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the root of the project over this instance."""
    own = {
        name: value for name, value in os.environ.items() if not name.startswith(("MUSTER_", "DATABASE_", "SECRET_"))
    }
    environ = own | {"MUSTER_INSTANCE": str(instance), "REDIS_URL": NOBODY}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_the_panel_leaves_a_database_without_tables_to_the_upgrade(tmp_path: Path) -> None:
    refused = python(tmp_path, *SERVE)
    assert refused.returncode == 1
    assert refused.stderr == (
        "Muster cannot start. The database has no tables yet. Run 'flask --app wsgi:migrations db upgrade' first.\n"
    )
    upgraded = python(tmp_path, *UPGRADE)
    assert upgraded.returncode == 0, upgraded.stderr
    served = python(tmp_path, *SERVE)
    assert served.stdout == "it serves\n", served.stderr
