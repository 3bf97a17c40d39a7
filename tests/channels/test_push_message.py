"""Notifications: what a person gets, what is tracked, and what is refused with the field to mend."""

import json
from dataclasses import replace

import pytest

from app.channels.push_message import MAX_PAYLOAD_BYTES, PushSource, compile_push
from app.kernel.errors import InvalidInput

SOURCE = PushSource(
    campaign_id=7,
    title='Hi {{ first_name | default: "there" }}',
    text="New in {{ company }}",
    icon_url="https://shop.example/icon.png",
    target_url="https://shop.example/new",
    public_url="https://muster.example",
    track_clicks=True,
)


def token(campaign_id: int, seq: int) -> bytes:
    return b"%d-%d" % (campaign_id, seq)


def made(values: dict[str, str], **changes: object) -> dict[str, str]:
    source = replace(SOURCE, **changes)  # type: ignore[arg-type]
    shown: dict[str, str] = json.loads(compile_push(source, token).render(values, 3))
    return shown


def test_a_notification_is_filled_for_one_person_and_its_link_is_counted() -> None:
    assert made({"company": "Zażółć & Co"}) == {
        "title": "Hi there",
        "body": "New in Zażółć & Co",
        "icon": "https://shop.example/icon.png",
        "url": "https://muster.example/c/7-3/0",
        "tag": "campaign-7",
    }
    compiled = compile_push(SOURCE, token)
    assert (compiled.links, compiled.fields) == (("https://shop.example/new",), {"first_name", "company"})


def test_a_link_with_fields_is_the_persons_own_and_is_not_counted() -> None:
    link = "https://shop.example/new?c={{ company }}"
    assert made({"company": "A&B /x"}, target_url=link)["url"] == "https://shop.example/new?c=A%26B%20%2Fx"
    assert compile_push(replace(SOURCE, target_url=link), token).links == ()


def test_without_counting_the_link_is_as_it_was_written() -> None:
    assert made({}, track_clicks=False)["url"] == "https://shop.example/new"


def test_what_is_empty_is_left_out() -> None:
    assert made({}, text="", icon_url="", target_url="") == {"title": "Hi there", "tag": "campaign-7"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"title": " "}, "subject", id="no title"),
        pytest.param({"title": "{{ nothing }}"}, "subject", id="an unknown field"),
        pytest.param({"text": "{{ unsubscribe_url }}"}, "text", id="a link that it does not need"),
        pytest.param({"text": "{{ push_link }}"}, "text", id="the link to where one is already"),
        pytest.param({"text": "x" * MAX_PAYLOAD_BYTES}, "text", id="too long for everybody"),
        pytest.param({"target_url": "shop.example"}, "target_url", id="half a link"),
        pytest.param({"target_url": "javascript:alert(1)"}, "target_url", id="a script"),
        pytest.param({"target_url": "https://{{ company }}/"}, "target_url", id="a field for the host"),
        pytest.param({"target_url": "https://a.{{ company }}"}, "target_url", id="a field in the host"),
        pytest.param({"target_url": "https://shop.example/a b"}, "target_url", id="a space"),
        pytest.param({"target_url": "{{ company }}"}, "target_url", id="a field alone"),
        pytest.param({"icon_url": "http://shop.example/icon.png"}, "icon_url", id="an icon that is not safe"),
        pytest.param({"icon_url": "icon.png"}, "icon_url", id="half an address of an icon"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_its_field(changes: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        compile_push(replace(SOURCE, **changes), token)
    assert refused.value.field == field


def test_a_picture_of_this_installation_may_be_the_icon() -> None:
    mine = {"icon_url": "http://127.0.0.1:8080/i/abc.png", "public_url": "http://127.0.0.1:8080"}
    assert made({}, **mine)["icon"] == mine["icon_url"]


def test_a_notification_that_is_too_long_for_one_person_is_refused_for_that_person() -> None:
    render = compile_push(SOURCE, token).render
    assert len(render({"company": "x" * 3700}, 1)) <= MAX_PAYLOAD_BYTES
    with pytest.raises(InvalidInput, match="bytes"):
        render({"company": "ż" * 2000}, 1)


def test_a_title_that_is_empty_for_one_person_is_refused_for_that_person() -> None:
    render = compile_push(replace(SOURCE, title="{{ first_name }}"), token).render
    with pytest.raises(InvalidInput, match="default"):
        render({}, 1)
