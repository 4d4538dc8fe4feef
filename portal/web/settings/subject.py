"""Whose settings a tab shows: one's own, or those of the user the address names."""

from flask import url_for

from portal import accounts, rights
from portal.models import User
from portal.web.guards import me


def subject(user_id: int | None) -> User:
    """Return the user whose tab this is. Raises ForbiddenError, NotFoundError."""
    if user_id is None:
        return accounts.get(me().id)
    rights.require(rights.may_administer(me()))
    return accounts.get(user_id)


def tab_url(tab: str, user_id: int | None) -> str:
    """Return the address of a tab: profile, click2dial or security."""
    if user_id is None:
        return url_for(f"settings.{tab}")
    return url_for(f"settings.user_{tab}", user_id=user_id)
