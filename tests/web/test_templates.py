"""Templates in the panel: written with the editor, previewed, kept from a campaign, begun with."""

import pytest

from app.campaigns import templates
from app.extensions import db
from app.kernel.db import transaction
from tests import factories
from tests.factories import BY
from tests.web.conftest import Browser

HTML = "<p>Hello {{ first_name }}</p><script>x</script>"
FORM = {"name": "Spring", "description": "", "subject": "Hi", "html": HTML, "text": ""}


def a_template(**values: str) -> int:
    with transaction():
        return templates.create({"name": "Spring", "subject": "Hi", "html": HTML} | values, BY).id


def test_a_template_is_saved_as_it_is_written(manager: Browser) -> None:
    assert manager.post("/templates/add", data=FORM).status_code == 302
    (made,) = templates.in_order()
    assert (made.name, made.subject, made.html) == ("Spring", "Hi", HTML)


def test_a_wrong_field_is_told_at_its_place_and_nothing_is_saved(manager: Browser) -> None:
    page = manager.post("/templates/add", data=FORM | {"html": "<p>{{ nothing_like_it }}</p>"})
    assert "Line 1, column 4" in page.text
    assert templates.in_order() == []


def test_a_message_stands_in_its_text_area_for_browsers_without_scripts(manager: Browser) -> None:
    page = manager.get(f"/templates/edit/{a_template()}").text
    assert "Hello {{ first_name }}&lt;/p&gt;&lt;script&gt;" in page
    assert "data-editor=" in page


def test_a_page_with_the_editor_may_show_pictures_from_anywhere_and_others_may_not(manager: Browser) -> None:
    with_editor = manager.get("/templates/add").headers["Content-Security-Policy"]
    assert "img-src 'self' data: blob: http: https:;" in with_editor
    assert "img-src 'self' data: blob:;" in manager.get("/templates/list/").headers["Content-Security-Policy"]
    assert "unsafe" not in with_editor


def test_the_preview_is_shut_in_and_shows_what_is_sent(manager: Browser) -> None:
    answer = manager.get(f"/templates/preview/{a_template()}")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert "<mark>[first name]</mark>" in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize("key", [each.key for each in templates.STARTERS])
def test_what_comes_with_muster_is_offered_and_shown(manager: Browser, key: str) -> None:
    assert f'data-template="{key}"' in manager.get("/templates/gallery").text
    assert "Hello" in manager.get(f"/templates/preview/{key}").text or key == "invitation"
    assert manager.get(f"/templates/words/{key}").json["html"] == templates.starter(key).html


def test_the_words_of_a_template_are_given_to_the_editor(manager: Browser) -> None:
    found = manager.get(f"/templates/words/{a_template()}").json
    assert found == {"subject": "Hi", "html": HTML, "text": ""}
    assert manager.get("/templates/words/999999").status_code == 404


def test_a_campaign_is_kept_as_a_template(manager: Browser) -> None:
    campaign = factories.ready_campaign(html=HTML)
    db.session.commit()
    address = f"/templates/from/{campaign.id}"
    assert "Save as template" in manager.get(f"/campaigns/show/{campaign.id}").text
    assert manager.post(address, data={"name": "Kept", "description": ""}).status_code == 302
    (made,) = templates.in_order()
    assert (made.name, made.html) == ("Kept", HTML)
    assert "There is a template with this name already." in manager.post(address, data={"name": "Kept"}).text


def test_a_template_is_duplicated_and_deleted(manager: Browser) -> None:
    template_id = a_template()
    manager.post(f"/templates/action/duplicate/{template_id}")
    assert [each.name for each in templates.in_order()] == ["Spring", "Spring (copy)"]
    manager.post(f"/templates/delete/{template_id}")
    db.session.rollback()
    assert [each.name for each in templates.in_order()] == ["Spring (copy)"]


def test_an_analyst_reads_templates_and_changes_none(analyst: Browser) -> None:
    template_id = a_template()
    assert analyst.get(f"/templates/show/{template_id}").status_code == 200
    for path in ("/templates/add", f"/templates/edit/{template_id}", f"/templates/delete/{template_id}"):
        analyst.post(path, data=FORM | {"name": "Other"})
    db.session.rollback()
    assert [each.name for each in templates.in_order()] == ["Spring"]
