"""Settings: the only reader of the environment."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from portal import keyfile
from portal.errors import N_, ConfigError

DEPLOYMENTS = ("server", "cloud")

_DATABASES = ("postgresql", "postgresql+psycopg", "sqlite")
_REDIS = ("redis", "rediss")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
_DECIMAL_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_WANTED = {
    True: N_("PORTAL_%(name)s is %(value)s; it must be a whole number, %(least)s to %(most)s."),
    False: N_("PORTAL_%(name)s is %(value)s; it must be a number, %(least)s to %(most)s."),
}
_ADDRESS = re.compile(r"unix:.+|(?:\[[0-9a-fA-F:.]+\]|[\w.-]*):(\d{1,5})", re.ASCII)


Number = TypeVar("Number", int, float)


def limit(default: Number, *, least: Number, most: Number) -> Number:
    """Declare a number that ``PORTAL_<NAME>`` can set within these bounds."""
    bounds = {"least": least, "most": most}
    number: Number = field(default=default, metadata=bounds)
    return number


@dataclass(frozen=True)
class Config:
    """Everything the portal can be told from outside; times are seconds.

    Settings declared with ``limit`` are read by their names.
    """

    data_dir: Path = Path("var")
    secret_key: str = field(default="", repr=False)
    encryption_keys: tuple[str, ...] = field(default=(), repr=False)
    """Whatever was given; the keyring says if it is of no use. None means the key file."""
    bind: str = "127.0.0.1:5000"
    database_url: str = field(default="", repr=False)
    redis_url: str = field(default="", repr=False)
    deployment: str = "server"
    default_region: str = "DE"
    trusted_proxies: int = limit(0, least=0, most=10)

    session_idle: int = limit(12 * 3600, least=60, most=30 * 24 * 3600)
    session_lifetime: int = limit(7 * 24 * 3600, least=300, most=90 * 24 * 3600)
    confirm_after: int = limit(900, least=60, most=24 * 3600)
    sign_in_tries: int = limit(5, least=1, most=100)
    sign_in_pause: int = limit(60, least=1, most=3600)
    sign_in_window: int = limit(900, least=60, most=24 * 3600)
    sign_ins_per_address: int = limit(30, least=1, most=100_000)
    calls_in_flight: int = limit(1, least=1, most=100)
    calls_per_minute: int = limit(10, least=1, most=10_000)
    calls_per_hour: int = limit(60, least=1, most=100_000)
    calls_abroad_per_hour: int = limit(5, least=1, most=10_000)
    calls_per_target_and_minute: int = limit(60, least=1, most=100_000)
    password_memory_kib: int = limit(19_456, least=8, most=1024**2)
    password_rounds: int = limit(2, least=1, most=20)
    api_requests: int = limit(600, least=1, most=1_000_000)
    bad_tokens: int = limit(60, least=1, most=1_000_000)
    breaker_failures: int = limit(5, least=1, most=100)
    breaker_longest: int = limit(300, least=1, most=3600)
    breaker_pause: int = limit(30, least=1, most=3600)
    call_token_lifetime: int = limit(600, least=10, most=24 * 3600)
    credential_pause: int = limit(900, least=1, most=24 * 3600)
    credential_refusals: int = limit(3, least=1, most=100)
    dial_patience: float = limit(2.0, least=0.1, most=10.0)
    dial_per_target: int = limit(4, least=1, most=64)
    dial_queue: int = limit(64, least=0, most=10_000)
    dial_workers: int = limit(32, least=1, most=64)
    look_up_timeout: float = limit(2.0, least=0.1, most=30.0)
    connect_timeout: float = limit(3.0, least=0.1, most=30.0)
    answer_timeout: float = limit(10.0, least=0.1, most=60.0)
    exchange_timeout: float = limit(15.0, least=0.1, most=65.0)
    retry_pause: float = limit(0.25, least=0.0, most=5.0)
    longest_url: int = limit(4096, least=256, most=4096)
    longest_head: int = limit(32 * 1024, least=1024, most=1024**2)
    longest_body: int = limit(64 * 1024, least=1024, most=1024**2)
    hsts_max_age: int = limit(63_072_000, least=0, most=10 * 365 * 24 * 3600)

    @property
    def database_uri(self) -> str:
        """The address of the database in SQLAlchemy's spelling."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'portal.db').resolve()}"

    @property
    def key_file(self) -> Path:
        """Where the encryption keys are that nobody gave."""
        return self.data_dir / "encryption.keys"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read ``PORTAL_*`` (or ``PORTAL_*_FILE``, a file that holds the value).

        The secret key is made on first start and kept beside the database, readable by its
        owner only. Raises ConfigError.
        """
        data_dir = _data_folder(Path(_read(environ, "DATA_DIR") or cls.data_dir))
        return cls(
            data_dir=data_dir,
            secret_key=_read(environ, "SECRET_KEY") or _secret_key(data_dir / "secret.key"),
            encryption_keys=keyfile.split(_read(environ, "ENCRYPTION_KEYS")),
            bind=_address(_read(environ, "BIND") or cls.bind),
            database_url=_url("DATABASE_URL", _read(environ, "DATABASE_URL"), _DATABASES),
            redis_url=_url("REDIS_URL", _read(environ, "REDIS_URL"), _REDIS),
            deployment=_one_of("DEPLOYMENT", _read(environ, "DEPLOYMENT") or cls.deployment),
            default_region=_region(_read(environ, "DEFAULT_REGION") or cls.default_region),
            **_limits(environ),
        )


def _read(environ: Mapping[str, str], name: str) -> str:
    variable = f"PORTAL_{name}"
    if path := environ.get(f"{variable}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                "unreadable-file",
                N_("%(variable)s names the file %(path)s, which cannot be read: %(reason)s."),
                variable=f"{variable}_FILE",
                path=path,
                reason=error.strerror or str(error),
            ) from None
    return environ.get(variable, "").strip()


def _data_folder(path: Path) -> Path:
    """Return the data folder; make it, for its owner alone, if there is none."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, error) from None
    return path


