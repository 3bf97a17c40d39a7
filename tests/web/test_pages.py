"""Every page opens for those who may, and leads back for those who may not."""

import pytest

from tests.web.conftest import Browser

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
