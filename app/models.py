"""Imports every table once: the metadata for migrations, tests and the panel."""

from app.audience import models as audience
from app.audience import push_models
from app.campaigns import models as campaigns
from app.channels import models as channels
from app.channels import receipt_models
from app.kernel import audit, leases, saved_filters, sign_ins
from app.missions import models as missions
from app.notices import models as notices
from app.sending import models as sending

__all__ = [
    "audience",
    "audit",
    "campaigns",
    "channels",
    "leases",
    "missions",
    "notices",
    "push_models",
    "receipt_models",
    "saved_filters",
    "sending",
    "sign_ins",
]
