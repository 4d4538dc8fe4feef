"""Encryption of stored secrets.

Fernet knows no associated data, so owner and field are inside the plaintext: a
ciphertext copied to another user's row or another field does not open.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app
from sqlalchemy import Column, select

from portal import keyfile
from portal.database import Base, take_turn
from portal.errors import N_, InvalidError, PortalError
from portal.extensions import db
from portal.models.columns import SEALED

TURN = 0x0C11C2D2
"""The turn of those who seal, together, and of who waits until none of them is left."""

_BATCH = 100


class KeyringError(PortalError):
    """A stored secret cannot be opened with the keys at hand, or there are none."""

    status = 503


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it is stored: where, whose, and encrypted."""

    column: Column[str]
    owner: int
    text: str = field(repr=False)

    @property
    def field(self) -> str:
        """The name that is inside the plaintext."""
        return str(self.column.info[SEALED])


class Keyring:
    """Seals secrets with the first key and opens them with any of the keys.

    Without keys that were given, those in the file count. They may change under a running
    portal: what does not open is tried with the file as it then is.
    """

    def __init__(self, given: tuple[str, ...], file: Path | None = None) -> None:
        self.file = None if given else file
        self.keys = given
        self.fault: KeyringError | None = None
        """Why the keys cannot be used."""
        self._fernet: MultiFernet | None = None
        try:
            self.keys = given or _read(file)
            self._fernet = _check(self.keys, str(self.file or "PORTAL_ENCRYPTION_KEYS"))
        except KeyringError as error:
            self.fault = error

    def afresh(self) -> "Keyring":
        """Return the keyring that a portal would have that starts now."""
        return Keyring((), self.file) if self.file else self

    def seal(self, owner: int, field: str, value: str) -> str:
        """Encrypt a secret for one field of one user. Raises KeyringError."""
        if self._fernet is None:
            raise self.fault or AssertionError
        return self._fernet.encrypt(f"v1|{owner}|{field}|{value}".encode()).decode("ascii")

    def open(self, owner: int, field: str, sealed: str) -> str:
        """Decrypt what was sealed for this very user and field. Raises KeyringError."""
        text = self._decrypt(sealed)
        if text is None and self.file:
            text = self._try_file(sealed)
        head = f"v1|{owner}|{field}|"
        if text is None or not text.startswith(head):
            raise KeyringError(
                "secret-unreadable",
                N_(
                    "The stored CTI password cannot be read with the portal's keys. "
                    "Enter it again, or ask an administrator to restore the keys."
                ),
            )
        return text.removeprefix(head)

    def opens(self, secret: Sealed) -> bool:
        """Tell whether a stored secret can be read."""
        try:
            self.open(secret.owner, secret.field, secret.text)
        except KeyringError:
            return False
        return True

    def _try_file(self, sealed: str) -> str | None:
        """Decrypt with the keys in the file; keep them only if they are better."""
        afresh = self.afresh()
        text = afresh._decrypt(sealed)  # noqa: SLF001 - one of us
        if text is not None:
            self.keys, self._fernet, self.fault = afresh.keys, afresh._fernet, None  # noqa: SLF001
        return text

    def _decrypt(self, sealed: str) -> str | None:
        if self._fernet is None:
            return None
        try:
            return self._fernet.decrypt(sealed.encode("ascii")).decode("utf-8")
        except (InvalidToken, ValueError):
            return None


def current() -> Keyring:
    """Return the keyring of the running application."""
    keyring: Keyring = current_app.extensions["keyring"]
    return keyring


def seal(owner: int, field: str, value: str) -> str:
    """Encrypt a new secret, which the caller stores in the same transaction.

    Raises InvalidError if the keys are not those of the secrets that are stored already:
    whoever puts the right keys back must find no secret that needs the wrong ones.
    """
    take_turn(db.session.connection(), TURN, shared=True)
    make_first_key()
    keyring = current().afresh()
    if keyring.fault or not _fits(keyring):
        raise InvalidError(
            "keys",
            N_(
                "This cannot be stored now, because the portal's keys are missing or are not the "
                "right ones. Ask an administrator to look at the status page."
            ),
            field=field,
        )
    return keyring.seal(owner, field, value)


def make_first_key() -> None:
    """Make the key file, unless there is one, or secrets that no new key would open."""
    file = current().file
    if file and not file.exists() and next(batches(), None) is None:
        keyfile.make(file, new_key())


def new_key() -> str:
    """Return a key of 256 random bits."""
    return Fernet.generate_key().decode("ascii")


def batches() -> Iterator[list[Sealed]]:
    """Return all stored secrets, a few at a time; the caller may commit in between."""
    for column in _columns():
        last = 0
        while batch := _next(column, last):
            yield batch
            last = batch[-1].owner


def _fits(keyring: Keyring) -> bool:
    """Tell whether the keys open something of what is stored; while nothing is, all fit."""
    is_empty = True
    for batch in batches():
        if any(keyring.opens(secret) for secret in batch):
            return True
        is_empty = False
    return is_empty


def _columns() -> list[Column[str]]:
    """Return every column that holds secrets."""
    return [
        column
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if SEALED in column.info
    ]


def _next(column: Column[str], last: int) -> list[Sealed]:
    ids = column.table.c.id
    found = select(ids, column).where(ids > last, column != "").order_by(ids).limit(_BATCH)
    return [Sealed(column, owner, text) for owner, text in db.session.execute(found)]


def _read(file: Path | None) -> tuple[str, ...]:
    """Return the keys in a file. Raises KeyringError."""
    try:
        return keyfile.split(keyfile.read(file)) if file else ()
    except FileNotFoundError:
        raise KeyringError(
            "keys-missing",
            N_(
                "The key file %(path)s is missing: calls that need a stored secret are refused. "
                "Put it back from your backup, or have these secrets forgotten with: "
                "flask --app wsgi keys forget-unreadable"
            ),
            path=str(file),
        ) from None
    except OSError as error:
        raise KeyringError(
            "keys-unreadable",
            N_(
                "The key file %(path)s cannot be read: %(reason)s. Give it back to the user that "
                "the portal runs as."
            ),
            path=str(file),
            reason=error.strerror or str(error),
        ) from None


def _check(keys: tuple[str, ...], place: str) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise KeyringError(
            "keys-malformed",
            N_(
                "%(place)s holds something else than keys, which are 32 bytes in URL-safe "
                "base64. Put the right keys back from your backup."
            ),
            place=place,
        ) from None
