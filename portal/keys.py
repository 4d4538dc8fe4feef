"""The keys that protect stored secrets: whether they fit, and their change."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import update

from portal import audit, keyfile, keyring
from portal.audit import Action
from portal.database import take_turn
from portal.errors import N_
from portal.extensions import db
from portal.keyring import Keyring, KeyringError, Sealed


@dataclass(frozen=True, slots=True)
class Inventory:
    """How many secrets are stored, and how many of them no key opens."""

    stored: int
    unreadable: int


def take_stock(keys: Keyring) -> Inventory:
    """Try keys on everything that is stored."""
    opened = [keys.opens(secret) for batch in keyring.batches() for secret in batch]
    return Inventory(len(opened), opened.count(False))


def rotate() -> int:
    """Encrypt all stored secrets with a new key and return how many there are.

    Keys from the environment are not the portal's to change: there the first one is used.
    Each batch is a transaction of its own, and at every moment the keys in the file open
    everything: an interrupted rotation is simply run again. Raises KeyringError.
    """
    keyring.make_first_key()
    file = keyring.current().file
    if file is None:
        count = _reseal(_usable())
    else:
        with keyfile.locked(file):
            count = _rotate(file)
    audit.record(Action.KEYS_ROTATED, secrets=count)
    db.session.commit()
    return count


def forget_unreadable() -> int:
    """Forget the secrets that no key opens and return how many these were.

    Without a key file that is all of them. Raises KeyringError if there is one of no use:
    it has to be mended or removed first.
    """
    keys, count = keyring.current().afresh(), 0
    if keys.fault and keys.fault.kind != "keys-missing":
        raise keys.fault
    for batch in keyring.batches():
        lost = [secret for secret in batch if not keys.opens(secret)]
        for secret in lost:
            _store(secret, "")
        db.session.commit()
        count += len(lost)
    audit.record(Action.KEYS_SECRETS_FORGOTTEN, secrets=count)
    db.session.commit()
    return count


def _usable() -> Keyring:
    """Return the keys as they are now. Raises KeyringError if they are of no use."""
    keys = keyring.current().afresh()
    if keys.fault:
        raise keys.fault
    return keys


def _rotate(file: Path) -> int:
    keys = _usable()
    _require_readable(keys)
    if len(keys.keys) == 1:  # otherwise a rotation was interrupted, and goes on
        keyfile.replace(file, "\n".join([keyring.new_key(), *keys.keys]))
        keys = _usable()
    count = _reseal(keys)
    _require_readable(Keyring(keys.keys[:1]))
    keyfile.replace(file, keys.keys[0])
    return count


def _require_readable(keys: Keyring) -> None:
    found = take_stock(keys)
    if found.unreadable:
        raise KeyringError(
            "secret-unreadable",
            N_(
                "%(unreadable)s of %(stored)s stored secrets cannot be read with the portal's "
                "keys. Put the right keys back, or have these secrets forgotten with: "
                "flask --app wsgi keys forget-unreadable"
            ),
            unreadable=str(found.unreadable),
            stored=str(found.stored),
        )


def _reseal(keys: Keyring) -> int:
    """Encrypt with the first key whatever is not yet, in batches."""
    take_turn(db.session.connection(), keyring.TURN)  # whoever is sealing may use an older key
    db.session.commit()
    first, count = Keyring(keys.keys[:1]), 0
    for batch in keyring.batches():
        for secret in batch:
            if not first.opens(secret):
                value = keys.open(secret.owner, secret.field, secret.text)
                _store(secret, keys.seal(secret.owner, secret.field, value))
        db.session.commit()
        count += len(batch)
    return count


def _store(secret: Sealed, text: str) -> None:
    """Replace a secret, unless somebody has done so meanwhile."""
    table, column = secret.column.table, secret.column
    is_same = (table.c.id == secret.owner) & (column == secret.text)
    db.session.execute(update(table).where(is_same).values({column: text}))
