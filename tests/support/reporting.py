"""A phone system that reports how its calls go, with the token that it was given for each."""

import threading

import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.support.processes import wait_for


class ReportingPhoneSystem:
    """Takes calls by HTTP and tells the portal about the last of them when the test says so."""

    def __init__(self, server: HTTPServer, portal_url: str) -> None:
        self.dial_url = server.url_for("/call?n=<#NUMBER#>&id=<#CALLID#>&token=<#SESSID#>")
        self._portal_url = portal_url
        self._called = threading.Event()
        self._call: dict[str, str] = {}
        server.expect_request("/call").respond_with_handler(self._take)

    def report(self, event: str, cause: str = "") -> None:
        """Tell the portal what has become of the call."""
        wait_for(self._called.is_set, "the portal to call")
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                f"{self._portal_url}/api/v1/calls/{self._call['id']}/events",
                json={"event": event, "cause": cause},
                headers={"Authorization": f"Bearer {self._call['token']}"},
            )
        assert answer.json()["id"] == self._call["id"]

    def _take(self, request: Request) -> Response:
        self._call = dict(request.args)
        self._called.set()
        return Response("ok")
