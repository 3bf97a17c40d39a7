"""Who may do what: the permissions of every resource, the three roles, and the security manager that checks them.

A view and the API of the same thing share one resource name and one list of permissions, so a role is written once.
"""

from typing import Any

from flask import Flask, current_app, g, request
from flask_appbuilder.security.api import SecurityApi
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import Permission, PermissionView, ViewMenu, assoc_permissionview_role
from sqlalchemy import inspect, select

from app.extensions import csrf
from app.kernel.errors import Unavailable
from app.web import people, sessions

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

READ, CREATE, UPDATE, DELETE = "can_read", "can_create", "can_update", "can_delete"
SEND = "can_send"  # publish, unpublish, start, stop, end, test
ADD_RECIPIENTS, REMOVE_RECIPIENTS = "can_add_recipients", "can_remove_recipients"
TEST, MANAGE = "can_test", "can_manage"

RESOURCES: dict[str, tuple[str, ...]] = {
    "Campaign": (READ, CREATE, UPDATE, DELETE, SEND, ADD_RECIPIENTS, REMOVE_RECIPIENTS),
    "Contact": (READ, CREATE, UPDATE, DELETE),
    "Folder": (READ, CREATE, UPDATE, DELETE),
    "Import": (READ, CREATE, UPDATE),
    "Suppression": (READ, CREATE, DELETE),
    "Reply": (READ, UPDATE),
    "ReplyWords": (READ, UPDATE),
    "SmtpAccount": (READ, CREATE, UPDATE, DELETE, TEST),
    "Gateway": (READ, CREATE, UPDATE, DELETE, TEST),
    "WebPushSender": (READ, UPDATE),
    "ReceiptHook": (READ, UPDATE),
    "OwnHoliday": (READ, CREATE, UPDATE, DELETE),
    "CampaignGroup": (READ, CREATE, UPDATE, DELETE),
    "InternalStatus": (READ, CREATE, UPDATE, DELETE),
    "CustomField": (READ, CREATE, UPDATE, DELETE),
    "Mission": (READ, CREATE, UPDATE, DELETE),  # adding a campaign also needs can_add_recipients on Campaign
    "MessageTemplate": (READ, CREATE, UPDATE, DELETE),
    "WhatsAppTemplate": (READ, UPDATE),
    "SavedFilter": (CREATE, UPDATE, DELETE),  # everybody's are their own
    "Notice": (READ, UPDATE),  # everybody's are their own
    "QueueMonitor": (READ, MANAGE),
    "AuditLog": (READ,),
    "DemoInbox": (READ, UPDATE),  # to update is to answer as a recipient
}

# The permission behind each route method of a view or an API; anything else names its own with @permission_name.
METHODS = {
    "list": "read",
    "show": "read",
    "add": "create",
    "edit": "update",
    "delete": "delete",
    "get": "read",
    "get_list": "read",
    "info": "read",
    "post": "create",
    "put": "update",
}

MANAGER, ANALYST = "Campaign Manager", "Analyst"

_OWN_ACCOUNT = (
    ("UserDBModelView", "can_userinfo"),
    ("UserInfoEditView", "can_this_form_get"),
    ("UserInfoEditView", "can_this_form_post"),
    ("ResetMyPasswordView", "can_this_form_get"),
    ("ResetMyPasswordView", "can_this_form_post"),
    ("UserDBModelView", "resetmypassword"),
    ("UserDBModelView", "userinfoedit"),
)

# Sealed secrets and limits of the senders belong to the administrator; a manager chooses and tries them.
_GRANTS: dict[str, dict[str, tuple[str, ...]]] = {
    MANAGER: {
        "Campaign": RESOURCES["Campaign"],
        "Contact": RESOURCES["Contact"],
        "Folder": RESOURCES["Folder"],
        "Import": RESOURCES["Import"],
        "Suppression": RESOURCES["Suppression"],
        "Reply": RESOURCES["Reply"],
        "SmtpAccount": (READ, TEST),
        "Gateway": (READ, TEST),
        "WebPushSender": (READ,),
        "OwnHoliday": RESOURCES["OwnHoliday"],
        "CampaignGroup": RESOURCES["CampaignGroup"],
        "InternalStatus": RESOURCES["InternalStatus"],
        "Mission": RESOURCES["Mission"],
        "MessageTemplate": RESOURCES["MessageTemplate"],
        "WhatsAppTemplate": RESOURCES["WhatsAppTemplate"],
        "SavedFilter": RESOURCES["SavedFilter"],
        "Notice": RESOURCES["Notice"],
        "DemoInbox": RESOURCES["DemoInbox"],
    },
    ANALYST: {
        "Campaign": (READ,),
        "CampaignGroup": (READ,),
        "InternalStatus": (READ,),
        "Mission": (READ,),
        "MessageTemplate": (READ,),
        "WhatsAppTemplate": (READ,),
        "SavedFilter": RESOURCES["SavedFilter"],
        "Notice": RESOURCES["Notice"],
    },
}

_MENUS = {
    MANAGER: (
        "Campaigns",
        "Calendar",
        "Audience",
        "Contacts",
        "Folders",
        "Imports",
        "Suppressions",
        "Replies",
        "Settings",
        "SMTP accounts",
        "Gateways",
        "Web push",
        "Limits",
        "Own holidays",
        "Dashboard",
        "Active campaigns",
        "Groups",
        "History",
        "Removals",
        "Missions",
        "Content",
        "Templates",
        "WhatsApp templates",
        "Documents",
        "Internal statuses",
        "Demo",
        "Inbox",
    ),
    ANALYST: (
        "Dashboard",
        "Campaigns",
        "Calendar",
        "Active campaigns",
        "Groups",
        "History",
        "Missions",
        "Content",
        "Templates",
        "WhatsApp templates",
        "Documents",
        "Settings",
        "Internal statuses",
    ),
}


