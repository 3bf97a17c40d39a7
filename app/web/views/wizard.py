"""Writing a campaign step by step: each step is saved in the draft before the next one is shown.

The steps and their fields are those of campaigns.fields; the last step looks at everything and publishes.
"""

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.campaigns import checks, custom_fields, fields, service
from app.campaigns.fields import Step
from app.campaigns.models import SENDER_OF, Campaign
from app.channels.contract import Channel
from app.extensions import db
from app.kernel.db import db_now
from app.kernel.errors import AppError, Conflict, InvalidInput
from app.reports import cards
from app.web import formats, place, words
from app.web.base import AppView, refuse, unit_of_work
from app.web.forms.campaigns import SENDER, STEP_TITLES, CampaignForm, form_for
from app.web.views import campaign_actions, campaign_writing, cards_filter, launch
from app.web.views.campaigns import CampaignView

REVIEW = "review"
TITLES: dict[str, Any] = {**{step.value: title for step, title in STEP_TITLES.items()}, REVIEW: _l("Review")}
HINTS: dict[str, Any] = {
    Step.SETUP: _l("What it is called, and what sends it."),
    Step.CONTENT: _l("What people read."),
    Step.AUDIENCE: _l("Who gets it."),
    Step.SCHEDULE: _l("When it leaves, and how fast."),
    REVIEW: _l("What will happen."),
}
ORDER = tuple(TITLES)
CLOSE = "close"  # where a person goes who saves and leaves
FORM_FIELDS = {**campaign_writing.FORM_FIELDS, **dict.fromkeys(SENDER_OF.values(), SENDER)}


@dataclass(frozen=True, slots=True)
class Mark:
    """A step in the head of the page. lacks: whether the campaign cannot start before something in it is mended."""

    name: str
    title: str
    is_here: bool
    lacks: bool


class WizardView(AppView):
    """The steps of one campaign, and the beginning of a new one."""

    route_base = "/campaigns/steps"
    resource = "Campaign"
    default_view = "new"

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("create")
    def new(self) -> Any:
        """The first step, or as a quick start only a name and a sender; then the draft is there."""
        form = form_for(Channel.EMAIL, Step.SETUP, has_cards=True, is_quick="quick" in request.args).refresh()
        if request.method == "POST" and form.validate():
            try:
                campaign_id = unit_of_work(lambda: campaign_writing.create(form, zone=place.zone().key)).id
            except AppError as error:
                refuse(form, error, names=FORM_FIELDS)
            else:
                return _gone_to(self._after(campaign_id, Step.SETUP))
        return self.render_template(
            "campaign_start.html",
            title=_("New campaign"),
            form=form,
            columns=[name for _title, part in form.sections() for name in part["fields"]],
            marks=_marks(None, Step.SETUP),
            kept=request.args.to_dict(),
            back=cards_filter.address(request.args.get("cards", "")),
        )

    @expose("/<int:pk>/<name>", methods=["GET", "POST"])
    @has_access
    @permission_name("update")
    def step(self, pk: int, name: str) -> Any:
        """One step of a campaign that is there: what was written is saved before another one is shown."""
        campaign = launch.of_request(pk)
        try:
            service.check_editable(campaign)
        except Conflict as error:
            flash(words.of_error(error), "warning")
            return redirect(url_for("CampaignView.show", pk=pk))
        if name == REVIEW:
            return self._review(campaign)
        if name not in ORDER:
            return redirect(url_for(f"{self.endpoint}.step", pk=pk, name=ORDER[0]))
        step = Step(name)
        kind = form_for(campaign.channel, step, is_edit=True, has_cards=True)
        if request.method == "POST":
            form = kind.refresh()
            form.keep_channel(campaign)
            if form.validate() and _save(campaign, form):
                return redirect(self._after(pk, step))
            campaign = launch.of_request(pk)
        else:
            form = kind.refresh(obj=campaign)
            form.show(campaign)
            form.remember()
        form.offer_documents(campaign)
        return self.render_template(
            "campaign_step.html",
            title=campaign.name,
            campaign=campaign,
            form=form,
            columns=[name for _title, part in form.sections() for name in part["fields"] if name in form],
            hint=HINTS[name],
            **_where(campaign, name),
        )

    def _review(self, campaign: Campaign) -> Any:
        view = next(each for each in self.appbuilder.baseviews if isinstance(each, CampaignView))
        possible = campaign_actions.possible(view.actions.values(), campaign.status, campaign_actions.may_act(view))
        first = [action for action in possible if action.name == campaign_actions.FIRST.get(campaign.status)]
        (card,) = cards.of_ids([campaign.id])
        return self.render_template(
            "campaign_review.html",
            title=campaign.name,
            campaign=campaign,
            first=first,
            questions={action.name: campaign_actions.question(action, card) for action in first},
            own_values=custom_fields.named_values(campaign),
            documents=checks.current_documents(campaign),
            hint=HINTS[REVIEW],
            **_where(campaign, REVIEW),
            **launch.shown(campaign),
        )

    def _after(self, campaign_id: int, step: Step) -> str:
        """Where the person asked to go after this step: to another one, out, or on."""
        wanted = request.form.get("then", "")
        if wanted == CLOSE:
            return url_for("CampaignView.show", pk=campaign_id)
        name = wanted if wanted in ORDER else ORDER[ORDER.index(step) + 1]
        return url_for(f"{self.endpoint}.step", pk=campaign_id, name=name)


def _gone_to(address: str) -> Response:
    """To that page, also for a form in a modal, which follows no redirect."""
    if request.headers.get("X-Requested-With") == "fetch":
        return Response("", headers={"HX-Redirect": address})
    return redirect(address)


def _save(campaign: Campaign, form: CampaignForm) -> bool:
    try:
        unit_of_work(lambda: campaign_writing.change(campaign, form))
    except AppError as error:
        refuse(form, error, names=FORM_FIELDS)
        return False
    return True


def _where(campaign: Campaign, name: str) -> dict[str, Any]:
    at = ORDER.index(name)
    return {
        "marks": _marks(campaign, name),
        "status": formats.campaign_status(campaign.status),
        "before": ORDER[at - 1] if at else "",
        "step_title": TITLES[name],
    }


def _marks(campaign: Campaign | None, here: str) -> list[Mark]:
    lacking = _lacking(campaign) if campaign is not None else set()
    return [Mark(name, title, name == here, name in lacking) for name, title in TITLES.items()]


def _lacking(campaign: Campaign) -> set[str]:
    """The steps in which something keeps the campaign from starting."""
    with db.session.no_autoflush:
        problems: list[InvalidInput] = list(checks.launch_problems(campaign, db_now()))
    steps = {field.name.removesuffix("_id"): field.step.value for field in fields.of(campaign.channel)}
    return {steps.get(problem.field or "", Step.SETUP.value) for problem in problems}
