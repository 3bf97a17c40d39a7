"""Which classes of Tabler the built styles have left out, because nothing of ours names them (front/used.mjs)."""

import json
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLER = ROOT / "node_modules/@tabler/core/dist/css/tabler.css"
DIST = ROOT / "app/web/static/dist"
CLASS = re.compile(r"\.([A-Za-z](?:\\.|[\w-])*)")


def built() -> Path:
    """The styles that every page of the panel has."""
    return DIST / json.loads((DIST / "manifest.json").read_text(encoding="utf-8"))["core.css"]


@cache
def left_out() -> frozenset[str]:
    """The classes that Tabler has and the built styles have not."""
    whole, kept = (set(CLASS.findall(path.read_text(encoding="utf-8"))) for path in (TABLER, built()))
    return frozenset(name.replace("\\", "") for name in whole - kept)
