"""Writing a campaign from its form, whole or a step of it: what the person changed, and over nobody else's words."""

from typing import Any

from flask_babel import gettext as _

from app.campaigns import custom_fields, service
from app.campaigns.models import SENDER_OF, Campaign
from app.extensions import db
from app.kernel.errors import Conflict, InvalidInput
from app.kernel.texts import N_
from app.web.base import actor
from app.web.forms import seen
from app.web.forms.campaigns import CampaignForm

# A service's name of a field -> ours, where they differ.
FORM_FIELDS = {name: f"{name}_id" for name in SENDER_OF.values()} | {"document": "documents"}


def create(form: CampaignForm, **beside: Any) -> Campaign:
    """A new draft. beside: columns that the form has no fields for. Raises AppError naming the field."""
    names = [*form.compared, "channel"]
    folder_ids = form["folders"].data if "folders" in form else ()
    values = beside | form.values_of(names)
    campaign = service.create(values, folder_ids, actor(), form.custom_values(names))
    _attach(campaign, form)
    return campaign


def change(campaign: Campaign, form: CampaignForm) -> None:
    """Write what the person changed, in the caller's transaction.

    Raises Conflict, with the clash said at its fields, where somebody else changed the same meanwhile: the form keeps
    what was written, and saving it once more puts it in place of theirs.
    """
    before = seen.read(form.seen.data)
    if before is None:
        raise InvalidInput("This form is not complete. Open the campaign again.")
    service.lock(campaign.id)
    stored = form.of_stored(campaign)
    mine, theirs = seen.changed(form, form.compared, before), seen.changed(stored, form.compared, before)
    if clashes := seen.clashes(form, stored, mine & theirs):
        _say(campaign, form, stored, clashes, before)
        raise Conflict(
            "%(name)s changed the same in this campaign at %(time)s UTC. Nothing was saved yet, and what you wrote is "
            "still here: compare the fields marked in red, then save again to put yours in place of theirs.",
            name=campaign.changed_by or N_("Somebody"),
            time=f"{campaign.changed_at:%H:%M}",
        )
    if mine:
        with db.session.no_autoflush:
            for name, value in form.values_of(mine).items():
                setattr(campaign, name, value)
            if "folders" in mine:
                campaign.folders = service.folders(form["folders"].data)
            custom_fields.write(campaign, form.custom_values(mine))
            service.prepare_change(campaign, actor())
        db.session.flush()
    if "removed_documents" in form:
        for document in campaign.documents:
            if document.id in form["removed_documents"].data:
                service.detach(document.id)
    _attach(campaign, form)


def _say(
    campaign: Campaign, form: CampaignForm, stored: CampaignForm, clashes: set[str], before: dict[str, str]
) -> None:
    """Show theirs beside mine, and count theirs as seen from now on."""
    for name in clashes:
        said = _("%(name)s wrote: %(value)s", name=campaign.changed_by, value=seen.shown(stored[name]))
        form[name].errors = [*form[name].errors, said]
    now = seen.read(seen.fingerprints(stored, clashes)) or {}
    form.seen.data = seen.written(before | now)


def _attach(campaign: Campaign, form: CampaignForm) -> None:
    for file in form.uploads():
        data = file.stream.read(service.MAX_DOCUMENTS_BYTES + 1)
        service.attach(campaign.id, file.filename, file.mimetype, data)
