"""Certificates of phone systems: fetched from allowed targets only, read, shown to people."""

import socket
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from portal.dialing.outcome import OUTCOMES
from portal.dialing.resolver import look_up
from portal.dialing.target import Address, AllowList, Destination, admit, trust_for
from portal.dialing.text import check_text, excerpt
from portal.dialing.tls import DistrustError, Trust, TrustMode, in_groups, secure
from portal.errors import N_, DialError

LONGEST_PEM = 32_768

_MOST_ADDRESSES = 2
_MOST_NAMES = 20
_LONGEST_NAME = 200
_UNREADABLE = (
    ValueError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_DER = 2
"""The form of a certificate in bytes, as the private part of ``ssl`` calls it."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says of itself, in text that can be shown; nothing of it is checked."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    """The host names and addresses that it was made out for."""
    valid_from: datetime
    valid_until: datetime
    fingerprint: str
    """SHA-256 in 64 hexadecimal digits."""
    can_vouch: bool
    """Whether it can stand as an authority: it is one, or it vouches for itself."""
    pem: str = field(repr=False)

    @property
    def groups(self) -> list[str]:
        """The fingerprint in pieces that people can compare."""
        return in_groups(self.fingerprint)

    @property
    def is_self_signed(self) -> bool:
        """Whether it vouches for itself."""
        return self.subject == self.issuer

    @property
    def is_current(self) -> bool:
        """Whether it is valid at this moment."""
        return self.valid_from <= datetime.now(UTC) <= self.valid_until


@dataclass(frozen=True, slots=True)
class Shown:
    """What a phone system shows, and what calls make of it as things are."""

    destination: Destination
    chain: tuple[Certificate, ...]
    """Its own certificate, then those that it sends along."""
    problem: str
    """Why calls refuse it, a key of OUTCOMES, or "" if they do not.

    Where calls accept any certificate, it is what the computer's authorities make of it.
    """

    @property
    def own(self) -> Certificate:
        """The certificate of the phone system itself."""
        return self.chain[0]

    @property
    def authority(self) -> Certificate | None:
        """The last certificate that can vouch for others."""
        return next((found for found in reversed(self.chain) if found.can_vouch), None)


def fetch(
    destination: Destination, allow: AllowList, *, look_up_in: float, seconds: float
) -> Shown:
    """Ask a phone system for its certificate; nothing else is sent to it.

    It passes the same rules as a call; each connection and each agreement on keys takes at
    most so many seconds. Raises DialError.
    """
    addresses = admit(destination, allow, lambda host, port: look_up(host, port, look_up_in))
    failure: OSError = TimeoutError()
    for address in addresses[:_MOST_ADDRESSES]:
        try:
            chain = _greet(destination, address, Trust(TrustMode.UNVERIFIED), seconds)
        except OSError as error:
            failure = error
        else:
            trust = trust_for(destination, address, allow)
            return Shown(
                destination, chain, _problem(chain[0], destination, address, trust, seconds)
            )
    kind = next(kind for sort, kind in _FAILURES if isinstance(failure, sort))
    raise DialError(kind, OUTCOMES[kind].happened)


def read(der: bytes) -> Certificate:
    """Read a certificate. Raises DialError."""
    try:
        return _read(x509.load_der_x509_certificate(der))
    except _UNREADABLE:
        raise _not_a_certificate() from None


def check_authority(text: str) -> str:
    """Return the certificates of authorities that an administrator enters, each in its one form."""
    pem = check_text(text.strip(), limit=LONGEST_PEM, field="authority")
    if "PRIVATE KEY" in pem:
        raise DialError(
            "private-key",
            N_(
                "This holds a private key, which nobody but the authority may have. It was not "
                "saved. Paste the certificate alone."
            ),
            field="authority",
        )
    try:
        found = [_read(one) for one in x509.load_pem_x509_certificates(pem.encode())]
    except _UNREADABLE:
        raise _not_a_certificate() from None
    for certificate in found:
        _check_vouching(certificate)
    return "".join(dict.fromkeys(certificate.pem for certificate in found))


def describe(trust: Trust) -> str:
    """Say in one line what is trusted, for the audit trail."""
    shown = [trust.fingerprint] if trust.fingerprint else _fingerprints(trust.authority)
    return " ".join([trust.mode.value, *(":".join(in_groups(one)) for one in shown)])


def _fingerprints(pem: str) -> list[str]:
    found = x509.load_pem_x509_certificates(pem.encode()) if pem else []
    return [certificate.fingerprint(hashes.SHA256()).hex() for certificate in found]


def _greet(
    destination: Destination, address: Address, trust: Trust, seconds: float
) -> tuple[Certificate, ...]:
    """Connect to a checked address and return what is shown. Raises DistrustError or OSError."""
    connection = socket.create_connection((str(address), destination.port), seconds)
    with secure(connection, destination.host, trust, seconds) as encrypted:
        return tuple(map(read, _sent_by(encrypted)))


def _sent_by(encrypted: Any) -> list[bytes]:  # noqa: ANN401 - what is asked for has no types
    """Return all certificates that the other end sent; public only since Python 3.13."""
    if ask := getattr(encrypted, "get_unverified_chain", None):
        return list(ask())
    sent = encrypted._sslobj.get_unverified_chain() or []  # noqa: SLF001 - see above
    return [certificate.public_bytes(_DER) for certificate in sent]


def _problem(
    own: Certificate, destination: Destination, address: Address, trust: Trust, seconds: float
) -> str:
    if trust.mode is TrustMode.PIN:
        return "" if own.fingerprint == trust.fingerprint else "certificate-changed"
    try:
        _greet(destination, address, trust if trust.checks_host else Trust(), seconds)
    except DistrustError as error:
        return error.kind
    except OSError:
        return "unreachable"
    return ""


_FAILURES: tuple[tuple[type[OSError], str], ...] = (
    (TimeoutError, "connect-timeout"),
    (ssl.SSLError, "tls"),
    (ConnectionRefusedError, "connection-refused"),
    (OSError, "unreachable"),
)
"""What it means that no certificate came, by the first sort that the error is of."""


def _read(certificate: x509.Certificate) -> Certificate:
    subject, issuer = certificate.subject, certificate.issuer
    return Certificate(
        subject=_text(subject.rfc4514_string()),
        issuer=_text(issuer.rfc4514_string()),
        names=tuple(map(_text, _names(certificate)[:_MOST_NAMES])),
        valid_from=certificate.not_valid_before_utc,
        valid_until=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        can_vouch=subject == issuer or _is_authority(certificate),
        pem=certificate.public_bytes(Encoding.PEM).decode("ascii"),
    )


def _text(text: str) -> str:
    return excerpt(text, longest=_LONGEST_NAME)


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return [*found.get_values_for_type(x509.DNSName), *addresses]


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _check_vouching(certificate: Certificate) -> None:
    if not certificate.can_vouch:
        raise DialError(
            "not-an-authority",
            N_(
                "%(subject)s is the certificate of a server, not of an authority. Paste the one "
                "of its issuer, %(issuer)s, or confirm this one certificate."
            ),
            field="authority",
            subject=certificate.subject,
            issuer=certificate.issuer,
        )
    if not certificate.is_current:
        raise DialError(
            "certificate-expired",
            N_("%(subject)s has expired or is not valid yet. Paste the one that is valid now."),
            field="authority",
            subject=certificate.subject,
        )


def _not_a_certificate() -> DialError:
    return DialError(
        "not-a-certificate",
        N_(
            "This is not a certificate. Paste it as text that begins with %(begin)s; a file in "
            "another form can be converted with: openssl x509 -inform DER -in FILE."
        ),
        field="authority",
        begin="-----BEGIN CERTIFICATE-----",
    )
