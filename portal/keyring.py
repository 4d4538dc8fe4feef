"""Encryption of stored secrets.

Fernet knows no associated data, so owner and field are inside the plaintext: a
ciphertext copied to another user's row or another field does not open.
"""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app

from portal.errors import N_, PortalError


class KeyringError(PortalError):
    """A stored secret cannot be opened with the keys at hand."""

    status = 503


class Keyring:
    """Seals secrets with the first key and opens them with any of the keys."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, owner: int, field: str, value: str) -> str:
        """Encrypt a secret for one field of one user."""
        return self._fernet.encrypt(f"v1|{owner}|{field}|{value}".encode()).decode("ascii")

    def open(self, owner: int, field: str, sealed: str) -> str:
        """Decrypt what was sealed for this very user and field. Raises KeyringError."""
        try:
            text = self._fernet.decrypt(sealed.encode("ascii")).decode("utf-8")
        except (InvalidToken, ValueError):
            text = ""
        head = f"v1|{owner}|{field}|"
        if not text.startswith(head):
            raise KeyringError(
                "secret-unreadable",
                N_(
                    "The stored CTI password cannot be read with the portal's keys. "
                    "Enter it again, or ask an administrator to restore the keys."
                ),
            )
        return text.removeprefix(head)

    def rotate(self, sealed: str) -> str:
        """Encrypt the same secret again with the first key. Raises KeyringError."""
        try:
            return self._fernet.rotate(sealed.encode("ascii")).decode("ascii")
        except (InvalidToken, ValueError):
            raise KeyringError(
                "secret-unreadable", N_("A stored secret cannot be read with the portal's keys.")
            ) from None


def current() -> Keyring:
    """Return the keyring of the running application."""
    keyring: Keyring = current_app.extensions["keyring"]
    return keyring
