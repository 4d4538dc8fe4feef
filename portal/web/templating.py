"""What every template can use, and the language and zone it speaks."""

import base64
import hashlib
from datetime import datetime, timedelta
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import NamedTuple

from babel import Locale
from babel.support import NullTranslations, Translations
from flask import Flask, g, request
from flask_babel import (
    format_date,
    format_datetime,
    format_time,
    format_timedelta,
    get_locale,
    gettext,
)
from flask_login import current_user
from markupsafe import Markup
from werkzeug.local import LocalProxy

from portal import permissions
from portal.database import now
from portal.dialing.number import describe
from portal.errors import N_, DialError, PortalError
from portal.extensions import babel, config

LANGUAGES = {"de": "Deutsch", "en": "English"}
THEMES = ("system", "light", "dark")

_LOCALES = {language: Locale.parse(language) for language in LANGUAGES}
_STATIC = Path(__file__).parents[1] / "static"
_TRANSLATIONS = Path(__file__).parents[1] / "translations"


class NavItem(NamedTuple):
    """A line of the sidebar."""

    endpoint: str
    label: str
    icon: str
    is_current: bool


class NavGroup(NamedTuple):
    """Lines of the sidebar that belong together."""

    label: str
    items: list[NavItem]


_NAV = (
    ("dial.show", N_("Dial"), "phone-call", "dial"),
    ("calls.index", N_("Calls"), "history", "calls"),
    ("people.index", N_("People"), "users", "people"),
    ("settings.profile", N_("Settings"), "settings", "settings"),
)
_ADMIN_NAV = (
    ("phones.default", "Click2Dial", "plug", "click2dial"),
    ("users.index", N_("Users"), "user-cog", "users"),
    ("audit.index", N_("Audit trail"), "eye", "audit"),
    ("status.show", N_("Status"), "shield-check", "status"),
)


def init_app(app: Flask) -> None:
    """Teach the templates the portal's words."""
    babel.init_app(
        app,
        default_locale="en",
        default_timezone="Europe/Berlin",
        locale_selector=_language,
        timezone_selector=_time_zone,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        _=_text,
        ngettext=_plural,
        asset=asset,
        script=script,
        nav=_nav,
        dialling_stop=permissions.stopped,
        languages=LANGUAGES,
        themes=THEMES,
        language=LocalProxy(lambda: str(get_locale())),
        theme=LocalProxy(_theme),
    )
    app.jinja_env.filters.update(
        datetime=lambda moment: format_datetime(moment, "medium"),
        date=lambda moment: format_date(moment, "long"),
        time=lambda moment: format_time(moment, "medium"),
        relative=_relative,
        territory=territory,
        number=_readable,
        sentence=in_words,
    )


def asset(path: str) -> str:
    """Return the address of a static file, with a mark that changes when the file does."""
    return f"{request.script_root}{_marked(path)}"


def script(path: str) -> Markup:
    """Return the element that loads a script, and only if it is exactly the file we have."""
    return Markup('<script src="{}" integrity="{}" defer></script>').format(
        asset(path), _integrity(path)
    )


@lru_cache
def _integrity(path: str) -> str:
    digest = hashlib.sha384((_STATIC / path).read_bytes()).digest()
    return f"sha384-{base64.b64encode(digest).decode('ascii')}"


@lru_cache
def _marked(path: str) -> str:
    mark = hashlib.sha256((_STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={mark}"


def _text(message: str, **params: object) -> Markup:
    """Return a text of a page in the user's language."""
    text = _translated(_catalogue(), message)
    return text % params if params else text


@lru_cache(maxsize=4096)
def _translated(catalogue: NullTranslations, message: str) -> Markup:
    return Markup(catalogue.ugettext(message))  # noqa: S704 - our own text


def _plural(one: str, many: str, num: int, **params: object) -> Markup:
    """Return the singular or the plural of a text; ``num`` is one of its params."""
    return Markup(_catalogue().ungettext(one, many, num)) % {"num": num, **params}  # noqa: S704 - our own text


def _catalogue() -> NullTranslations:
    """Return the texts of this request's language, looked up once: pages ask for many."""
    try:
        catalogue: NullTranslations = g.catalogue
    except AttributeError:
        catalogue = g.catalogue = _load_catalogue(str(get_locale()))
    return catalogue


@lru_cache
def _load_catalogue(language: str) -> NullTranslations:
    return Translations.load(_TRANSLATIONS, [language])


def _nav() -> list[NavGroup]:
    """Return the sidebar for whoever is signed in."""
    groups = [NavGroup("", [_item(*line) for line in _NAV])]
    if current_user.is_admin:
        groups.append(NavGroup(gettext("Administration"), [_item(*line) for line in _ADMIN_NAV]))
    return groups


def _item(endpoint: str, label: str, icon: str, area: str) -> NavItem:
    return NavItem(endpoint, gettext(label), icon, area == _area())


def _area() -> str:
    """Return which line of the sidebar this page belongs to, from the start of its path."""
    parts = request.path.strip("/").split("/")
    if parts[0] == "admin" and len(parts) > 1:
        return parts[1]
    return parts[0] or "dial"


def _language() -> Locale:
    chosen = getattr(current_user, "language", "") or request.cookies.get("language", "")
    if chosen not in LANGUAGES:
        chosen = request.accept_languages.best_match(LANGUAGES) or "en"
    return _LOCALES[chosen]


def _time_zone() -> str | None:
    return current_user.time_zone if current_user.is_authenticated else None


def _theme() -> str:
    theme = current_user.theme if current_user.is_authenticated else request.cookies.get("theme")
    return theme if theme in THEMES else "system"


def _relative(moment: datetime) -> str:
    """Say how long ago something was."""
    return str(format_timedelta(moment - now(), add_direction=True))


def _readable(number: str) -> str:
    """Return the spelling of a number that people read, or the number itself."""
    try:
        return describe(number, region=config().default_region).display
    except DialError:
        return number


def territory(region: str) -> str:
    """Return the name of a country in the user's language."""
    return str(get_locale().territories.get(region, region))


def _duration(seconds: int) -> str:
    """Say how long something takes, in seconds or in full minutes."""
    minutes = ceil(seconds / 60)
    span = timedelta(minutes=minutes) if minutes > 1 else timedelta(seconds=seconds)
    return str(format_timedelta(span, threshold=60))


def in_words(error: PortalError) -> str:
    """Return what an error says, in the user's language."""
    params = error.params
    if meaning := params.get("meaning"):  # the one param that is a text of ours
        params = {**params, "meaning": gettext(meaning)}
    if country := params.get("country"):
        params = {**params, "country": territory(country)}
    if seconds := params.get("duration"):
        params = {**params, "duration": _duration(int(seconds))}
    return str(gettext(error.message, **params))
