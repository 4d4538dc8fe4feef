"""One exchange with a phone system: one request, never repeated, bounded in time and size.

The host is resolved once, all its addresses are checked, and only these are connected to.
"""

import logging
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.client import HTTPException, RemoteDisconnected
from ipaddress import ip_address
from threading import Timer
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection

from portal.dialing.resolver import look_up
from portal.dialing.target import (
    Address,
    AllowList,
    Destination,
    admit,
    check_url,
    trust_for,
)
from portal.dialing.tls import DistrustError, Trust, secure
from portal.errors import DialError

LONGEST_BODY = 64 * 1024

_HEADERS = {
    "User-Agent": "Click2Dial-Portal",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
}

# urllib3 writes whole URLs, and with them secrets, into its log lines.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


class TransportError(Exception):
    """No answer came; ``kind`` is a key of OUTCOMES. Knows nothing of the URL."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Answer:
    """What the phone system said: the status, and as much of the body as came in time."""

    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds."""

    look_up: float
    """For the address of the host."""
    connect: float
    answer: float
    """For each wait for data."""
    exchange: float
    """For all of it once the address is known."""


def exchange(url: str, allow: AllowList, timeouts: Timeouts) -> Answer:
    """Open an http(s) URL once and return the answer. Raises TransportError.

    Redirects are not followed; proxies, cookies and credentials of the environment are not used.
    """
    way = _admitted(url, allow, timeouts.look_up)
    request = requests.PreparedRequest()
    request.prepare(method="GET", url=url, headers=_HEADERS)
    request.url = url  # as it was shown: requests would spell it anew
    with _watched(way, timeouts.exchange) as watch:
        try:
            # Not a requests.Session: for a redirect it would read the body without limit.
            with _Adapter().send(
                request, stream=True, timeout=(timeouts.connect, timeouts.answer)
            ) as response:
                if not watch.late:
                    return Answer(response.status_code, _body(response))
            kind = "answer-timeout"
        except DistrustError as error:
            kind = error.kind
        except (requests.RequestException, exceptions.HTTPError) as error:
            kind = _kind(error, watch)
    raise TransportError(kind)  # outside of "except": the error there carries the URL


@dataclass(frozen=True, slots=True)
class _Way:
    """Where a request may go, and what has to be shown there."""

    destination: Destination
    allow: AllowList
    addresses: Sequence[Address]
    """In the order in which to try them."""

    def trust(self, address: Address) -> Trust:
        return trust_for(self.destination, address, self.allow)


def _admitted(url: str, allow: AllowList, patience: float) -> _Way:
    try:
        destination = check_url(url)
        addresses = admit(destination, allow, lambda host, port: look_up(host, port, patience))
        return _Way(destination, allow, addresses)
    except DialError as error:
        kind = error.kind
    raise TransportError(kind)


def _body(response: requests.Response) -> bytes:
    """Read what comes of the body; the status counts even if it breaks off."""
    body = b""
    with suppress(exceptions.HTTPError, OSError):
        while len(body) < LONGEST_BODY and (
            piece := response.raw.read1(LONGEST_BODY - len(body), decode_content=False)
        ):
            body += piece
    return body


def _kind(error: Exception, watch: "_Watch") -> str:
    if watch.late:
        return "answer-timeout" if watch.sent else "connect-timeout"
    causes = tuple(_causes(error))
    kinds = _AFTER_SENDING if watch.sent else _BEFORE_SENDING
    return next(kind for sort, kind in kinds if any(isinstance(cause, sort) for cause in causes))


_BEFORE_SENDING: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "connect-timeout"),
    (ssl.SSLError, "tls"),
    (ConnectionRefusedError, "connection-refused"),
    (Exception, "unreachable"),
)
_AFTER_SENDING: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "answer-timeout"),
    (RemoteDisconnected, "connection-lost"),
    (HTTPException, "not-http"),
    (requests.exceptions.InvalidHeader, "not-http"),
    (Exception, "connection-lost"),
)
"""What an error means, by the first sort that it or one of its causes is of."""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Walk from an error to what it wraps."""
    while error is not None:
        yield error
        reason = getattr(error, "reason", None)
        error = (
            reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
        )


class _Watch:
    """What is known of an exchange under way, and the power to end it."""

    def __init__(self, way: _Way) -> None:
        self.way = way
        self.sent = False
        """Whether a byte of the request may have left."""
        self.late = False
        """Whether the time for the whole exchange is over."""
        self.socket: socket.socket | None = None

    def end(self) -> None:
        """Wake whoever waits for the phone system: the time is over."""
        self.late = True
        if self.socket is not None:
            with suppress(OSError):
                # The plain method also for TLS, whose own one is not made for two threads.
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)


_current: ContextVar[_Watch] = ContextVar("exchange")


@contextmanager
def _watched(way: _Way, seconds: float) -> Iterator[_Watch]:
    """Watch one exchange: the timeouts of requests are per read, so drops would keep it going."""
    watch = _Watch(way)
    timer = Timer(seconds, watch.end)
    timer.daemon = True
    token = _current.set(watch)
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
        _current.reset(token)


class _Connection(HTTPConnection):
    """A connection to a checked address; tells the watch its socket and when it begins to send."""

    def _new_conn(self) -> socket.socket:
        """Take the place of what would resolve the host again, and perhaps to another address."""
        deadline = time.monotonic() + float(self.timeout or 0)
        *others, last = _current.get().way.addresses
        for tried, address in enumerate(others):
            share = (deadline - time.monotonic()) / (len(others) + 1 - tried)
            with suppress(OSError):
                return self._connected(address, share)
        return self._connected(last, deadline - time.monotonic())

    def _connected(self, address: Address, seconds: float) -> socket.socket:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(max(seconds, 0.001))  # 0 would mean not to wait at all
            connection.connect((str(address), self.port))
        except BaseException:
            connection.close()
            raise
        return connection

    def connect(self) -> None:
        HTTPConnection.connect(self)  # also for TLS: HTTPSConnection's would encrypt once more
        watch = _current.get()
        watch.socket = self.sock
        if watch.late:
            raise TimeoutError

    def send(self, data: Any) -> None:  # noqa: ANN401 - as http.client has it
        if self.sock is None:
            self.connect()
        _current.get().sent = True
        super().send(data)


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS, once the phone system has shown what it has to."""

    is_verified = True  # as far as an administrator wants it

    def _new_conn(self) -> socket.socket:
        connection, way = super()._new_conn(), _current.get().way
        trust = way.trust(ip_address(connection.getpeername()[0]))
        return secure(connection, way.destination.host, trust, float(self.timeout or 0))


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """Makes requests use our connections; like every adapter it tries once."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
