"""Internal statuses in the panel: colours to choose from, unique, shown as chips."""

import re

import pytest
from sqlalchemy import select, update

from app.campaigns import statuses
from app.campaigns.models import InternalStatus
from app.extensions import db
from app.kernel.db import transaction
from app.sending.models import CampaignRecipient
from app.web.views import statuses as view
from tests.factories import BY
from tests.sending import ledger
from tests.web.conftest import Browser, form_of

FIRST, SECOND = statuses.SUGGESTED[:2]


def stored() -> dict[str, str]:
    db.session.rollback()
    return dict(db.session.execute(select(InternalStatus.name, InternalStatus.color)).all())


def a_status(name: str = "Called", color: str = FIRST) -> int:
    with transaction():
        return statuses.create(name, color, BY).id


def test_a_suggested_colour_counts_before_the_picker_and_the_picker_without_one(manager: Browser) -> None:
    for name, suggested, picked, color in (
        ("Called", SECOND, "#123456", SECOND),
        ("Waiting", "", "#123456", "#123456"),
        ("Later", "#abcdef", "#fedcba", "#fedcba"),  # no suggestion of ours
    ):
        data = {"name": name, "color": picked, "color-suggested": suggested}
        assert manager.post("/internal-statuses/add", data=data).status_code == 302
        assert stored()[name] == color


def test_a_new_status_is_offered_a_free_colour_and_the_taken_ones_are_named(manager: Browser) -> None:
    a_status("Called", FIRST)
    page = manager.get("/internal-statuses/add").text
    taken = re.search(rf'<input[^>]*value="{FIRST}"[^>]*>', page)
    assert taken and "disabled" in taken[0] and f'title="{FIRST}, used by Called"' in page
    chosen = re.search(rf'<input[^>]*value="{SECOND}"[^>]*>', page)
    assert chosen and "checked" in chosen[0]


def test_the_own_colour_is_not_taken_in_its_own_form(manager: Browser) -> None:
    status_id = a_status("Called", FIRST)
    fields = form_of(manager, f"/internal-statuses/edit/{status_id}")
    data = {"name": "Reached", "color": fields["color"], "color-suggested": FIRST}
    assert manager.post(f"/internal-statuses/edit/{status_id}", data=data).status_code == 302
    assert stored() == {"Reached": FIRST}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "", "color": "#111111"}, "needs a name"),
        ({"name": "Called", "color": "#111111"}, "with this name already"),
        ({"name": "New", "color": FIRST}, "has this colour"),
        ({"name": "New", "color": "red"}, "six digits"),
        ({"name": "New"}, "six digits"),
    ],
)
def test_a_refusal_is_said_at_its_field(manager: Browser, values: dict[str, str], words: str) -> None:
    a_status("Called", FIRST)
    answer = manager.post("/internal-statuses/add", data=values)
    assert answer.status_code == 200
    assert re.search(rf'<div class="invalid-feedback">[^<]*{words}', answer.text)
    assert stored() == {"Called": FIRST}


def test_the_list_shows_chips_in_their_colours(manager: Browser) -> None:
    a_status("Called", FIRST)
    page = manager.get("/internal-statuses/list/").text
    assert f'<span class="chip chip-own" data-color="{FIRST}">Called</span>' in page


def test_deleting_says_how_many_recipients_it_touches(manager: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    status_id, campaign_id = a_status(), ledger.sending_campaign(3)
    for number, words in ((1, "1 recipient has it"), (3, "3 recipients have it")):
        with transaction():
            mine = (CampaignRecipient.campaign_id == campaign_id, CampaignRecipient.seq <= number)
            db.session.execute(update(CampaignRecipient).where(*mine).values(internal_status_id=status_id))
        assert f"{words} and will have none." in manager.get("/internal-statuses/list/").text
    monkeypatch.setattr(view, "COUNTED_UP_TO", 2)
    page = manager.get("/internal-statuses/list/").text
    assert "More than 2 recipients have it" in page and "more than 2<" in page
    assert manager.post(f"/internal-statuses/delete/{status_id}").status_code == 302
    assert stored() == {}


def test_an_analyst_reads_statuses_and_changes_none(analyst: Browser) -> None:
    status_id = a_status()
    assert "Called" in analyst.get("/internal-statuses/list/").text
    assert "/internal-statuses/delete" not in analyst.get("/internal-statuses/list/").text
    for path in ("/internal-statuses/add", f"/internal-statuses/edit/{status_id}"):
        assert analyst.get(path).status_code == 403
    assert analyst.post(f"/internal-statuses/delete/{status_id}").status_code == 403
    assert stored() == {"Called": FIRST}
