"""The servers of this folder, as package-lock.json pins them, and Twilio's description of its API: installed by
`make test` alone, never by `make run`."""

import base64
import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path

from runner import front

HERE = Path(__file__).resolve().parent
QUIET = ("--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error")
# The package that brings the descriptions. Of it we need two files; npm would install what it runs with, too (140 MB).
PUBLISHED = "@twilio/cli-core@9.0.0"
SHA512 = "FPHm5gXAUwM2oATmQi3AGYPFz4Urg5G5/vDkpUu5WqNuwueQaS93HwXjdX1OM+miuq0LMimdfbXDTLEp4Nsjfg=="
DESCRIPTIONS = ("twilio_api_v2010.json", "twilio_content_v1.json")
FOLDER = HERE / "node_modules" / ".twilio"


def is_done() -> bool:
    """Whether all that is pinned is there."""
    last, lock = FOLDER / DESCRIPTIONS[-1], HERE / "package-lock.json"
    return last.exists() and last.stat().st_mtime >= max(lock.stat().st_mtime, Path(__file__).stat().st_mtime)


def install() -> str:
    """Install it unless it is there. Returns why that cannot be done, as a sentence, or ""."""
    if is_done():
        return ""
    try:
        _npm("ci", *QUIET)
        _fetch_descriptions()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return f"npm could not install the servers that speak as Twilio does ({error}): tests/twilio was left out."
    return ""


def _npm(*arguments: str) -> None:
    _node, npm, environ = front.tools()
    subprocess.run([*npm, *arguments], cwd=HERE, env=environ, check=True, timeout=600, stdout=subprocess.DEVNULL)


def _fetch_descriptions() -> None:
    """Raises ValueError when the package is not the one that was pinned."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _npm("pack", PUBLISHED, f"--pack-destination={folder}", *QUIET)
        (packed,) = Path(folder).iterdir()
        found = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
        if found != SHA512:
            raise ValueError(f"{PUBLISHED} is not the package that was pinned")
        with tarfile.open(packed) as archive:
            for name in DESCRIPTIONS:
                file = archive.extractfile(f"package/src/services/twilio-api/{name}")
                assert file is not None, f"{name} is no file"
                (FOLDER / name).write_bytes(file.read())
