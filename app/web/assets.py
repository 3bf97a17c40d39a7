"""The built front end: its files by their names, served compressed and kept by browsers for ever."""

import json
import re
from pathlib import Path

from flask import Flask
from whitenoise import WhiteNoise

from app.kernel.errors import Unavailable

PREFIX = "static/dist/"
HASHED = re.compile(r"-[A-Z0-9]{8}\.\w+$")

# The icons that FAB gives its own menu entries and actions.
FAB_ICONS = {
    "fa-cogs": "shield",
    "fa-user": "user",
    "fa-user-gear": "users",
    "fa-group": "shield-check",
    "fa-lock": "key-round",
    "fa-list-alt": "list",
    "fa-link": "list-checks",
    "fa-edit": "pencil",
    "fa-copy": "copy",
}


def init_app(app: Flask) -> None:
    """Serve the built files; templates get asset(name) and the filter icon_name. Raises Unavailable without a build."""
    folder = Path(app.root_path) / "web" / "static" / "dist"
    try:
        names = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Unavailable("The front end is not built. Run 'make front' first.") from error

    def asset(name: str) -> str:
        """The address of a built file by the name of its source."""
        return f"{app.config.get('APPLICATION_ROOT', '/').rstrip('/')}/{PREFIX}{names[name]}"

    app.jinja_env.globals["asset"] = asset
    app.jinja_env.filters["icon_name"] = lambda name: FAB_ICONS.get(name, name)
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=folder,
        prefix=PREFIX,
        immutable_file_test=lambda _path, url: bool(HASHED.search(url)),
        add_headers_function=lambda headers, _path, _url: headers.add_header("X-Content-Type-Options", "nosniff"),
    )
