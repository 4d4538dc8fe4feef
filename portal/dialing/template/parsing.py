"""Dial URLs taken apart and checked: all that can be said before a value is known."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import quote

from portal.dialing.host import check_host, check_port, split_port
from portal.dialing.scheme import WEB_SCHEMES, OpenMode, check_mode
from portal.dialing.template.model import DOT_SEGMENT, Literal, Place, Slot, Template
from portal.dialing.text import CONTROL, check_line, excerpt
from portal.dialing.variables import VARIABLES, Variable, find, nearest
from portal.errors import N_, DialError

LONGEST_TEMPLATE = 2048

_VARIABLE = re.compile(r"<#([^<]*?)#>")
_GAP = "\0"
"""Stands for each character of a variable in the outline of a template."""

_FORBIDDEN = re.compile(r"[^\0!#-;=?-\[\]_a-z~]")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_GAP_IN_SCHEME = re.compile(r"[^:/?#\0]*\0[^:/?#]*:")
_WEB_URL = re.compile(r"https?:(?://(?P<authority>[^/?#]*)(?P<path>[^?#]*))?", re.IGNORECASE)
_NUMBER = VARIABLES["NUMBER"]
_CTI_PHONE = VARIABLES["CTI_PHONE"]


def parse(
    text: str,
    mode: OpenMode,
    *,
    extra_schemes: frozenset[str] = frozenset(),
    secrets_allowed: bool = False,
) -> Template:
    """Check all of a dial URL that does not depend on a value; handler names are replaced before.

    Positions in errors count from the first character that is not a blank.
    ``extra_schemes`` are those that an administrator lets browsers open, ``secrets_allowed``
    lets secrets into this URL although the browser opens it.
    """
    source = check_line(text, limit=LONGEST_TEMPLATE)
    return _parse(source, mode, extra_schemes, secrets_allowed)


@lru_cache(maxsize=1024)
def _parse(
    source: str,
    mode: OpenMode,
    extra_schemes: frozenset[str],
    secrets_allowed: bool,  # noqa: FBT001 - only parse() calls this, for its cache
) -> Template:
    _check_control_characters(source)
    variables = {match.start(): _known(match) for match in _VARIABLE.finditer(source)}
    outline = _VARIABLE.sub(lambda match: _GAP * len(match[0]), source)
    _check_characters(outline)
    scheme = _scheme(outline)
    check_mode(scheme, mode, extra_schemes, may_be_handler=outline.startswith("://", len(scheme)))
    find_places = _web_places if scheme in WEB_SCHEMES else _dial_places
    places = find_places(outline, variables)
    _check_path(outline)
    if mode is OpenMode.SERVER:
        _refuse_fragment(outline)
    elif not secrets_allowed:
        _refuse_secrets(variables)
    return Template(source, scheme, tuple(_parts(source, variables, places)))


def _parts(
    source: str, variables: Mapping[int, Variable], places: Mapping[int, Place]
) -> Iterator[Literal | Slot]:
    end = 0
    for match in _VARIABLE.finditer(source):
        if match.start() > end:
            yield Literal(source[end : match.start()])
        yield Slot(variables[match.start()], places[match.start()])
        end = match.end()
    if end < len(source):
        yield Literal(source[end:])


def _known(match: re.Match[str]) -> Variable:
    """Return the variable that a template names."""
    name = match[1]
    if variable := find(name):
        return variable
    if not name:
        message = N_("Here is a variable without a name. Write it like %(example)s.")
    elif nearest(name):
        message = N_("There is no variable “%(name)s”. Did you mean “%(nearest)s”?")
    else:
        message = N_("There is no variable “%(name)s”. Choose one from the list of variables.")
    raise DialError(
        "unknown-variable",
        message,
        variable=excerpt(name),
        suggestion=nearest(name),
        position=match.start(),
        name=excerpt(name),
        nearest=nearest(name),
        example="<#NUMBER#>",
    )


def _check_control_characters(source: str) -> None:
    if match := CONTROL.search(source):
        raise DialError(
            "bad-character",
            N_("The URL contains a line break or another control character. Remove it."),
            position=match.start(),
        )


def _check_characters(outline: str) -> None:
    if (start := outline.find("<#")) >= 0:
        raise DialError(
            "unterminated-variable",
            N_("The variable at “%(text)s” has no end. Close it with #>."),
            position=start,
            text=excerpt(outline[start:].partition(_GAP)[0]),
        )
    if match := _FORBIDDEN.search(outline):
        raise _forbidden(match[0], match.start())
    if match := _BAD_PERCENT.search(outline):
        raise DialError(
            "bad-character",
            N_("“%(text)s” is not a percent-encoding. Write a percent sign as %(encoded)s."),
            position=match.start(),
            text=match[0].partition(_GAP)[0],
            encoded="%25",
        )


def _forbidden(character: str, position: int) -> DialError:
    kind = "bad-character"
    if not character.isascii():
        kind = "non-ascii"
        message = N_(
            "“%(character)s” cannot stand in a URL. Write it as %(encoded)s, "
            "in a host name in its xn-- form."
        )
    elif character == "\\":
        message = N_("“%(character)s” cannot stand in a URL. Use / instead.")
    elif character in "<>{}":
        message = N_(
            "“%(character)s” cannot stand in a URL. A variable is written like %(example)s."
        )
    else:
        message = N_("“%(character)s” cannot stand in a URL. Write it as %(encoded)s.")
    return DialError(
        kind,
        message,
        position=position,
        character=excerpt(character),
        encoded=quote(character),
        example="<#NUMBER#>",
    )


def _scheme(outline: str) -> str:
    if match := _SCHEME.match(outline):
        return match[1].lower()
    if match := _GAP_IN_SCHEME.match(outline):
        raise DialError(
            "variable-not-allowed-here",
            N_(
                "No variable may choose the scheme. Begin the URL with https:// or "
                "the name of a CTI handler."
            ),
            position=match[0].index(_GAP),
        )
    raise DialError(
        "no-scheme",
        N_("The URL has no scheme. Begin it with https://, tel: or the name of a CTI handler."),
        position=0,
    )


def _web_places(outline: str, variables: Mapping[int, Variable]) -> dict[int, Place]:
    """Return the place of each variable in an http(s) URL, by its start."""
    url = _WEB_URL.match(outline)
    if url is None or not url["authority"]:
        raise DialError(
            "missing-host",
            N_(
                "The host is missing. Write the name or address of the phone system behind https://."
            ),
            position=outline.index(":") + 1,
        )
    _check_authority(url["authority"], url.start("authority"), variables)
    path, rest = url.span("path")
    return {
        start: Place.HOST if start < path else Place.PATH if start < rest else Place.OTHER
        for start in variables
    }


def _dial_places(outline: str, variables: Mapping[int, Variable]) -> dict[int, Place]:
    """Return the place of each variable in a URL of another scheme, by its start."""
    question = outline.find("?")
    end = question if question >= 0 else len(outline)
    return {
        start: Place.DIAL_STRING if variable is _NUMBER and start < end else Place.OTHER
        for start, variable in variables.items()
    }


def _check_authority(authority: str, start: int, variables: Mapping[int, Variable]) -> None:
    """Check what stands between ``//`` and the path; ``start`` is its place in the template."""
    if "@" in authority:
        raise DialError(
            "userinfo",
            N_("A user part is not possible in the URL. Remove “@” and all between // and it."),
            position=start,
        )
    host, colon, port = split_port(authority)
    in_host = [at for at in variables if start <= at < start + len(host)]
    if in_host:
        _check_host_variable(host, in_host[0], variables[in_host[0]])
    else:
        check_host(host, position=start)
    if _GAP in port:
        raise DialError(
            "variable-not-allowed-here",
            N_("No variable may choose the port. Write the number of the port."),
            position=start + authority.index(_GAP, len(host)),
        )
    if colon:
        check_port(port, position=start + len(host) + 1)


