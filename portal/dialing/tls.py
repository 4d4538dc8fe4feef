"""Encrypted connections: what the other end has to show before anything is sent to it."""

import hashlib
import os
import re
import select
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import certifi

from portal.errors import N_, DialError

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_PUNCTUATION = re.compile(r"^.*=|[:\s]")
_GROUP = 8


class TrustMode(StrEnum):
    """Whom an administrator trusts at a target."""

    SYSTEM = "system"
    """Whoever shows a certificate for the host that the portal's computer trusts."""
    PIN = "pin"
    """Whoever has exactly this certificate: neither its names nor its dates matter then."""
    AUTHORITY = "authority"
    """Whoever shows a certificate for the host that comes from this authority alone."""
    UNVERIFIED = "unverified"
    """Anybody. The connection is encrypted, but nobody knows with whom."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What a phone system has to show over https."""

    mode: TrustMode = TrustMode.SYSTEM
    fingerprint: str = ""
    """SHA-256 of the one certificate, in 64 hexadecimal digits."""
    authority: str = ""
    """One or more certificates of authorities as PEM."""

    @property
    def checks_host(self) -> bool:
        """Whether the certificate has to be made out for the host."""
        return self.mode in {TrustMode.SYSTEM, TrustMode.AUTHORITY}


class DistrustError(Exception):
    """The other end did not show what it has to; ``kind`` is a key of OUTCOMES."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def secure(connection: socket.socket, host: str, trust: Trust, seconds: float) -> ssl.SSLSocket:
    """Encrypt a connection and return it once the other end has shown what it has to.

    Only then may anything be sent. All of it takes at most so many seconds, also if the other
    end sends drops. Raises DistrustError or OSError; the connection is closed then.
    """
    patience = connection.gettimeout()
    encrypted = _context(trust).wrap_socket(
        connection, server_hostname=host, do_handshake_on_connect=False
    )
    try:
        problem = _shake_hands(encrypted, time.monotonic() + seconds)
        if trust.mode is TrustMode.PIN and fingerprint(encrypted) != trust.fingerprint:
            problem = "certificate-changed"
        encrypted.settimeout(patience)
    except BaseException:
        encrypted.close()
        raise
    if problem:
        encrypted.close()
        raise DistrustError(problem)
    return encrypted


def fingerprint(encrypted: ssl.SSLSocket) -> str:
    """Return the SHA-256 of the certificate that the other end has shown."""
    return hashlib.sha256(encrypted.getpeercert(binary_form=True) or b"").hexdigest()


def parse_fingerprint(text: str) -> str:
    """Return a fingerprint in its one spelling.

    >>> parse_fingerprint("sha256 Fingerprint=" + ":".join(["3F"] * 32))[:8]
    '3f3f3f3f'
    """
    digits = _PUNCTUATION.sub("", text.strip()).lower()
    if not _FINGERPRINT.fullmatch(digits):
        raise DialError(
            "bad-fingerprint",
            N_(
                "This is not a SHA-256 fingerprint, which has 64 hexadecimal digits. Fetch the "
                "certificate here, or copy the fingerprint from the phone system."
            ),
            field="fingerprint",
        )
    return digits


def in_groups(digits: str) -> list[str]:
    """Return a fingerprint in pieces that people can compare.

    >>> in_groups("3fa29c1140b7d8e6")
    ['3F:A2:9C:11', '40:B7:D8:E6']
    """
    groups = (digits[start : start + _GROUP] for start in range(0, len(digits), _GROUP))
    return [bytes.fromhex(group).hex(":").upper() for group in groups]


def _context(trust: Trust) -> ssl.SSLContext:
    if trust.mode is TrustMode.SYSTEM:
        return _system_context()
    context = _empty_context()
    if trust.mode is TrustMode.AUTHORITY:
        context.load_verify_locations(cadata=trust.authority)
        # What an administrator names is the end of the chain, whether it vouches for itself or not.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@lru_cache(maxsize=1)
def _system_context() -> ssl.SSLContext:
    """Trust those whom the computer trusts, or if it trusts nobody those whom certifi does.

    They are read once: that takes 30 ms, in which the whole process stands still.
    """
    context = _empty_context()
    paths = ssl.get_default_verify_paths()
    if paths.cafile or (paths.capath and any(os.scandir(paths.capath))):
        context.load_default_certs()
    else:
        context.load_verify_locations(certifi.where())
    return context


def _empty_context() -> ssl.SSLContext:
    """Trust nobody yet, and let nobody show another certificate later."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = _Encrypted
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context


class _Encrypted(ssl.SSLSocket):
    """Closes itself where wrap_socket would lose it: when the connection has just been reset."""

    def getpeername(self) -> Any:  # noqa: ANN401 - as socket has it
        try:
            return super().getpeername()
        except OSError:
            self.close()
            raise


def _shake_hands(encrypted: ssl.SSLSocket, deadline: float) -> str:
    """Agree on keys; return what is wrong with the certificate, "" if nothing is."""
    encrypted.settimeout(0)
    while True:
        try:
            encrypted.do_handshake()
        except ssl.SSLWantReadError:
            _wait(encrypted, select.POLLIN, deadline)
        except ssl.SSLWantWriteError:
            _wait(encrypted, select.POLLOUT, deadline)
        except ssl.SSLCertVerificationError as error:
            return _PROBLEMS.get(error.verify_code, "certificate")
        else:
            return ""


def _wait(encrypted: ssl.SSLSocket, for_what: int, deadline: float) -> None:
    left = deadline - time.monotonic()
    poll = select.poll()
    poll.register(encrypted, for_what)
    if left <= 0 or not poll.poll(left * 1000):
        raise TimeoutError


_PROBLEMS: Mapping[int, str] = {
    **dict.fromkeys((9, 10), "certificate-expired"),  # not yet, no longer
    **dict.fromkeys((62, 64), "certificate-host"),  # name, address
    **dict.fromkeys((2, 7, 18, 19, 20, 21, 24), "certificate-issuer"),  # self-signed, not known
}
"""What OpenSSL's X509_V_ERR_… mean."""
