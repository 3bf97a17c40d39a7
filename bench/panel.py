"""How fast the pages of the panel answer with 1,000,000 contacts and 10,000,000 ledger rows, beside an everyday house.

The real web processes (gunicorn with runner/web.py) are asked one page after the other, each over a connection of its
own; a figure is what lies between the request and the last byte of its answer. The ceiling of a page is the
same page, asked in the same way, with 30 contacts, 30 campaigns and 100 recipients in the same database before it grew.
`--sqlite` measures the embedded database, `--requests N` asks each page so often, `--contacts N` and `--recipients N`
make the large house smaller or larger.
"""

import argparse
import http.client
import re
import statistics
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

from sqlalchemy import text

from app import create_app
from app.extensions import db
from app.kernel import clock
from app.kernel.db import transaction
from app.web import security
from app.web.base import AppModelView
from app.web.lists import MOST
from bench import campaign as made
from bench import common, panel_rows

DAY = timedelta(days=1)
PORT, PASSWORD = 2531, "a long password for measurements"
FEW, CAMPAIGNS = 30, 60
PEOPLE, RECIPIENTS = 1_000_000, 10_000_000
LIST, REPORT, FIND = "list pages", "report page", "find by address"
BARS_MS = {LIST: 150, REPORT: 200, FIND: 50}
MANAGER, ADMIN = "manager", "admin"


@dataclass(frozen=True, slots=True)
class Page:
    """A page, who asks for it, and the bar it belongs to; form: what is posted."""

    name: str
    path: str
    bar: str = LIST
    person: str = MANAGER
    form: Mapping[str, str] = field(default_factory=dict)


def pages(campaign_id: int, folder_id: int) -> list[Page]:
    """What is measured."""
    month = {"from": f"{clock.utcnow():%Y-%m-01T00:00:00Z}", "until": f"{clock.utcnow() + 42 * DAY:%Y-%m-%dT00:00:00Z}"}
    contacts, report = "/contacts/list/", f"/reports/campaign/{campaign_id}"
    last = MOST // AppModelView.page_size - 1
    by_name = "_oc_ContactView=last_name&_od_ContactView=asc"
    return [
        Page("cards", "/dashboard/campaigns"),
        Page("cards, most contacts first", "/dashboard/campaigns?sort=-contacts"),
        Page("campaigns", "/campaigns/list/"),
        Page("calendar", "/calendar/"),
        Page("calendar, what lies in six weeks", f"/calendar/events?{urlencode(month)}"),
        Page("contacts", contacts),
        Page("contacts, the last page", f"{contacts}?page_ContactView={last}"),
        Page("contacts by last name", f"{contacts}?{by_name}"),
        Page("contacts by last name, the last page", f"{contacts}?{by_name}&page_ContactView={last}"),
        Page("contacts, last name starts with", f"{contacts}?_flt_0_last_name=Kowska"),
        Page("contacts, last name contains", f"{contacts}?_flt_2_last_name=kow"),
        Page("contacts, company starts with", f"{contacts}?_flt_0_company=Company+77"),
        Page("contacts of the largest folder", f"{contacts}?_flt_0_folders={folder_id}"),
        Page("contacts of it by last name", f"{contacts}?_flt_0_folders={folder_id}&{by_name}"),
        Page("folders", "/folders/list/"),
        Page("imports", "/imports/list/"),
        Page("suppressions", "/suppressions/list/"),
        Page("SMTP accounts", "/smtp-accounts/list/"),
        Page("dashboard", "/dashboard/"),
        Page("active campaigns", "/active-campaigns/"),
        Page("history", "/history/"),
        Page("removals", "/removals/list/"),
        Page("groups", "/campaign-groups/list/"),
        Page("missions", "/missions/list/"),
        Page("internal statuses", "/internal-statuses/list/"),
        Page("audit log", "/operations/audit/", person=ADMIN),
        Page("users", "/users/list/", person=ADMIN),
        Page("report", report, REPORT),
        Page("report, failed ones", f"{report}?state=Failed", REPORT),
        Page("report, twelve unconfirmed ones", f"{report}?state=Unconfirmed", REPORT),
        Page("report, counts", f"{report}/counts", REPORT),
        Page("contact by address", "/contacts/find", FIND, form={"address": "user17@example17.org"}),
    ]


