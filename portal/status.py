"""The health of everything the portal stands on, in words an administrator can act on."""

import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import func, select, text

from portal import keyring, keys, permissions, phone_systems, phones, retention, targets
from portal.database import is_safe_sqlite, now, sqlite
from portal.errors import N_
from portal.extensions import config, db
from portal.models import Call, CallState
from portal.phones import Draft

_LITTLE_SPACE = 500 * 1024**2
_REDIS_PATIENCE = 1.0


class Health(StrEnum):
    """How something is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it is, how it is, and what to do about it."""

    title: str
    health: Health
    sentence: str
    params: dict[str, str | int]


def findings() -> list[Finding]:
    """Look at everything."""
    return [look() for look in _LOOKS]


def overall(found: list[Finding]) -> Health:
    """Return how the portal is as a whole: as its worst part."""
    states = {finding.health for finding in found}
    return next((health for health in (Health.BAD, Health.WARN) if health in states), Health.OK)


def version() -> str:
    """Return the version of the portal."""
    project = Path(current_app.root_path).with_name("pyproject.toml")
    return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


def _finding(title: str, health: Health, sentence: str, **params: str | int) -> Finding:
    return Finding(title, health, sentence, params)


def _database() -> Finding:
    if db.engine.dialect.name == "sqlite":
        is_safe = is_safe_sqlite()
        return _finding(
            _DATABASE,
            Health.OK if is_safe else Health.WARN,
            _SQLITE if is_safe else _OLD_SQLITE,
            version=sqlite.sqlite_version,
            size=f"{Path(str(db.engine.url.database)).stat().st_size / 1e6:.1f}",
        )
    return _finding(
        _DATABASE,
        Health.OK,
        N_("PostgreSQL %(version)s. Make backups with pg_dump."),
        version=str(db.session.scalar(text("SHOW server_version"))).split()[0],
    )


def _schema() -> Finding:
    context = MigrationContext.configure(db.session.connection())
    directory = current_app.extensions["migrate"].directory
    if context.get_current_heads() == tuple(ScriptDirectory(directory).get_heads()):
        return _finding(_SCHEMA, Health.OK, N_("The tables are those of this version."))
    return _finding(
        _SCHEMA,
        Health.BAD,
        N_("The tables are not those of this version. Run: flask --app wsgi db upgrade"),
    )


def _keys() -> Finding:
    """Try the keys on all stored secrets."""
    at_hand = keyring.current().afresh()
    found, fault = keys.take_stock(at_hand), at_hand.fault
    if fault and (found.stored or fault.kind != "keys-missing"):
        return _finding(_KEYS, Health.BAD, fault.message, **fault.params)
    if found.unreadable:
        return _finding(
            _KEYS,
            Health.BAD,
            N_(
                "%(unreadable)s of %(stored)s stored secrets cannot be read: calls that need them "
                "are refused. Put the right encryption.keys back into the data folder, or have "
                "these secrets forgotten with: flask --app wsgi keys forget-unreadable"
            ),
            unreadable=found.unreadable,
            stored=found.stored,
        )
    return _finding(
        _KEYS,
        Health.OK,
        N_("All stored secrets can be read. There are %(stored)s."),
        stored=found.stored,
    )


def _redis() -> Finding:
    url = config().redis_url
    if not url:
        return _finding(
            _REDIS,
            Health.OK,
            N_("Not used. It is needed only if several machines serve the portal."),
        )
    from redis import Redis, RedisError  # noqa: PLC0415 - 11 MB that most portals do not need

    try:
        with Redis.from_url(url, socket_timeout=_REDIS_PATIENCE) as redis:
            redis.ping()
    except RedisError:
        return _finding(
            _REDIS,
            Health.WARN,
            N_("Redis does not answer. Until it does, each machine counts limits for itself."),
        )
    return _finding(_REDIS, Health.OK, N_("Redis answers."))


def _space() -> Finding:
    free = shutil.disk_usage(config().data_dir).free
    return _finding(
        N_("Disk space"),
        Health.OK if free > _LITTLE_SPACE else Health.WARN,
        N_("%(free)s MB are free in the data folder."),
        free=free // 10**6,
    )


