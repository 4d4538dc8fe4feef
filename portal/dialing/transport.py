"""One exchange with a phone system: one request, never repeated, bounded in time and size."""

import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.client import HTTPException, RemoteDisconnected
from threading import Timer
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection

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


def exchange(
    url: str, *, connect_timeout: float, answer_timeout: float, exchange_timeout: float
) -> Answer:
    """Open an http(s) URL once and return the answer. Raises TransportError.

    Redirects are not followed; proxies, cookies and credentials of the environment are not
    used. Times are seconds: for the connection, for each wait for data, and for all of it.
    """
    request = requests.PreparedRequest()
    request.prepare(method="GET", url=url, headers=_HEADERS)
    request.url = url  # as it was shown: requests would spell it anew
    with _watched(exchange_timeout) as watch:
        try:
            # Not a requests.Session: for a redirect it would read the body without limit.
            with _Adapter().send(
                request, stream=True, timeout=(connect_timeout, answer_timeout)
            ) as response:
                if not watch.late:
                    return Answer(response.status_code, _body(response))
            kind = "answer-timeout"
        except (requests.RequestException, exceptions.HTTPError) as error:
            kind = _kind(error, watch)
    raise TransportError(kind)  # outside of "except": the error there carries the URL


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
    (exceptions.NameResolutionError, "name-not-found"),
    (ssl.SSLCertVerificationError, "certificate"),
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

    def __init__(self) -> None:
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
def _watched(seconds: float) -> Iterator[_Watch]:
    """Watch one exchange: the timeouts of requests are per read, so drops would keep it going."""
    watch = _Watch()
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
    """A connection that tells the watch its socket and when it begins to send."""

    def connect(self) -> None:
        super().connect()
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
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """Makes requests use our connections; like every adapter it tries once."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
