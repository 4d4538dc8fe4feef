"""Clicks on Call as browsers send them, and a phone system that writes down what arrives."""

import contextlib
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from sqlalchemy import select

from portal.extensions import db
from portal.models import Call, CallState
from tests.support.people import Person
from tests.support.processes import PATIENCE
from tests.support.server import PortalServer

_STATES = select(Call.id, Call.state)
_CALL_ID = re.compile(r'data-call-id="([^"]+)"')
_CALL_STATE = re.compile(r'data-call-state="([^"]+)"')


@dataclass(frozen=True)
class Answer:
    """What came of a click: the status, and the id of the call that is shown ("" if none is)."""

    status: int
    call_id: str


class Browser:
    """The browser of somebody who is signed in; every request is a connection of its own."""

    def __init__(self, person: Person) -> None:
        self._csrf_token = person.client.csrf_token()
        cookie = person.client.get_cookie("session")
        assert cookie is not None
        self._cookie = f"session={cookie.value}"

    def click(
        self, server: PortalServer, number: str, click_token: str, *, htmx: bool = False
    ) -> Answer:
        """Press Call. Raises OSError or HTTPException if nobody answers."""
        form = {
            "csrf_token": self._csrf_token,
            "number": number,
            "phone": "default",
            "click_token": click_token,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if htmx:
            headers["HX-Request"] = "true"
        status, place, text = self._request(server, "POST", "/dial", urlencode(form), headers)
        shown = _CALL_ID.search(text)
        call_id = place.rpartition("/")[2] if status == 303 else shown[1] if shown else ""
        return Answer(status, call_id)

    def state_of(self, server: PortalServer, call_id: str) -> str:
        """Open the page of a call and return the state that it shows."""
        status, _place, text = self._request(server, "GET", f"/calls/{call_id}")
        shown = _CALL_STATE.search(text)
        return shown[1] if status == 200 and shown else ""

    def _request(
        self,
        server: PortalServer,
        method: str,
        path: str,
        body: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str, str]:
        with contextlib.closing(HTTPConnection(server.bind, timeout=PATIENCE)) as connection:
            connection.request(method, path, body, {"Cookie": self._cookie, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.headers["Location"] or "", answer.read().decode()


def states_of_calls(server: PortalServer) -> dict[str, CallState]:
    """Return the state of every call that is written down, by its id."""
    with server.app.app_context():
        return {row.id: row.state for row in db.session.execute(_STATES)}


class CountingPhoneSystem(ThreadingHTTPServer):
    """Accepts every call after a while, and counts how often each one was sent to it."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Accept)

    @property
    def dial_url(self) -> str:
        """What a phone of the portal opens: it tells the number and the portal's id of the call."""
        return f"http://127.0.0.1:{self.server_port}/?number=<#NUMBER#>&call=<#CALLID#>"

    def note(self, call_id: str) -> None:
        """Count a request."""
        with self._lock:
            self._seen[call_id] += 1

    def seen(self) -> dict[str, int]:
        """Return how often each call has arrived until now, by its id."""
        with self._lock:
            return dict(self._seen)


class _Accept(BaseHTTPRequestHandler):
    server: CountingPhoneSystem

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self.server.note(query["call"][0])
        time.sleep(self.server.seconds)
        with contextlib.suppress(OSError):  # the portal may have been killed meanwhile
            self.send_response(200)
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextlib.contextmanager
def counting_phone_system(seconds: float = 0) -> Iterator[CountingPhoneSystem]:
    """Run a phone system that takes so long for each call."""
    with CountingPhoneSystem(seconds) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
