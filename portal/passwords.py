"""Passwords: argon2id, and never more than two hashes at a time in a process."""

import base64
import secrets
from collections.abc import Iterable
from functools import lru_cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal import blocklist
from portal.errors import N_, InvalidError
from portal.extensions import config

SHORTEST = 15
LONGEST = 256

_PARALLELISM = 1
_SALT_BYTES = 16
_HASH_BYTES = 32
_room = BoundedSemaphore(2)
"""Each hash takes megabytes and a core; a rush of sign-ins waits here instead of taking all."""


def check(password: str, *, names: Iterable[str] = (), field: str = "password") -> str:
    """Return a password that may be used, exactly as it was entered. Raises InvalidError.

    The rules are those of NIST SP 800-63B: length, and not what is guessed first, to which
    the names of the user belong. No character is required or forbidden.
    """
    if len(password) < SHORTEST:
        raise InvalidError(
            "too-short",
            N_(
                "Use at least %(shortest)s characters. Several words in a row are easy to remember."
            ),
            field=field,
            shortest=str(SHORTEST),
        )
    if len(password) > LONGEST:
        raise InvalidError(
            "too-long",
            N_("This is too long. At most %(limit)s characters are possible."),
            field=field,
            limit=str(LONGEST),
        )
    if blocklist.is_guessable(password, names):
        raise InvalidError(
            "guessable",
            N_(
                "This is guessed first: it is a common password, or hardly more than names, "
                "sequences and repetitions. Use several words that have nothing to do with you."
            ),
            field=field,
        )
    return password


def make_hash(password: str) -> str:
    """Return what is stored of a password."""
    with _room:
        return _hasher().hash(_bytes(password))


def verify(password_hash: str | None, password: str) -> bool:
    """Return whether this is the password; with no hash (no such user) work as hard and say no."""
    with _room:
        try:
            return _hasher().verify(password_hash or _unmatched_hash(), _bytes(password))
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(password_hash: str) -> bool:
    """Return whether a hash was made with other costs than the present settings ask for."""
    return _hasher().check_needs_rehash(password_hash)


def _hasher() -> PasswordHasher:
    return _hasher_with(config().password_rounds, config().password_memory_kib)


@lru_cache
def _hasher_with(rounds: int, memory_kib: int) -> PasswordHasher:
    return PasswordHasher(
        time_cost=rounds,
        memory_cost=memory_kib,
        parallelism=_PARALLELISM,
        hash_len=_HASH_BYTES,
        salt_len=_SALT_BYTES,
    )


def _unmatched_hash() -> str:
    """Return a hash of the present costs that no password is known for."""
    costs = f"m={config().password_memory_kib},t={config().password_rounds},p={_PARALLELISM}"
    return f"$argon2id$v=19${costs}${_random(_SALT_BYTES)}${_random(_HASH_BYTES)}"


def _random(size: int) -> str:
    return base64.b64encode(secrets.token_bytes(size)).decode("ascii").rstrip("=")


def _bytes(password: str) -> bytes:
    """Encode any text, also what is no valid Unicode: a wrong password is not an error."""
    return password.encode("utf-8", "surrogatepass")