def roles() -> dict[str, list[list[str]]]:
    """The built-in roles in FAB's form: role -> [[view, permission], …], each pair literal."""
    return {
        role: [
            *([resource, permission] for resource, granted in grants.items() for permission in granted),
            *([menu, "menu_access"] for menu in _MENUS[role]),
            *([view, permission] for view, permission in _OWN_ACCOUNT),
        ]
        for role, grants in _GRANTS.items()
    }


def configure(app: Flask) -> None:
    """Set what FAB reads before it is built, and what is checked before each request."""
    app.config.setdefault("FAB_ROLES", roles())
    # Raw tables of FAB's permissions: a role's page shows what it may do.
    for page in ("PERMISSION_VIEW", "VIEW_MENU_VIEW", "PERMISSION_VIEWS_VIEW"):
        app.config.setdefault(f"FAB_ADD_SECURITY_{page}", False)
    # One count for all web processes; without Redis each process counts for itself rather than refusing everybody.
    app.config.setdefault("RATELIMIT_STORAGE_URI", app.config["REDIS_URL"])
    app.config.setdefault("RATELIMIT_IN_MEMORY_FALLBACK_ENABLED", True)
    app.before_request(_check_csrf)
    sessions.init_app(app)


def _check_csrf() -> None:
    """The CSRF token where a session cookie may speak for a person at any API: FAB asks for it at pages only."""
    is_checked = request.method not in SAFE_METHODS and current_app.config.get("WTF_CSRF_ENABLED", True)
    by_cookie = current_app.config["SESSION_COOKIE_NAME"] in request.cookies and "Authorization" not in request.headers
    # The sign-in goes by the password in its body, whatever cookie comes with it.
    is_sign_in = request.endpoint == f"{LimitedSecurityApi.__name__}.login"
    if is_checked and by_cookie and request.path.startswith("/api/") and not is_sign_in:
        csrf.protect()


class LimitedSecurityApi(SecurityApi):
    """The API sign-in, limited as the form is; FAB leaves it open to guessing."""

    limits = [sessions.limit_of_tries()]


class PanelSecurityManager(SecurityManager):
    """Asks the database once per request for all permissions of a person, not once per button; compares them whole."""

    security_api = LimitedSecurityApi
    authdbview = sessions.AuthDBView
    userdbmodelview = people.UserDBModelView
    groupmodelview = people.UserGroupModelView
    rolemodelview = people.RoleModelView
    resetpasswordview = people.ResetPasswordView
    resetmypasswordview = people.ResetMyPasswordView
    userinfoeditview = people.UserInfoEditView
    userstatschartview = None  # draws with scripts of another host

    def _create_db(self) -> None:
        # FAB would make every table without a version, and no upgrade could begin any more.
        if not inspect(self.session.get_bind()).has_table("ab_user"):
            raise Unavailable("The database has no tables yet. Run 'flask --app wsgi:migrations db upgrade' first.")
        super(SecurityManager, self).create_db()

    def create_jwt_manager(self, app: Flask) -> Any:
        """Tokens that belong to a sign-in."""
        manager = super().create_jwt_manager(app)
        manager.additional_claims_loader(sessions.claims_of_token)
        return manager

    def load_user(self, pk: str) -> Any:
        """The person of the cookie, as long as the sign-in lasts."""
        return sessions.person_of_cookie(pk)

    def load_user_jwt(self, _header: dict[str, Any], claims: dict[str, Any]) -> Any:
        """The person of the token, as long as the sign-in lasts."""
        person = sessions.person_of_token(claims)
        if person is not None:
            g.user = person
        return person

    def _has_access_builtin_roles(self, role: Any, permission_name: str, view_name: str) -> bool:
        # FAB matches by prefix: "Campaign" would grant CampaignAnything.
        return [view_name, permission_name] in self.builtin_roles.get(role.name, [])

    def _has_view_access(self, user: Any, permission_name: str, view_name: str) -> bool:
        return (permission_name, view_name) in self._pairs(user)

    def _pairs(self, user: Any) -> frozenset[tuple[str, str]]:
        cache: dict[Any, frozenset[tuple[str, str]]] = g.setdefault("permission_pairs", {})
        key = user.get_id() if user.is_authenticated else None
        if key not in cache:
            cache[key] = self._read_pairs(user)
        return cache[key]

    def _read_pairs(self, user: Any) -> frozenset[tuple[str, str]]:
        held = self.get_user_roles(user)
        pairs = {(permission, view) for role in held for view, permission in self.builtin_roles.get(role.name, [])}
        stored = [role.id for role in held if role.name not in self.builtin_roles]
        if stored:
            granted = (
                select(Permission.name, ViewMenu.name)
                .select_from(PermissionView)
                .join(assoc_permissionview_role, assoc_permissionview_role.c.permission_view_id == PermissionView.id)
                .join(Permission, Permission.id == PermissionView.permission_id)
                .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
                .where(assoc_permissionview_role.c.role_id.in_(stored))
            )
            pairs.update((permission, view) for permission, view in self.session.execute(granted))
        return frozenset(pairs)
