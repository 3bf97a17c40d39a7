"""What may not happen in a window of the browser: faults of scripts and of the policy, failed or foreign requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

from tests.web.conftest import PASSWORD

DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
CLASSES = "() => [...document.querySelectorAll('[class]')].flatMap((each) => [...each.classList])"
PATIENCE_MS = 15_000  # longer than the usual five seconds: a busy machine is no fault
TELL_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) =>
    policyViolated(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));"""


class Watch:
    """Collects what goes wrong in a window. forgiven: answers of the server that the test asks for on purpose."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.faults: list[str] = []
        self.forgiven: set[int] = set()
        self._address = address
        context.expose_binding("policyViolated", self._policy)
        context.add_init_script(TELL_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.faults.append(f"{error.page and error.page.url}: {error.error}"))
        context.on("request", lambda request: self._foreign(request.url))
        context.on("response", self._response)

    def take(self) -> list[str]:
        """The faults since the last time."""
        found, self.faults = self.faults, []
        return found

    def _policy(self, source: Any, what: str) -> None:
        self.faults.append(f"{source['page'].url}: content policy: {what}")

    def _console(self, message: ConsoleMessage) -> None:
        # a failed request says so here too, without its status
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"{message.page and message.page.url}: {message.type}: {message.text}")

    def _foreign(self, url: str) -> None:
        if not url.startswith((self._address, "data:", "blob:", "about:")):
            self.faults.append(f"asked another machine: {url}")

    def _response(self, answer: Response) -> None:
        if answer.status >= 400 and answer.status not in self.forgiven:
            self.faults.append(f"{answer.status} {answer.request.method} {answer.url}")


@contextmanager
def window(browser: Browser, address: str, **options: Any) -> Iterator[tuple[BrowserContext, Watch]]:
    """A fresh window on the panel; without motion, so that nothing is looked at half-way."""
    usual = {"base_url": address, "viewport": DESKTOP, "reduced_motion": "reduce", "locale": "en-GB"}
    context = browser.new_context(**usual | options)
    context.set_default_timeout(PATIENCE_MS)
    watch = Watch(context, address)
    yield context, watch
    context.close()


def sign_in(page: Page, role: str, password: str = PASSWORD) -> None:
    """Through the form, as a person with that role."""
    page.goto("/login/")
    page.fill("#username", role.lower().replace(" ", "-"))
    page.fill("#password", password)
    page.click("[type=submit]")
    page.wait_for_url(lambda url: "/login/" not in url)
