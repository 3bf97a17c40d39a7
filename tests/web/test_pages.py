"""Every page opens for those who may, and every form that is refused says why."""

import io
import re
from typing import Any

import pytest

from tests.web.conftest import Browser, form_of

PAGES = (
    "/dashboard/campaigns",
    "/dashboard/",
    "/active-campaigns/",
    "/history/",
    "/removals/list/",
    "/removals/find",
    "/campaigns/list/",
    "/campaign-groups/list/",
    "/campaign-groups/add",
    "/missions/list/",
    "/missions/add",
    "/internal-statuses/list/",
    "/internal-statuses/add",
    "/contacts/list/",
    "/contacts/add",
    "/contacts/find",
    "/folders/list/",
    "/folders/add",
    "/imports/list/",
    "/imports/add",
    "/suppressions/list/",
    "/suppressions/add",
    "/replies/list/",
    "/replies/find",
    "/opt-out-words/",
    "/whatsapp-templates/list/",
    "/smtp-accounts/list/",
    "/smtp-accounts/add",
    "/receipts/",
    "/receipts/sendgrid",
    "/own-holidays/list/",
    "/own-holidays/add",
    "/operations/audit/",
    "/rq/",
)


@pytest.mark.parametrize("page", PAGES)
def test_the_administrator_opens_every_page(admin: Browser, page: str) -> None:
    assert admin.get(page).status_code == 200


def in_the_form(page: str) -> str:
    """What a modal would show of a page: the form alone."""
    return page.partition('id="model_form"')[2].partition("</form>")[0]


@pytest.mark.parametrize(
    ("page", "wrong", "named"),
    [
        ("/contacts/find", {"address": "nobody"}, ["address"]),
        ("/contacts/add", {"email": "nobody"}, ["email"]),
        ("/smtp-accounts/add", {"name": " ", "host": ""}, ["name", "host", "from_email"]),
        ("/missions/add-campaign?ids=1", {"campaign_id": ""}, ["campaign_id"]),
        ("/notifications/settings", {"lead_minutes": "7", "failed_email": "me"}, ["lead_minutes", "failed_email"]),
        ("/opt-out-words/", {"stop": "...", "start": "..."}, ["stop"]),
        ("/campaigns/steps/new?quick=1", {"sender": "", "name": ""}, ["sender", "name"]),
    ],
)
def test_a_refused_form_names_its_wrong_fields_above_them(
    admin: Browser, page: str, wrong: dict[str, Any], named: list[str]
) -> None:
    form = in_the_form(admin.post(page, data=form_of(admin, page) | wrong).text)
    links = re.findall(r'class="alert-link" href="#([^"]+)"', form)
    assert sorted(links) == sorted(named)
    assert all(f'id="{link}-errors"' in form or f'id="{link}"' in form for link in links)


def test_what_is_wrong_with_the_columns_of_a_file_stands_in_their_form_and_nowhere_else(admin: Browser) -> None:
    file = {"file": (io.BytesIO(b"E-mail,Name\nann@people.example,Ann\n"), "people.csv")}
    page = admin.post("/imports/add", data=file, content_type="multipart/form-data").headers["Location"]
    form = in_the_form(admin.post(page, data={"column-0": "email", "default_country": "??"}).text)
    assert re.findall(r'class="alert-link" href="#([^"]+)"', form) == ["default_country"]
    answer = admin.post(page, data={"column-1": "first_name"}).text
    why = "Choose the column with the e-mail address or the phone number."
    assert why in in_the_form(answer) and answer.count(why) == 1
