"""Calls: what one would be, making it, how far it has come, and those made before."""

from portal.calls.history import PERIODS, RESULTS, Filter, export, get, recent, search
from portal.calls.placing import Placed, dispatchers, link_of, new_click_token, place
from portal.calls.planning import Mend, Plan, Problem, plan, tel_link
from portal.calls.progress import advance, is_settled, settle_lost

__all__ = [
    "PERIODS",
    "RESULTS",
    "Filter",
    "Mend",
    "Placed",
    "Plan",
    "Problem",
    "advance",
    "dispatchers",
    "export",
    "get",
    "is_settled",
    "link_of",
    "new_click_token",
    "place",
    "plan",
    "recent",
    "search",
    "settle_lost",
    "tel_link",
]
