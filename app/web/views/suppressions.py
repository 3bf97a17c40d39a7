"""Addresses that must not be written to: only their fingerprints are kept, so the list shows where they came from."""

from typing import Any

from app.audience import suppressions
from app.audience.models import Suppression
from app.kernel.errors import InvalidInput
from app.web import formats
from app.web.base import AppInterface, AppModelView
from app.web.forms.contacts import SuppressionForm


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
    label_columns = {"id": "Number", "campaign_id": "Campaign", "created_at": "Since"}
    formatters_columns = {
        "created_at": formats.moment,
        "source": formats.words,
        "campaign_id": lambda value: value or "",
    }
    list_title, add_title = "Suppressions", "Suppress an address"
    add_row_message = "Nothing is sent to this address any more."
    delete_row_message = "The address may be written to again."

    def create(self, form: SuppressionForm) -> Any:
        """Suppress the address."""
        if not suppressions.suppress_email(form.address.data):
            raise InvalidInput("This address is on the list already.", "address")

    def remove(self, item: Suppression) -> None:
        """Release the address."""
        suppressions.unsuppress(item.id)
