"""Files of cases, run through the functions that the pages call: ``./dev corpus FILE…``."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from markupsafe import escape

from portal.dialing import handler, number, target, template, variables
from portal.dialing.connector import http
from portal.dialing.outcome import OUTCOMES, Verdict
from portal.dialing.template import OpenMode
from portal.dialing.transport import Answer
from portal.errors import DialError
from portal.export import csv_cell

_MODES = {"server": OpenMode.SERVER, "browser": OpenMode.CLIENT}
_URL = re.compile(r"(?P<scheme>[^:/?#]*:)(?P<host>//[^/?#]*)?(?P<rest>.*)", re.DOTALL)
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_OPTIONALLY_ENCODED = set("!'()*,/:@?")


@dataclass
class Run:
    """What became of one case: where it got to, and what it made."""

    stage: str = "save"
    """``save`` while a page would refuse to save, ``dial`` while it would refuse to call,
    ``request`` while the server would refuse to contact the phone system."""
    made: dict[str, str] = field(default_factory=dict)
    """By the name under which the case expects it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases of files, say which differ, and return 0 if none does."""
    arguments = _arguments(argv)
    try:
        cases = [case for path in arguments.files for case in _cases(path)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"These cases cannot be read: {error}", file=sys.stderr)
        return 2
    chosen = [case for case in cases if not arguments.kinds or case["kind"] in arguments.kinds]
    differing = [(case, difference) for case in chosen if (difference := _difference(case))]
    for case, difference in differing:
        print(f"{case['id']}: {difference}")
    print(f"{len(chosen) - len(differing)} of {len(chosen)}")
    return 1 if differing or not chosen else 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev corpus", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--kind", action="append", dest="kinds", help="only cases of this kind")
    return parser.parse_args(argv)


def _cases(path: Path) -> Iterator[dict[str, Any]]:
    for case in json.loads(path.read_text("utf-8"))["cases"]:
        yield {name: _written_out(value) for name, value in case.items()}


def _written_out(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Replace ``{"repeat": text, "times": n}`` by the text it stands for."""
    if isinstance(value, dict):
        if value.keys() == {"repeat", "times"}:
            return value["repeat"] * value["times"]
        return {name: _written_out(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_written_out(item) for item in value]
    return value


def _difference(case: Mapping[str, Any]) -> str:
    """Return in which way a case does not come out as expected, "" if it does."""
    run_kind = _KINDS.get(case["kind"])
    if run_kind is None:
        return f"cases of kind {case['kind']} cannot be run yet"
    run = Run()
    try:
        run_kind(case["input"], run)
    except DialError as error:
        return _wrong_refusal(case, error, run.stage)
    except Exception as error:  # noqa: BLE001 - to find crashes is what these cases are for
        return f"crashed with {type(error).__name__}"
    if case["expect"] != "accept":
        return f"accepted, expected refusal: {' or '.join(case['errors'])}"
    differing = [name for name, made in run.made.items() if not _same(name, made, case)]
    return "; ".join(f"{name} is {run.made[name]!r}, not {case[name]!r}" for name in differing)


def _wrong_refusal(case: Mapping[str, Any], error: DialError, stage: str) -> str:
    if case["expect"] == "accept":
        return f"refused as {error.kind} ({error}), expected {case['expected']!r}"
    if error.kind not in case["errors"]:
        return f"refused as {error.kind} ({error}), expected {' or '.join(case['errors'])}"
    expected_stage = case.get("when", stage)
    return "" if stage == expected_stage else f"refused at {stage}, expected at {expected_stage}"


def _same(name: str, made: str, case: Mapping[str, Any]) -> bool:
    """Compare under the rules of the file; what a case does not expect may be anything."""
    if name not in case:
        return True
    if name == "expected_html":
        return _with_one_quote(made) == _with_one_quote(case[name])
    if name == "expected" and case["kind"] not in {"number", "http-target"}:
        return _comparable(made) == _comparable(case[name])
    return bool(made == case[name])


def _with_one_quote(html: str) -> str:
    """Write each quote in one of its two equal forms."""
    return html.replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def _comparable(url: str) -> str:
    """Return a URL without the differences that mean nothing."""
    match = _URL.fullmatch(url)
    if match is None:
        return url
    start = match["scheme"] + (match["host"] or "")
    return start.lower() + _ENCODED.sub(_decoded_if_optional, match["rest"])


def _decoded_if_optional(match: re.Match[str]) -> str:
    character = unquote(match[0], "latin-1")
    return character if character in _OPTIONALLY_ENCODED else match[0].upper()


def _run_number(entered: Any, run: Run) -> None:  # noqa: ANN401 - JSON
    run.stage = "dial"
    run.made["expected"] = number.clean(entered)


def _run_template(entered: Mapping[str, Any], run: Run) -> None:
    _run_url(entered["template"], entered["mode"], entered["values"], run)


def _run_profile(entered: Mapping[str, Any], run: Run) -> None:
    value = variables.check_value(entered["value"], field=entered["field"])
    run.made["expected_html"] = str(escape(value))
    run.made["expected_csv"] = csv_cell(value)
    _run_url(entered["template"], entered["mode"], {entered["field"]: value}, run)


def _run_handler(entered: Mapping[str, Any], run: Run) -> None:
    handlers: dict[str, str] = {}
    for entry in entered["handlers"]:
        name = handler.check_name(entry["name"])
        handler.check_free(name, handlers)
        handlers[name] = entry["url"]
    handler.check_handlers(handlers)
    url = handler.resolve(entered["dial"], handlers).url
    _run_url(url, entered["mode"], entered["values"], run)


def _run_target(entered: Mapping[str, Any], run: Run) -> None:
    run.stage = "request"
    allow = target.AllowList(map(target.parse_entry, entered["allow"]))
    look_ups = iter(entered.get("dns_sequence") or [entered.get("dns", [])])
    addresses = target.admit(
        target.check_url(entered["url"]), allow, lambda _host, _port: next(look_ups)
    )
    run.made["expected"] = f"the connection goes to {addresses[0]}"
    if "response" in entered:
        _judge_answer(entered["response"]["status"])


def _judge_answer(status: int) -> None:
    outcome = http.outcome_of(Answer(status, b""))
    if outcome.verdict is not Verdict.ACCEPTED:
        raise DialError(outcome.kind, OUTCOMES[outcome.kind].happened)


def _run_url(url: str, mode: str, values: Mapping[str, Any], run: Run) -> None:
    parsed = template.parse(url, _MODES[mode])
    run.stage = "dial"
    run.made["expected"] = template.expand(parsed, values).url


_KINDS: Mapping[str, Callable[[Any, Run], None]] = {
    "number": _run_number,
    "template": _run_template,
    "profile": _run_profile,
    "handler": _run_handler,
    "http-target": _run_target,
}


if __name__ == "__main__":
    sys.exit(main())