class Person:
    """Somebody who is signed in."""

    def __init__(self, name: str) -> None:
        self._cookies: dict[str, str] = {}
        form = {"username": name, "password": PASSWORD, "csrf_token": self._token("/login/")}
        status, _body = self.ask("/login/", form)
        assert status == 302, status
        self.token = self._token("/contacts/find")

    def ask(self, path: str, form: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """The status and the body of a page."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        with closing(http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)) as connection:
            if form is None:
                connection.request("GET", path, headers=headers)
            else:
                headers |= {"Content-Type": "application/x-www-form-urlencoded"}
                connection.request("POST", path, urlencode(form), headers)
            answer = connection.getresponse()
            body = answer.read()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _sign, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, body

    def _token(self, path: str) -> str:
        _status, body = self.ask(path)
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', body.decode())
        assert found, path
        return found[1]


def add_users() -> None:
    """The two who ask, and thirty more."""
    panel = create_app()
    with panel.app_context():
        sm = panel.appbuilder.sm  # type: ignore[attr-defined]
        more = [(f"person{number}", security.ANALYST) for number in range(FEW)]
        for name, role in [(MANAGER, security.MANAGER), (ADMIN, "Admin"), *more]:
            assert sm.add_user(name, "Some", "Body", f"{name}@example.org", sm.find_role(role), password=PASSWORD)
        db.session.remove()
        db.engine.dispose()


def few() -> int:
    """An everyday house; the id of its campaign."""
    panel_rows.add_numbers()
    account_id = made.add_account(25, 4)
    panel_rows.add_people(FEW)
    panel_rows.add_folders(FEW, 3, FEW)
    panel_rows.add_small_things(FEW)
    panel_rows.add_suppressions(FEW)
    return panel_rows.add_campaigns(FEW, 100, account_id)[0]


def many(people: int, recipients: int) -> int:
    """The large one; the id of its largest campaign, which has all but a few of the recipients."""
    account_id = made.add_account(25, 4)
    panel_rows.add_people(people)
    panel_rows.add_folders(FEW, people // 50, people)
    panel_rows.add_suppressions(people // 5)
    panel_rows.add_campaigns(CAMPAIGNS - 1, 100, account_id)
    largest = panel_rows.add_campaigns(1, recipients, account_id)[0]
    with transaction():
        is_sqlite = db.engine.dialect.name == "sqlite"
        analyze = "ANALYZE" if is_sqlite else "ANALYZE TABLE contact, contact_folder, campaign_recipient, suppression"
        db.session.execute(text(analyze))
    return largest


def ask_all(people: Mapping[str, Person], asked: list[Page], times: int) -> dict[str, list[float]]:
    """Milliseconds of each page, in rounds over all pages, so that a busy moment meets them all."""
    found: dict[str, list[float]] = {page.name: [] for page in asked}
    for number in range(times + 4):
        for page in asked:
            person = people[page.person]
            form = page.form | {"csrf_token": person.token} if page.form else None
            began = time.perf_counter()
            status, body = person.ask(page.path, form)
            took = 1000 * (time.perf_counter() - began)
            assert status == 200, (page.name, status, body[:300])
            if number >= 4:  # each of two processes compiles its templates at the first one
                found[page.name].append(took)
    return found


def p95(figures: list[float]) -> float:
    """What 95 of a hundred stay under."""
    return statistics.quantiles(figures, n=20)[-1]


def show(asked: list[Page], small: dict[str, list[float]], large: dict[str, list[float]]) -> None:
    """The table, and one result line for each bar, of its slowest page."""
    print(f"{'page':40} {'p50':>8} {'p95':>8} {'p95, everyday':>14}")
    for page in asked:
        fast, slow = small[page.name], large[page.name]
        print(f"{page.name:40} {common.median(slow):8.1f} {p95(slow):8.1f} {p95(fast):14.1f}", flush=True)
    for bar, milliseconds in BARS_MS.items():
        worst = max((page.name for page in asked if page.bar == bar), key=lambda name: p95(large[name]))
        figure = p95(large[worst])
        name = f"panel, {bar} (slowest: {worst})"
        common.result(name, figure, "ms at p95", figure / p95(small[worst]), milliseconds, figure < milliseconds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sqlite", action="store_true")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--contacts", type=int, default=PEOPLE)
    parser.add_argument("--recipients", type=int, default=RECIPIENTS)
    given = parser.parse_args()
    with ExitStack() as stack:
        house = stack.enter_context(common.house("panel", on_sqlite=given.sqlite))
        add_users()
        everyday = few()
        bind = ["--bind", f"127.0.0.1:{PORT}", "--no-control-socket", "wsgi:app"]
        web = [sys.executable, "-m", "gunicorn", "-c", "runner/web.py", *bind]
        stack.enter_context(common.process(web, house.environ))
        common.wait_for_port(PORT, 60)
        people = {name: Person(name) for name in (MANAGER, ADMIN)}
        small = ask_all(people, pages(everyday, panel_rows.largest_folder()), given.requests)
        began = time.monotonic()
        largest = many(given.contacts, given.recipients)
        took = time.monotonic() - began
        print(f"{given.contacts:,} contacts and {given.recipients:,} recipients in {took:.0f} s", flush=True)
        asked = pages(largest, panel_rows.largest_folder())
        show(asked, small, ask_all(people, asked, given.requests))


if __name__ == "__main__":
    main()
