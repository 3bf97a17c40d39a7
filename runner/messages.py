"""`python -m runner.messages`: brings the catalogues up to date with the code's texts; with `compile` compiles them."""

import importlib.util
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "app" / "translations"
METHODS = [("static/**", "ignore"), ("front/**", "ignore"), ("**.py", "python"), ("**/templates/**.html", "jinja2")]
# An error's sentence is its first argument.
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    **dict.fromkeys(("_l", "lazy_gettext"), None),
    **dict.fromkeys(("InvalidInput", "NotFound", "NotAllowed", "Conflict", "Unavailable", "MergeError", "_bad"), None),
    **dict.fromkeys(("_lp", "lazy_pgettext"), ((1, "c"), 2)),
}
# Texts of libraries that we say ourselves because they have no Polish, or none that is good.
OWN = "app/web/borrowed.py"


def extract() -> Catalog:
    """Every text of app/ that is for people."""
    catalog = Catalog(charset="utf-8")
    for name, _line, message, _comments, context in extract_from_dir(str(ROOT / "app"), METHODS, keywords=KEYWORDS):
        catalog.add(message, None, [(f"app/{name}", 0)], context=context)
    return catalog


def ours(language: str) -> Catalog:
    """The texts that our catalogue of this language must have: those that flask-appbuilder's has not."""
    catalog, theirs = extract(), fab(language)
    for message in list(catalog):
        known = theirs.get(message.id) if message.id and not message.context else None
        if known is not None and known.string and not known.fuzzy and (OWN, 0) not in message.locations:
            catalog.delete(message.id)
    return catalog


def fab(language: str) -> Catalog:
    """The catalogue of flask-appbuilder."""
    spec = importlib.util.find_spec("flask_appbuilder")
    assert spec is not None and spec.origin is not None
    return read(Path(spec.origin).parent / "translations" / language / "LC_MESSAGES" / "messages.po")


def read(path: Path) -> Catalog:
    """A stored catalogue."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def catalogues() -> list[Path]:
    """The files of all languages."""
    return sorted(FOLDER.glob("*/LC_MESSAGES/messages.po"))


def update() -> None:
    """Add new texts, without a translation, and drop those that are gone."""
    for path in catalogues():
        catalog = read(path)
        template = ours(str(catalog.locale))
        template.creation_date = catalog.creation_date  # else every update would change the file
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        with path.open("wb") as file:
            write_po(file, catalog, width=120, include_lineno=False, sort_output=True)


def compile_all() -> None:
    """Write the compiled catalogues beside the others."""
    for path in catalogues():
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, read(path))


if __name__ == "__main__":
    compile_all() if sys.argv[1:] == ["compile"] else update()
