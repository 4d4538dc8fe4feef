"""The kinds of phone systems: one small module for each, one registry."""

from collections.abc import Mapping

from portal.dialing.connector import http, practice
from portal.dialing.connector.contract import Dial, DialRequest, Progress, Report

__all__ = ["CONNECTORS", "Dial", "DialRequest", "Progress", "Report"]

CONNECTORS: Mapping[str, Dial] = {"http": http.dial, "practice": practice.dial}
