"""Campaign groups: their names, and which campaigns are in them."""

import pytest
from flask import Flask

from app.campaigns import groups
from app.campaigns import service as campaigns
from app.campaigns.models import Campaign, CampaignGroup
from app.extensions import db
from app.kernel.db import transaction
from app.kernel.errors import InvalidInput, NotFound
from tests import factories
from tests.campaigns.helpers import AT_ONCE, at_once
from tests.factories import BY


def group_of(campaign: Campaign) -> int | None:
    return db.session.get_one(Campaign, campaign.id, populate_existing=True).group_id


def test_a_new_group_is_stamped_and_takes_its_campaigns_out_of_other_groups(app: Flask) -> None:
    spring, summer, loose = factories.campaign(), factories.campaign(), factories.campaign()
    first = groups.create("First", "", [spring.id, summer.id], BY)
    second = groups.create(" Second ", "Warm days", [summer.id], BY)
    assert (second.name, second.description, second.created_by, second.changed_by) == ("Second", "Warm days", BY, BY)
    assert (group_of(spring), group_of(summer), group_of(loose)) == (first.id, second.id, None)
    assert groups.members(first.id) == {spring.id}
    assert groups.sizes() == {first.id: 1, second.id: 1, None: 1}


def test_moving_leaves_alone_what_is_not_named(app: Flask) -> None:
    stays, comes, goes, elsewhere = (factories.campaign() for _ in range(4))
    other = groups.create("Other", "", [elsewhere.id], BY)
    group = groups.create("Group", "", [stays.id, goes.id], BY)
    groups.move(group.id, "me", into=[comes.id], out=[goes.id, elsewhere.id])
    assert groups.members(group.id) == {stays.id, comes.id}
    assert (group_of(goes), group_of(elsewhere)) == (None, other.id)
    assert groups.get(group.id).changed_by == "me"


def test_who_edits_a_campaign_is_not_disturbed_by_its_group(app: Flask) -> None:
    campaign = factories.campaign()
    group = groups.create("Group", "", [], BY)
    seen = campaign.revision
    groups.move(group.id, "me", into=[campaign.id])
    campaigns.prepare_change(campaign, BY, seen)
    db.session.flush()
    assert group_of(campaign) == group.id


def test_a_deleted_group_leaves_its_campaigns(app: Flask) -> None:
    campaign = factories.campaign()
    group = groups.create("Group", "", [campaign.id], BY)
    groups.delete(group.id)
    assert group_of(campaign) is None
    with pytest.raises(NotFound):
        groups.get(group.id)


def test_a_group_deleted_without_us_leaves_its_campaigns(app: Flask) -> None:
    campaign = factories.campaign()
    group_id = groups.create("Group", "", [campaign.id], BY).id
    db.session.execute(CampaignGroup.__table__.delete().where(CampaignGroup.id == group_id))
    assert group_of(campaign) is None


@pytest.mark.parametrize(
    ("name", "description", "field"),
    [
        ("", "", "name"),
        ("  ", "", "name"),
        ("x" * 151, "", "name"),
        ("a\x07", "", "name"),
        ("a", "x" * 501, "description"),
    ],
    ids=["none", "blanks", "long", "control", "long description"],
)
def test_an_unusable_group_is_refused(app: Flask, name: str, description: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        groups.create(name, description, [], BY)
    assert refused.value.field == field


def test_a_taken_name_is_refused_and_the_own_one_is_not(app: Flask) -> None:
    first, second = groups.create("First", "", [], BY), groups.create("Second", "", [], BY)
    with pytest.raises(InvalidInput, match="with this name already") as refused:
        groups.change(second.id, BY, name="First")
    assert refused.value.field == "name"
    assert groups.change(first.id, "me", name="First", description="new").description == "new"
    assert groups.get(second.id).name == "Second"


def test_of_several_that_take_a_name_at_once_one_gets_it(app: Flask) -> None:
    outcomes = at_once(app, lambda: groups.create("Spring", "", [], BY).id)
    refused = [outcome for outcome in outcomes if isinstance(outcome, InvalidInput)]
    assert [error.field for error in refused] == ["name"] * (AT_ONCE - 1)


def test_of_several_that_rename_at_once_one_gets_the_name(app: Flask) -> None:
    with transaction():
        ids = [groups.create(f"Group {number}", "", [], BY).id for number in range(AT_ONCE)]
    each = iter(ids)
    outcomes = at_once(app, lambda: groups.change(next(each), BY, name="Spring").name)
    refused = [outcome for outcome in outcomes if isinstance(outcome, InvalidInput)]
    assert [error.field for error in refused] == ["name"] * (AT_ONCE - 1)


def test_a_campaign_that_is_gone_is_refused(app: Flask) -> None:
    with pytest.raises(InvalidInput) as refused:
        groups.create("Group", "", [12345], BY)
    assert refused.value.field == "campaigns"


def test_a_copy_of_a_campaign_is_in_its_group(app: Flask) -> None:
    campaign = factories.campaign()
    group = groups.create("Group", "", [campaign.id], BY)
    assert campaigns.duplicate(campaign.id, BY).group_id == group.id


def test_a_campaign_of_a_group_that_is_gone_is_refused(app: Flask) -> None:
    with pytest.raises(InvalidInput, match="no such campaign group") as refused:
        factories.campaign(group_id=12345)
    assert refused.value.field == "group_id"
