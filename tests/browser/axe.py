"""axe-core on the page that is open: what people with a screen reader, a keyboard or weak eyes would stumble over."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

SOURCE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = frozenset({"serious", "critical"})
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Of what is good practice beside the guidelines, that whose findings are serious: all of it takes a third of the time.
PRACTICES = ("accesskeys", "aria-dialog-name", "aria-text", "aria-treeitem-name", "label-title-only", "tabindex")
CONTRAST = "color-contrast"
PAINT = "(theme) => { document.documentElement.dataset.bsTheme = theme; }"
# What can become wrong when things are hidden, folded or squeezed.
NARROW = ("target-size", "scrollable-region-focusable", "aria-hidden-focus", "button-name", "link-name", "label")
# What a mail looks like in its frame is not ours to judge; styles are not fetched once more for rules that read them.
RUN = """([tags, practices, only]) => axe.run({exclude: [["iframe"]]}, {
    resultTypes: ["violations"], iframes: false, preload: false,
    rules: only.length ? {} : Object.fromEntries(practices.map((each) => [each, {enabled: true}])),
    runOnly: only.length ? {type: "rule", values: only} : {type: "tag", values: tags}})"""


def findings(page: Page, only: tuple[str, ...] = ()) -> list[str]:
    """The serious and critical findings, one line for each element. only: the rules to ask, else all."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(SOURCE.read_text(encoding="utf-8"))
    found = page.evaluate(RUN, [TAGS, PRACTICES, only])["violations"]
    return [_line(each, node) for each in found if each["impact"] in GRAVE for node in each["nodes"]]


def findings_in_both_looks(page: Page) -> list[str]:
    """The same, and what cannot be read in the dark."""
    found = [f"light: {each}" for each in findings(page)]
    page.evaluate(PAINT, "dark")
    found += [f"dark: {each}" for each in findings(page, only=(CONTRAST,))]
    page.evaluate(PAINT, "light")
    return found


def _line(finding: dict[str, Any], node: dict[str, Any]) -> str:
    return f"{finding['id']}: {' '.join(map(str, node['target']))}: {node['any'] and node['any'][0]['message']}"
