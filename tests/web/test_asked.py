"""What the address of a page asks for: an id is read strictly, and what is none breaks no page."""

import pytest

from app.web.asked import MAX_NUMBER, row_id, row_ids
from tests.web.conftest import Browser

NONE = ("", "-1", "1.5", "1 ", "x", "²", "٣", str(MAX_NUMBER + 1), "1" * 5000)


def test_an_id_is_a_number_that_a_column_holds() -> None:
    assert [row_id(text) for text in ("0", "7", "007", str(MAX_NUMBER))] == [0, 7, 7, MAX_NUMBER]
    assert [row_id(text) for text in NONE] == [None] * len(NONE)
    assert row_ids(["3", "²", "1"]) == [3, 1]


@pytest.mark.parametrize(
    "page",
    [
        "/campaigns/list/?_flt_0_group_id={}",
        "/dashboard/campaigns/live?ids={}",
        "/missions/list/?_flt_0_assignee_id={}",
        "/removals/list/?_flt_0_campaign_id={}",
        "/removals/list/?_flt_0_contact_id={}",
        "/replies/list/?_flt_0_campaign_id={}",
        "/replies/list/?_flt_0_contact_id={}",
    ],
)
@pytest.mark.parametrize("text", ["²", "٣", "99999999999"])
def test_a_page_that_is_asked_for_what_is_no_id_shows_nobody(manager: Browser, page: str, text: str) -> None:
    assert manager.get(page.format(text)).status_code == 200
