"""The change of the keys that protect stored secrets."""

from sqlalchemy import select

from portal import audit, keyring
from portal.audit import Action
from portal.extensions import db
from portal.models import User

_BATCH = 100


def rotate() -> int:
    """Encrypt all stored secrets with the first key and return how many there are.

    Each batch is a transaction of its own: an interrupted rotation is simply run again.
    Raises KeyringError if a secret opens with none of the keys.
    """
    count = last_id = 0
    while batch := _next(last_id):
        for user in batch:
            user.cti_pass_sealed = keyring.current().rotate(user.cti_pass_sealed)
        count, last_id = count + len(batch), batch[-1].id
        db.session.commit()
    audit.record(Action.KEYS_ROTATED, secrets=count)
    db.session.commit()
    return count


def _next(last_id: int) -> list[User]:
    return list(
        db.session.scalars(
            select(User)
            .where(User.id > last_id, User.cti_pass_sealed != "")
            .order_by(User.id)
            .limit(_BATCH)
            .with_for_update()
        )
    )
