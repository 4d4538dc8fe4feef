"""One rule per right, used for showing, for saving and for refusing."""

from portal.errors import N_, ForbiddenError
from portal.identity import Identity


def may_administer(who: Identity) -> bool:
    """Whether somebody may change what concerns everybody, and other people's records."""
    return who.is_admin


def may_manage_phones(who: Identity, owner_id: int) -> bool:
    """Whether somebody may add and change the phones of a user."""
    return who.is_admin or (who.id == owner_id and who.may_manage_phones)


def may_dial(who: Identity) -> bool:
    """Whether somebody may call."""
    return who.may_dial


def require(allowed: bool, message: str = N_("You may not do this.")) -> None:  # noqa: FBT001
    """Raise ForbiddenError with this sentence unless allowed."""
    if not allowed:
        raise ForbiddenError("forbidden", message)