def _encryption() -> Finding:
    """Name the targets where nobody looks who answers."""
    if entries := targets.unverified():
        return _finding(
            _ENCRYPTION,
            Health.WARN,
            N_(
                "Any certificate will do at %(entries)s: whoever gets in between can read along. "
                "Open the target under Click2Dial, Allowed targets, and confirm its certificate."
            ),
            entries=", ".join(entries),
        )
    return _finding(
        _ENCRYPTION, Health.OK, N_("Over https every phone system has to show who it is.")
    )


def _default_phone() -> Finding:
    if phone := phones.default():
        works = phones.check(Draft.of(phone), phones.rules()).problem is None
        return _finding(
            _DEFAULT_PHONE,
            Health.OK if works else Health.BAD,
            N_("Everybody can call with %(name)s.") if works else _PHONE_FAILS,
            name=phone.name,
        )
    return _finding(
        _DEFAULT_PHONE,
        Health.WARN,
        N_("The practice phone stands in for it: nothing is called. Enter one under Click2Dial."),
    )


def _calls() -> Finding:
    """Count the calls of the last 24 hours, and those that came to nothing."""
    came_to_nothing = Call.state.in_([CallState.FAILED, CallState.UNKNOWN])
    count, failed = db.session.execute(
        select(func.count(), func.count().filter(came_to_nothing)).where(
            Call.created_at >= now() - timedelta(hours=24)
        )
    ).one()
    return _finding(
        N_("Calls in the last 24 hours"),
        Health.WARN if failed * 2 > count else Health.OK,
        N_("Total: %(count)s. Failed or with an unknown outcome: %(failed)s."),
        count=count,
        failed=failed,
    )


def _phone_systems() -> Finding:
    """Count those to which no call is sent."""
    paused = [system for system in phone_systems.overview() if system.paused_until]
    if not paused:
        return _finding(
            PHONE_SYSTEMS, Health.OK, N_("Calls are sent to all phone systems they are made with.")
        )
    return _finding(
        PHONE_SYSTEMS,
        Health.WARN,
        N_("Have not answered several times, and get a pause: %(count)s. See below."),
        count=len(paused),
    )


def _dialling() -> Finding:
    if permissions.stopped():
        return _finding(
            _DIALLING,
            Health.WARN,
            N_("All dialling is stopped. Let it go on under Click2Dial, Dial permissions."),
        )
    return _finding(_DIALLING, Health.OK, N_("Everybody who may dial can dial."))


def _deletion() -> Finding:
    """Look whether anything is there that is older than it may get."""
    if retention.is_overdue():
        return _finding(
            _DELETION,
            Health.WARN,
            N_(
                "There are calls or events that should have been deleted. "
                "Run: flask --app wsgi purge, then restart the portal."
            ),
        )
    kept = retention.periods()
    return _finding(
        _DELETION,
        Health.OK,
        N_("Calls are kept %(calls)s days, the audit trail %(audit)s days."),
        calls=kept.calls,
        audit=kept.audit,
    )


PHONE_SYSTEMS = N_("Phone systems")
_DATABASE = N_("Database")
_DIALLING = N_("Dialling")
_SQLITE = N_("SQLite %(version)s, %(size)s MB. Make backups with: flask --app wsgi backup FILE")
_OLD_SQLITE = N_(
    "SQLite %(version)s, %(size)s MB. Versions before 3.51.3 have an error that can, very rarely, "
    "damage the database. Make backups often, and update Python or SQLite."
)
_SCHEMA = N_("Tables")
_KEYS = N_("Keys")
_REDIS = N_("Redis")
_ENCRYPTION = N_("Encrypted connections")
_DEFAULT_PHONE = N_("Default phone")
_DELETION = N_("Deletion of old data")
_PHONE_FAILS = N_("Nobody can call with %(name)s. Open it under Click2Dial to see why.")
_LOOKS: tuple[Callable[[], Finding], ...] = (
    _database,
    _schema,
    _keys,
    _redis,
    _space,
    _encryption,
    _default_phone,
    _phone_systems,
    _dialling,
    _calls,
    _deletion,
)
