"""Calls: what one would be, making it, how far it has come, and those made before."""

from portal.calls.history import PERIODS, RESULTS, Filter, export, get, recent, search
from portal.calls.placing import Placed, dispatchers, link_of, new_click_token, place
from portal.calls.planning import Mend, Plan, Problem, plan, tel_link
from portal.calls.progress import advance, is_followed, is_settled, pace, settle_lost
from portal.calls.reports import EVENTS, call_of, caller_of, report

__all__ = [
    "EVENTS",
    "PERIODS",
    "RESULTS",
    "Filter",
    "Mend",
    "Placed",
    "Plan",
    "Problem",
    "advance",
    "call_of",
    "caller_of",
    "dispatchers",
    "export",
    "get",
    "is_followed",
    "is_settled",
    "link_of",
    "new_click_token",
    "pace",
    "place",
    "plan",
    "recent",
    "report",
    "search",
    "settle_lost",
    "tel_link",
]