def _check_host_variable(host: str, position: int, variable: Variable) -> None:
    """Let only CTI_PHONE stand in the host, and only as the whole host."""
    if variable is not _CTI_PHONE or host != _GAP * len("<#CTI_PHONE#>"):
        raise DialError(
            "variable-not-allowed-here",
            N_(
                "“%(name)s” cannot be part of the host. Only %(example)s can stand there, "
                "as the whole host."
            ),
            variable=variable.name,
            position=position,
            name=variable.name,
            example="<#CTI_PHONE#>",
        )


def _check_path(outline: str) -> None:
    if match := DOT_SEGMENT.match(outline):
        raise DialError(
            "path-segment",
            N_("“%(segment)s” cannot be a part of the path. Write the path without it."),
            position=match.start(1),
            segment=match[1],
        )


def _refuse_fragment(outline: str) -> None:
    if (position := outline.find("#")) >= 0:
        raise DialError(
            "fragment-not-sent",
            N_(
                "Everything behind “#” is never sent to the phone system. "
                "Write the sign as %(encoded)s or remove it."
            ),
            position=position,
            encoded="%23",
        )


def _refuse_secrets(variables: Mapping[int, Variable]) -> None:
    for position, variable in variables.items():
        if variable.secret:
            raise DialError(
                "secret-in-browser-url",
                N_(
                    "“%(name)s” is secret: in a URL that the browser opens it would stay in the "
                    "history. Choose “Server-side”, or let an administrator allow secrets for "
                    "this URL."
                ),
                variable=variable.name,
                position=position,
                name=variable.name,
            )
