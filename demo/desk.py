"""The desk around the campaigns of the demo: groups, internal statuses on some recipients, and missions."""

from datetime import timedelta

from sqlalchemy import func, select

from app.audience.models import Contact
from app.campaigns import groups, statuses
from app.campaigns.models import Campaign, CampaignGroup, InternalStatus
from app.extensions import db
from app.kernel import clock
from app.kernel.db import transaction
from app.missions import service as missions
from app.missions.models import Mission
from app.missions.states import MissionPriority, MissionStatus
from app.sending import labels

BY = "admin"
GROUPS = {
    "Seasons": ("What the time of the year brings.", ("Autumn sale", "Spring preview", "Monthly letter")),
    "Events": ("Fairs and workshops.", ("Trade fair invitation", "Cancelled workshop", "Early booking")),
}
STATUSES = {"Called": "#2f54d9", "Call back": "#e0a100", "Ordered": "#2b8a3e", "Wrong person": "#d6336c"}
MISSIONS = (
    ("Offer for the amber collection", MissionStatus.OPEN, MissionPriority.HIGH, 1),
    ("Ask whether the parcel has arrived", MissionStatus.IN_PROGRESS, MissionPriority.NORMAL, -2),
    ("Invoice reminder", MissionStatus.WAITING, MissionPriority.URGENT, 0),
    ("Invite to the workshop", MissionStatus.OPEN, MissionPriority.NORMAL, 6),
    ("Thank for the recommendation", MissionStatus.DONE, MissionPriority.LOW, -5),
)


def set_up() -> None:
    """Make what is missing of groups, internal statuses and missions."""
    with transaction():
        for name, (description, names) in GROUPS.items():
            if db.session.scalar(select(CampaignGroup.id).where(CampaignGroup.name == name)) is None:
                ids = db.session.scalars(select(Campaign.id).where(Campaign.name.in_(names))).all()
                groups.create(name, description, ids, BY)
    with transaction():
        made = [
            statuses.create(name, color, BY).id
            for name, color in STATUSES.items()
            if db.session.scalar(select(InternalStatus.id).where(InternalStatus.name == name)) is None
        ]
        thanks = db.session.scalar(select(Campaign.id).where(Campaign.name == "Thanks to our friends"))
        for number, status_id in enumerate(made, 1):
            labels.put(thanks or 0, range(number, 40, 7), status_id)
    with transaction():
        if db.session.scalar(select(func.count()).select_from(Mission)):
            return
        today = clock.utcnow().date()
        clients = db.session.scalars(select(Contact.id).order_by(Contact.id).limit(len(MISSIONS)))
        for (title, status, priority, days), contact_id in zip(MISSIONS, clients, strict=True):
            values = {"title": title, "status": status, "priority": priority, "contact_id": contact_id}
            missions.create(values | {"due_on": today + timedelta(days=days)}, BY)