def _secret_key(path: Path) -> str:
    """Return the key in ``path``; make the file, mode 0600, if there is none."""
    try:
        if not path.exists():
            keyfile.make(path, secrets.token_urlsafe(48))
        key = keyfile.read(path)
    except OSError as error:
        raise _unusable(path.parent, error) from None
    if not key:
        raise ConfigError(
            "empty-key",
            N_(
                "The file %(path)s is empty. Put it back from your backup, or remove it to get a "
                "new key: then everybody has to sign in again."
            ),
            path=str(path),
        )
    return key


def _unusable(folder: Path, error: OSError) -> ConfigError:
    return ConfigError(
        "data-folder",
        N_(
            "The data folder %(path)s cannot be used: %(reason)s. "
            "Make it writable or name another one with PORTAL_DATA_DIR."
        ),
        path=str(folder),
        reason=error.strerror or str(error),
    )


def _address(value: str) -> str:
    match = _ADDRESS.fullmatch(value)
    if match is None or int(match[1] or 0) > 65535:  # noqa: PLR2004 - the last port
        raise ConfigError(
            "bad-setting",
            N_("PORTAL_BIND is %(value)s; it must be address and port, such as 127.0.0.1:5000."),
            value=value,
        )
    return value


def _url(name: str, value: str, schemes: tuple[str, ...]) -> str:
    """Return a URL, which may hold a password and is therefore never shown."""
    try:
        known = not value or make_url(value).drivername in schemes
    except (ArgumentError, ValueError):
        known = False
    if not known:
        raise ConfigError(
            "bad-setting",
            N_("PORTAL_%(name)s is not a URL that begins with %(schemes)s."),
            name=name,
            schemes=" / ".join(f"{scheme}://" for scheme in schemes),
        )
    return value


def _one_of(name: str, value: str) -> str:
    if value not in DEPLOYMENTS:
        raise ConfigError(
            "bad-setting",
            N_("PORTAL_%(name)s is %(value)s; it can be %(choices)s."),
            name=name,
            value=value,
            choices=" / ".join(DEPLOYMENTS),
        )
    return value


def _region(value: str) -> str:
    if not (len(value) == 2 and value.isascii() and value.isalpha()):  # noqa: PLR2004 - ISO 3166
        raise ConfigError(
            "bad-setting",
            N_("PORTAL_DEFAULT_REGION is %(value)s; it must be a country code such as DE."),
            value=value,
        )
    return value.upper()


def _limits(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return those numbers that the environment sets."""
    given = (
        (field, text)
        for field in fields(Config)
        if field.metadata and (text := _read(environ, field.name.upper()))
    )
    return {field.name: _number(field, text) for field, text in given}


def _number(field: Field[Any], text: str) -> float:
    least, most = field.metadata["least"], field.metadata["most"]
    is_whole = isinstance(least, int)
    spelling = _WHOLE_NUMBER if is_whole else _DECIMAL_NUMBER
    number = (int if is_whole else float)(text) if spelling.fullmatch(text) else -1
    if not least <= number <= most:
        raise ConfigError(
            "bad-setting",
            _WANTED[is_whole],
            name=field.name.upper(),
            value=text,
            least=str(least),
            most=str(most),
        )
    return number
