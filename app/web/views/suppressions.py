"""Addresses that must not be written to: only their fingerprints are kept, so the list shows where they came from."""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.audience import suppressions
from app.audience.models import Suppression
from app.kernel.errors import InvalidInput
from app.web import formats
from app.web.base import AppModelView
from app.web.forms.contacts import SuppressionForm
from app.web.lists import AppInterface


class SuppressionView(AppModelView):
    """The suppression list."""

    route_base = "/suppressions"
    resource = "Suppression"
    datamodel = AppInterface(Suppression)
    exclude_route_methods = {"edit", "show"}
    add_form = edit_form = SuppressionForm
    add_columns = edit_columns = ["address"]
    list_columns = show_columns = ["id", "channel", "source", "campaign_id", "created_at"]
    search_columns = ["source", "channel"]
    order_columns = ["created_at", "source"]
    base_order = ("id", "desc")
    label_columns = {
        "id": _l("Number"),
        "channel": _l("Channel"),
        "source": _l("Source"),
        "campaign_id": _l("Campaign"),
        "created_at": _l("Since"),
    }
    formatters_columns = {
        "created_at": formats.moment,
        "source": formats.words,
        "campaign_id": lambda value: value or "",
    }
    list_title, add_title = _l("Suppressions"), _l("Suppress addresses")
    add_row_message = _l("Nothing is sent to these addresses any more.")
    delete_row_message = _l("The address may be written to again.")

    def create(self, form: SuppressionForm) -> Any:
        """Suppress the addresses."""
        if not form.address.data:
            raise InvalidInput("Write at least one address.", "address")
        if not suppressions.suppress_all(form.address.data):
            raise InvalidInput("They are all on the list already.", "address")

    def remove(self, item: Suppression) -> None:
        """Release the address."""
        suppressions.unsuppress(item.id)
