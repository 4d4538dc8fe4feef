"""Certificates of a test's own, and phone systems that show them over TLS."""

import contextlib
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from portal.dialing import tls

HOST = "127.0.0.1"
LASTING = (-1, 1)
EXPIRED = (-30, -1)
NOT_YET = (1, 30)
"""Days from now between which a certificate is valid."""

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, and those that are sent along with it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> str:
        """The certificate as text."""
        return self.certificate.public_bytes(Encoding.PEM).decode("ascii")

    @property
    def private(self) -> str:
        """The key as text."""
        encoded = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return encoded.decode("ascii")

    @property
    def fingerprint(self) -> str:
        """SHA-256 in 64 hexadecimal digits."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def context(self) -> ssl.SSLContext:
        """Return what a server needs to show the certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(self.private + self.pem)
            file.writelines(sent.public_bytes(Encoding.PEM).decode() for sent in self.chain)
            file.flush()
            context.load_cert_chain(file.name)
        return context


def self_signed(*names: str, days: tuple[int, int] = LASTING, authority: bool = False) -> Issued:
    """Make a certificate that vouches for itself."""
    return _issue(names or (HOST,), days, authority=authority)


def issued_by(issuer: Issued, *names: str, days: tuple[int, int] = LASTING) -> Issued:
    """Make a certificate for a server; the issuer's is sent along."""
    return _issue(names or (HOST,), days, issuer=issuer)


def an_authority(name: str = "Authority of the test") -> Issued:
    """Make the certificate of an authority."""
    return self_signed(name, authority=True)


@contextlib.contextmanager
def known_to_the_computer(issued: Issued) -> Iterator[None]:
    """Make a certificate the only one that the portal's own computer trusts."""
    with tempfile.NamedTemporaryFile("w") as file, pytest.MonkeyPatch.context() as patch:
        file.write(issued.pem)
        file.flush()
        patch.setenv("SSL_CERT_FILE", file.name)
        tls._system_context.cache_clear()
        yield
        tls._system_context.cache_clear()


def _issue(
    names: tuple[str, ...],
    days: tuple[int, int],
    *,
    issuer: Issued | None = None,
    authority: bool = False,
) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    start, end = (datetime.now(UTC) + timedelta(days=day) for day in days)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if not authority:
        alternatives = x509.SubjectAlternativeName(map(_name, names))
        builder = builder.add_extension(alternatives, critical=False)
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    return Issued(certificate, key, (issuer.certificate,) if issuer else ())


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


@dataclass
class TlsPhoneSystem:
    """A phone system over TLS that answers 200; ``shows`` may be changed while it runs."""

    shows: Issued
    listener: socket.socket
    requests: list[bytes] = field(default_factory=list)
    """What arrived after each handshake that the other side did not break off."""
    names: list[str | None] = field(default_factory=list)
    """The host names that were asked for."""

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self.listener.getsockname()[1]
        return port

    @property
    def entry(self) -> str:
        """What allows exactly this."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """A URL to call with."""
        return f"https://{self.entry}/call"

    @property
    def received(self) -> bytes:
        """All bytes of requests."""
        return b"".join(self.requests)

    def serve(self) -> None:
        """Answer one connection after the other until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(10)
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        context = self.shows.context()
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        with context.wrap_socket(connection, server_side=True) as encrypted:
            self.requests.append(b"")
            self.requests[-1] = encrypted.recv(65536)
            if self.requests[-1]:
                encrypted.sendall(OK)


@contextlib.contextmanager
def tls_phone_system(shows: Issued) -> Iterator[TlsPhoneSystem]:
    """Serve over TLS while the block lasts; at its end all that arrived is known."""
    with socket.create_server((HOST, 0)) as listener:
        system = TlsPhoneSystem(shows, listener)
        thread = threading.Thread(target=system.serve)
        thread.start()
        try:
            yield system
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
