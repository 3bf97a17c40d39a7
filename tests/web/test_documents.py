"""The list of all documents, their files, and what the history says of them."""

import pytest

from app.campaigns import service
from app.extensions import db
from tests import factories
from tests.web.conftest import Browser


@pytest.fixture()
def documents(panel: object) -> list[int]:
    campaign = factories.ready_campaign(name="Spring sale")
    db.session.flush()
    names = ("offer.pdf", "gone.pdf")
    made = [service.attach(campaign.id, name, "application/pdf", b"%PDF-1.7").id for name in names]
    service.detach(made[1])
    db.session.commit()
    return [campaign.id, *made]


def test_documents_of_all_campaigns_are_listed_without_those_taken_off(manager: Browser, documents: list[int]) -> None:
    text = manager.get("/documents/list/").text
    assert "offer.pdf" in text and "gone.pdf" not in text
    assert f'href="/campaigns/show/{documents[0]}">Spring sale</a>' in text and "1 KB" in text
    assert f'href="/documents/{documents[1]}/file" download' in text


def test_a_document_is_a_download_whatever_it_is(analyst: Browser, documents: list[int]) -> None:
    answer = analyst.get(f"/documents/{documents[1]}/file")
    assert answer.data == b"%PDF-1.7"
    assert answer.headers["Content-Disposition"] == "attachment; filename=offer.pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_document_that_was_taken_off_is_not_there(manager: Browser, documents: list[int]) -> None:
    for number in (documents[2], 7777, 2**31):
        assert manager.get(f"/documents/{number}/file").status_code == 404


def test_the_campaign_says_which_files_came_and_went(manager: Browser, documents: list[int]) -> None:
    text = manager.get(f"/campaigns/show/{documents[0]}").text
    assert text.count("Document attached") == 2 and text.count("Document taken off") == 1
    assert "gone.pdf" in text
