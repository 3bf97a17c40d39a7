"""/api/v1/reply: what people wrote back, and what was done about it."""

from collections.abc import Callable
from typing import Any

from flask_appbuilder import expose
from flask_appbuilder.security.decorators import protect
from marshmallow import post_dump

from app.audience import replies as stored
from app.audience.models import Reply, ReplyMeaning, ReplyState
from app.channels.contract import Channel
from app.sending import replies
from app.web.api.base import RestApi
from app.web.api.bodies import Body, Choice, Moment, Text, Whole
from app.web.api.openapi import ONE, described
from app.web.base import actor
from app.web.lists import AppInterface


class ReplyShown(Body):
    """A reply. campaign_id, seq: the message that it answers, null when none is known."""

    id = Whole()
    channel = Choice(Channel)
    contact_id = Whole()
    campaign_id = Whole()
    seq = Whole()
    media = Whole()
    meaning = Choice(ReplyMeaning)
    state = Choice(ReplyState)
    received_at = Moment()
    settled_by = Text()
    settled_at = Moment()


class ReplyOpened(ReplyShown):
    """The same with the number and the words, which are sealed."""

    number = Text(dump_only=True)
    text = Text(dump_only=True)

    @post_dump(pass_original=True)
    def open(self, shown: dict[str, Any], reply: Reply, **_kwargs: Any) -> dict[str, Any]:
        """Add what is sealed."""
        return shown | stored.opened(reply)._asdict()


class ReplyApi(RestApi):
    """The replies; nobody writes one."""

    resource_name = "reply"
    resource = "Reply"
    openapi_spec_tag = "Replies"
    exclude_route_methods = {"info", "post", "put", "delete"}
    datamodel = AppInterface(Reply)
    method_permission_name = dict.fromkeys(("unsubscribe", "dismiss", "answered"), "update")
    list_columns = show_columns = list(ReplyShown().fields)
    search_columns = ["state", "meaning", "campaign_id"]
    order_columns = ["id", "received_at"]
    base_order = ("id", "desc")
    add_model_schema = edit_model_schema = list_model_schema = ReplyShown()
    show_model_schema = ReplyOpened()

    @expose("/<int:pk>/unsubscribe", methods=["POST"])
    @protect()
    @described("post", ONE)
    def unsubscribe(self, pk: int) -> Any:
        """Put its number on the suppression list."""
        return self._settled(pk, replies.unsubscribe)

    @expose("/<int:pk>/dismiss", methods=["POST"])
    @protect()
    @described("post", ONE)
    def dismiss(self, pk: int) -> Any:
        """Say that it is no opt-out."""
        return self._settled(pk, replies.dismiss)

    @expose("/<int:pk>/answered", methods=["POST"])
    @protect()
    @described("post", ONE)
    def answered(self, pk: int) -> Any:
        """Say that somebody has answered it."""
        return self._settled(pk, replies.mark_answered)

    def _settled(self, pk: int, step: Callable[[int, str], None]) -> Any:
        reply_id = self.item(pk).id
        self.written(lambda: step(reply_id, actor()))
        return self.shown(self.item(pk))
