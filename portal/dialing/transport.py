"""One exchange with a phone system: one request, never repeated, bounded in time and size.

The host is resolved once, all its addresses are checked, and only these are connected to.
"""

import logging
import re
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse, RemoteDisconnected
from io import BufferedReader, RawIOBase
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection

from portal.dialing.outcome import OUTCOMES
from portal.dialing.resolver import look_up
from portal.dialing.target import (
    Address,
    AllowList,
    Destination,
    admit,
    check_url,
    trust_for,
)
from portal.dialing.tls import DistrustError, secure
from portal.errors import DialError

_MOST_TRIES = 2
"""So many connections are tried: the second to another address, if there is one."""

_START = b"HTTP/"
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
class Limits:
    """How long to wait, in seconds, and how much to send and to take, in bytes."""

    look_up: float
    """For the addresses of the host."""
    connect: float
    """For a connection to one of them; as long again for TLS."""
    retry_pause: float
    """From a connection that did not come about to the second and last try."""
    answer: float
    """For the first byte of the answer, and then for each more."""
    exchange: float
    """For all of it."""
    longest_url: int
    longest_head: int
    """The status line and all headers."""
    longest_body: int
    """Of a longer one only the beginning is read."""


def exchange(url: str, allow: AllowList, limits: Limits) -> Answer:
    """Open an http(s) URL once and return the answer. Raises TransportError and nothing else.

    Redirects are not followed; proxies, cookies and credentials of the environment are not used.
    """
    watch = _Watch(allow, limits)
    token = _current.set(watch)
    try:
        return _exchange(url, watch)
    except Exception as error:  # noqa: BLE001 - of whatever kind it is, it may carry the URL
        kind = _kind(error, watch)
    finally:
        _current.reset(token)
    raise TransportError(kind)  # outside of "except", for the error would go along


def _exchange(url: str, watch: "_Watch") -> Answer:
    limits = watch.limits
    if len(url) > limits.longest_url:
        raise TransportError("url-too-long")
    watch.destination = check_url(url)
    watch.addresses = _admitted(watch)
    request = requests.PreparedRequest()
    request.prepare(method="GET", url=url, headers=_HEADERS)
    request.url = url  # as it was shown: requests would spell it anew
    # Not a requests.Session: for a redirect it would read the body without limit.
    with _Adapter().send(request, stream=True, timeout=limits.connect) as response:
        watch.has_head()
        _check_length(response)
        return Answer(response.status_code, _body(response, limits.longest_body))


def _admitted(watch: "_Watch") -> tuple[Address, ...]:
    def resolve(host: str, port: int) -> list[str]:
        try:
            return look_up(host, port, watch.time.left(watch.limits.look_up))
        except TimeoutError:
            raise TransportError("dns-timeout") from None

    return admit(watch.destination, watch.allow, resolve)


def _check_length(response: requests.Response) -> None:
    """Refuse a length that is none: such an answer has no end that both sides agree on."""
    lengths = response.headers.get("Content-Length", "0").split(",")
    if not all(re.fullmatch(r"\s*[0-9]+\s*", length) for length in lengths):
        raise TransportError("not-http")


def _body(response: requests.Response, most: int) -> bytes:
    """Read what comes of the body; the status counts even if it breaks off."""
    body = b""
    with suppress(exceptions.HTTPError, OSError):
        while len(body) < most and (
            piece := response.raw.read1(most - len(body), decode_content=False)
        ):
            body += piece
    return body


def _kind(error: Exception, watch: "_Watch") -> str:
    if isinstance(error, TransportError | DistrustError):
        return error.kind
    if isinstance(error, DialError):
        return error.kind if error.kind in OUTCOMES else "bad-url"
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


class _Deadline:
    """A moment at which something has to be over."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, most: float) -> float:
        """Return how long to wait, at most so many seconds. Raises TimeoutError if it is over."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, most)


class _Watch:
    """What is known of an exchange under way, and how much more of it there may be."""

    destination: Destination
    addresses: tuple[Address, ...]
    """Where to connect to, in the order in which to try."""
    connected_to: Address

    def __init__(self, allow: AllowList, limits: Limits) -> None:
        self.allow = allow
        self.limits = limits
        self.time = _Deadline(limits.exchange)
        self.sent = False
        """Whether a byte of the request may have left."""
        self._room = limits.longest_head
        self._start = b""
        self._has_head = False

    def room_in(self, buffer: memoryview) -> memoryview:
        """Return as much of a buffer as may be filled now."""
        if not self._room:
            raise TransportError("not-http")
        return buffer[: self._room]

    def has_read(self, piece: memoryview) -> None:
        """Note what has come: nothing at the end, where http.client thinks that a head is whole."""
        if not piece and self._start == _START and not self._has_head:
            raise ConnectionError
        self._start += piece[: len(_START) - len(self._start)]
        self._room -= len(piece)

    def has_head(self) -> None:
        """Note that all headers are there. Raises TimeoutError if they are late."""
        self.time.left(0)
        self._has_head, self._room = True, sys.maxsize


_current: ContextVar[_Watch] = ContextVar("exchange")


class _Wire(RawIOBase):
    """What comes from a connection; asks the watch before it waits for anything.

    The timeouts of requests are per read, so drops would keep an exchange going for ever.
    """

    def __init__(self, connection: socket.socket, raw: RawIOBase) -> None:
        super().__init__()
        self._connection = connection
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as io has it
        watch = _current.get()
        room = watch.room_in(memoryview(buffer))
        self._connection.settimeout(watch.time.left(watch.limits.answer))
        size: int = self._raw.readinto(room)
        watch.has_read(room[:size])
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """Reads through a wire, and to its end a head that http.client gives up: it may be late."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(sock, *args, **kwargs)
        self.fp = BufferedReader(_Wire(sock, self.fp.detach()))

    def begin(self) -> None:
        try:
            super().begin()
        except HTTPException:
            while isinstance(self.status, int) and self.fp.readline().strip():
                pass
            raise


class _Connection(HTTPConnection):
    """A connection to a checked address; tells the watch when it begins to send."""

    response_class = _Response

    def _new_conn(self) -> socket.socket:
        """Take the place of what would resolve the host again, and perhaps to another address."""
        watch = _current.get()
        limits, addresses = watch.limits, watch.addresses[:_MOST_TRIES]
        patience = _Deadline(watch.time.left(limits.connect))
        with suppress(OSError):
            return self._connected(addresses[0], patience.left(limits.connect / len(addresses)))
        time.sleep(patience.left(limits.retry_pause))
        return self._connected(addresses[-1], patience.left(limits.connect))

    def _connected(self, address: Address, seconds: float) -> socket.socket:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(seconds)
            connection.connect((str(address), self.port))
        except BaseException:
            connection.close()
            raise
        _current.get().connected_to = address
        return connection

    def send(self, data: Any) -> None:  # noqa: ANN401 - as http.client has it
        if self.sock is None:
            self.connect()
        watch = _current.get()
        self.sock.settimeout(watch.time.left(watch.limits.answer))
        watch.sent = True
        super().send(data)


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS, once the phone system has shown what it has to."""

    is_verified = True  # as far as an administrator wants it

    def connect(self) -> None:
        HTTPConnection.connect(self)  # HTTPSConnection's would encrypt once more

    def _new_conn(self) -> socket.socket:
        self.sock = super()._new_conn()  # so that it is closed whatever happens
        watch = _current.get()
        trust = trust_for(watch.destination, watch.connected_to, watch.allow)
        patience = watch.time.left(watch.limits.connect)
        return secure(self.sock, watch.destination.host, trust, patience)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """Makes requests use our connections; like every adapter it tries once."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
