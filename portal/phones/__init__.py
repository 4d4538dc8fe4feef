"""Phones: the default phone and people's own, how they are checked, and what is dialled with."""

from portal.phones.dial_phones import DEFAULT, PRACTICE, DialPhone, choices, for_caller
from portal.phones.drafts import (
    LONGEST_NAME,
    SAMPLE_NUMBER,
    Check,
    Draft,
    Place,
    Rules,
    SamplePart,
    check,
    sample_number,
)
from portal.phones.records import (
    change,
    create,
    default,
    delete,
    get,
    of_user,
    prefer,
    remove_default,
    save_default,
    whom_to_ask,
)
from portal.phones.rulebook import SCHEMES_SETTING, refuse_stopping, rules, stopped_by

__all__ = [
    "DEFAULT",
    "LONGEST_NAME",
    "PRACTICE",
    "SAMPLE_NUMBER",
    "SCHEMES_SETTING",
    "Check",
    "DialPhone",
    "Draft",
    "Place",
    "Rules",
    "SamplePart",
    "change",
    "check",
    "choices",
    "create",
    "default",
    "delete",
    "for_caller",
    "get",
    "of_user",
    "prefer",
    "refuse_stopping",
    "remove_default",
    "rules",
    "sample_number",
    "save_default",
    "stopped_by",
    "whom_to_ask",
]
