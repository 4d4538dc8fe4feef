"""The tables."""

from portal.models.audit import AuditEvent
from portal.models.call import Call, CallState
from portal.models.handler import Handler
from portal.models.phone import Phone
from portal.models.phone_system import CredentialRefusal, PhoneSystem
from portal.models.setting import Setting
from portal.models.target import Target
from portal.models.user import PasswordTries, Role, User, UserSession

__all__ = [
    "AuditEvent",
    "Call",
    "CallState",
    "CredentialRefusal",
    "Handler",
    "PasswordTries",
    "Phone",
    "PhoneSystem",
    "Role",
    "Setting",
    "Target",
    "User",
    "UserSession",
]
