"""Phone systems that go wrong: raw sockets, one fault each, and a count of what they saw."""

import contextlib
import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

from portal.dialing.transport import Limits
from tests.support.processes import free_port

_ENDS_WITH_RESET = struct.pack("ii", 1, 0)
_GIBIBYTE = 1024 * 1024 * 1024


class Line:
    """One connection to a phone system, seen from its side."""

    def __init__(self, connection: socket.socket, system: "FaultServer") -> None:
        self._connection = connection
        self._system = system

    def read_request(self) -> bytes:
        """Wait for a whole request and count it; whoever hangs up first ends the connection."""
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            if not (piece := self._receive()):
                raise ConnectionResetError
            request += piece
        self._system.note_request(request)
        return request

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._connection.sendall(data)

    def send_on_and_on(self, piece: bytes, pause: float = 0.0) -> None:
        """Send a piece after the other until the other side hangs up."""
        while not self._system.pauses(pause):
            self.send(piece)

    def wait_for_hang_up(self) -> None:
        """Take what comes until the other side hangs up."""
        while self._receive():
            pass

    def reset(self) -> None:
        """Break the connection instead of closing it."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ENDS_WITH_RESET)
        self._connection.close()

    def pause(self, seconds: float) -> None:
        """Do nothing for a while, or until the phone system is switched off."""
        self._system.pauses(seconds)

    def _receive(self) -> bytes:
        piece = self._connection.recv(65536)
        self._system.note_bytes(len(piece))
        return piece


Fault = Callable[[Line], None]
"""What a phone system does with a connection; it is closed afterwards."""


class FaultServer:
    """A phone system on a port of its own that does the same with every connection.

    With TLS it only sees what comes after a handshake that both sides were content with.
    """

    def __init__(self, fault: Fault, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.requests: list[bytes] = []
        """All requests that arrived whole."""
        self.connections = 0
        """How many were accepted."""
        self.bytes_seen = 0
        """How much was received, of requests in clear text or out of TLS."""
        self.most_at_once = 0
        """How many connections were open at the same time at most."""
        self._fault = fault
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._off = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def url(self, path: str = "/call?n=<#NUMBER#>") -> str:
        """Return a dial URL that leads here."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}{path}"

    def note_request(self, request: bytes) -> None:
        """Count a request."""
        with self._lock:
            self.requests.append(request)

    def note_bytes(self, number: int) -> None:
        """Count bytes."""
        with self._lock:
            self.bytes_seen += number

    def pauses(self, seconds: float) -> bool:
        """Wait; tell whether it is over because the phone system is being switched off."""
        return self._off.wait(seconds)

    def close(self) -> None:
        """Switch off, which ends every connection."""
        self._off.set()
        with self._lock:
            for connection in (self._listener, *self._open):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while not self._off.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:  # switched off
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            with self._lock:
                if self._off.is_set():
                    connection.close()
                    return
                self._threads.append(thread)
                self._open.add(connection)
                self.connections += 1
                self.most_at_once = max(self.most_at_once, len(self._open))
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            # The errors of TLS are OSErrors too.
            with contextlib.suppress(OSError), self._secured(connection) as secured:
                self._fault(Line(secured, self))
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _secured(self, connection: socket.socket) -> socket.socket:
        if self._tls is None:
            return connection
        connection.getpeername()  # of one that was reset, wrap_socket would lose the socket
        return self._tls.wrap_socket(connection.dup(), server_side=True)


@contextlib.contextmanager
def phone_system_that(
    fault: Fault, tls: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[FaultServer]:
    """Run a phone system with a fault while the block lasts."""
    server = FaultServer(fault, tls, port)
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def port_that_swallows_connections(host: str = "127.0.0.1") -> Iterator[int]:
    """Give a port where no connection is refused and none is ever established.

    Linux drops the first packet of a connection while the queue of a listener is full.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((host, free_port()))
        listener.listen(0)
        address = listener.getsockname()
        while True:
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0.5)
            if filler.connect_ex(address) != 0:
                break
        yield address[1]


def patient(**others: float) -> Limits:
    """Return limits that a loaded machine keeps, but for those that a test is about."""
    limits: dict[str, Any] = {
        "look_up": 20.0,
        "connect": 20.0,
        "retry_pause": 0.05,
        "answer": 20.0,
        "exchange": 30.0,
        "longest_url": 4096,
        "longest_head": 32 * 1024,
        "longest_body": 64 * 1024,
    }
    return Limits(**(limits | others))


# What can go wrong once a connection is there


def says(answer: bytes) -> Fault:
    """Give this answer, whatever it is."""

    def fault(line: Line) -> None:
        line.read_request()
        line.send(answer)

    return fault


def answers(status: int = 200, body: bytes = b"ok", *headers: str, after: float = 0.0) -> Fault:
    """Give a proper answer, if need be after some seconds."""
    lines = [f"HTTP/1.1 {status} Some Reason", f"Content-Length: {len(body)}", *headers, "", ""]
    head = "\r\n".join(lines).encode()

    def fault(line: Line) -> None:
        line.read_request()
        line.pause(after)
        line.send(head + body)

    return fault


def redirects(location: str, status: int = 302) -> Fault:
    """Send whoever asks to another address."""
    return answers(status, b"", f"Location: {location}")


def never_answers(line: Line) -> None:
    """Take the request and say nothing."""
    line.read_request()
    line.wait_for_hang_up()


def says_nothing(line: Line) -> None:
    """Take the connection and say nothing, not even that TLS can begin."""
    line.wait_for_hang_up()


def speaks_first(line: Line) -> None:
    """Greet whoever connects, in no protocol of the web, and wait."""
    line.send(b"Asterisk Call Manager/13.0.0\r\n")
    line.wait_for_hang_up()


def hangs_up(line: Line) -> None:
    """Take the request and close the connection."""
    line.read_request()


def resets(said: bytes = b"") -> Fault:
    """Take the request, say something and break the connection."""

    def fault(line: Line) -> None:
        line.read_request()
        line.send(said)
        line.reset()

    return fault


def drips(head: bytes, drop: bytes, pause: float = 0.05) -> Fault:
    """Send the head, then drop after drop without end: no single wait is long."""

    def fault(line: Line) -> None:
        line.read_request()
        line.send(head)
        line.send_on_and_on(drop, pause)

    return fault


def drips_headers(pause: float = 0.05) -> Fault:
    """Never come to the end of the headers."""
    return drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", pause)


def drips_body(pause: float = 0.05) -> Fault:
    """Never come to the end of the body."""
    return drips(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n", b"x", pause)


def endless_body(line: Line) -> None:
    """Send a body that has no end, as fast as it goes."""
    line.read_request()
    line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    line.send_on_and_on(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def gzip_bomb() -> Fault:
    """Send a megabyte that unpacks to a gibibyte."""
    return answers(200, gzip.compress(bytes(_GIBIBYTE // 64)) * 64, "Content-Encoding: gzip")
