"""The REST API: the same objects, actions and permissions as the panel, for programs."""

from typing import Any

from flask import jsonify
from flask_appbuilder import AppBuilder
from flask_babel import gettext as _


def register(appbuilder: AppBuilder) -> None:
    """Register every API, and answer 401 to every token that is not one of ours."""
    from app.web.api.accounts import SmtpAccountApi
    from app.web.api.campaigns import CampaignApi
    from app.web.api.contacts import ContactApi
    from app.web.api.custom_fields import CustomFieldApi
    from app.web.api.folders import FolderApi
    from app.web.api.gateways import GatewayApi
    from app.web.api.groups import GroupApi
    from app.web.api.imports import ImportApi
    from app.web.api.missions import MissionApi
    from app.web.api.replies import ReplyApi
    from app.web.api.statuses import StatusApi
    from app.web.api.suppressions import SuppressionApi
    from app.web.api.templates import TemplateApi
    from app.web.api.whatsapp_templates import WhatsAppTemplateApi

    ours = (SmtpAccountApi, FolderApi, ContactApi, ImportApi, SuppressionApi, CampaignApi)
    others = (GatewayApi, GroupApi, StatusApi, CustomFieldApi, MissionApi, TemplateApi, WhatsAppTemplateApi, ReplyApi)
    for api in (*ours, *others):
        appbuilder.add_api(api)
    tokens = appbuilder.sm.jwt_manager
    tokens.unauthorized_loader(_unauthorized)
    tokens.invalid_token_loader(_unauthorized)  # FAB's answer is 422, which a program takes for its body's fault
    tokens.expired_token_loader(lambda _header, _payload: _unauthorized())
    tokens.user_lookup_error_loader(lambda _header, _payload: _unauthorized())


def _unauthorized(_why: str = "") -> Any:
    return jsonify(message=_("Sign in at /api/v1/security/login and send the access token as a Bearer token.")), 401
