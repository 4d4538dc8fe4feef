"""Settings: read in one place, checked at once, silent about secrets."""

import stat

import pytest
from cryptography.fernet import Fernet

from portal.config import Config
from portal.errors import ConfigError

KEY = Fernet.generate_key().decode()


@pytest.fixture
def environ(tmp_path):
    return {"PORTAL_DATA_DIR": str(tmp_path / "data")}


def test_without_any_setting_the_defaults_hold(environ):
    config = Config.from_environment(environ)

    assert config.bind == "127.0.0.1:5000"
    assert config.deployment == "server"
    assert config.default_region == "DE"
    assert config.trusted_proxies == 0
    assert config.redis_url == ""
    assert config.database_uri == f"sqlite:///{environ['PORTAL_DATA_DIR']}/portal.db"


def test_every_setting_is_read(environ):
    environ |= {
        "PORTAL_BIND": "0.0.0.0:80",
        "PORTAL_DATABASE_URL": "postgresql://u:p@db/portal",
        "PORTAL_REDIS_URL": "redis://cache/1",
        "PORTAL_DEPLOYMENT": "cloud",
        "PORTAL_DEFAULT_REGION": "at",
        "PORTAL_TRUSTED_PROXIES": "2",
        "PORTAL_SECRET_KEY": "1234567890",
        "PORTAL_ENCRYPTION_KEYS": KEY,
        "PORTAL_DIAL_WORKERS": "3",
        "PORTAL_CONNECT_TIMEOUT": "0.5",
    }

    config = Config.from_environment(environ)

    assert config.bind == "0.0.0.0:80"
    assert config.database_uri == "postgresql://u:p@db/portal"
    assert config.redis_url == "redis://cache/1"
    assert config.deployment == "cloud"
    assert config.default_region == "AT"
    assert config.trusted_proxies == 2
    assert (config.dial_workers, config.connect_timeout) == (3, 0.5)
    assert config.secret_key == "1234567890"
    assert config.encryption_keys == (KEY,)


def test_the_secret_key_is_made_once_and_only_its_owner_may_read_it(environ, tmp_path):
    first = Config.from_environment(environ)

    second = Config.from_environment(environ)

    assert second.secret_key == first.secret_key
    assert len(first.secret_key) >= 64
    (file,) = (tmp_path / "data").iterdir()
    assert file.name == "secret.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_an_empty_secret_key_signs_nothing(environ, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret.key").write_text("\n")

    with pytest.raises(ConfigError, match=r"secret\.key is empty"):
        Config.from_environment(environ)


def test_encryption_keys_that_are_none_do_not_stop_the_portal(environ):
    config = Config.from_environment({**environ, "PORTAL_ENCRYPTION_KEYS": "short"})

    assert config.encryption_keys == ("short",)


def test_a_file_can_hold_a_setting(environ, tmp_path):
    (tmp_path / "key").write_text("from a file\n")

    config = Config.from_environment({**environ, "PORTAL_SECRET_KEY_FILE": str(tmp_path / "key")})

    assert config.secret_key == "from a file"


def test_several_encryption_keys_keep_their_order(environ):
    other = Fernet.generate_key().decode()

    config = Config.from_environment({**environ, "PORTAL_ENCRYPTION_KEYS": f"{KEY}, {other}"})

    assert config.encryption_keys == (KEY, other)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DEPLOYMENT", "moon", "PORTAL_DEPLOYMENT is moon; it can be server / cloud."),
        ("DEFAULT_REGION", "Germany", "must be a country code such as DE"),
        ("TRUSTED_PROXIES", "-1", "must be a whole number, 0 to 10"),
        ("TRUSTED_PROXIES", "11", "must be a whole number, 0 to 10"),
        ("DIAL_WORKERS", "2.5", "must be a whole number, 1 to 64"),
        ("CONNECT_TIMEOUT", "0", "must be a number, 0.1 to 30"),
        ("CONNECT_TIMEOUT", "1e1", "must be a number, 0.1 to 30"),
        ("CONNECT_TIMEOUT", "nan", "must be a number, 0.1 to 30"),
        ("BIND", "5000", "such as 127.0.0.1:5000"),
        ("BIND", "localhost:http", "such as 127.0.0.1:5000"),
        ("BIND", "localhost:65536", "such as 127.0.0.1:5000"),
        ("DATABASE_URL", "postgres://db/portal", "begins with postgresql://"),
        ("DATABASE_URL", "postgresql://db:port/portal", "begins with postgresql://"),
        ("REDIS_URL", "cache:6379", "begins with redis://"),
        ("SECRET_KEY_FILE", "/does/not/exist", "/does/not/exist, which cannot be read: No such"),
    ],
    ids=lambda value: value.split()[0] if value else "empty",
)
def test_a_wrong_setting_is_named_in_a_sentence(environ, name, value, sentence):
    with pytest.raises(ConfigError) as refusal:
        Config.from_environment({**environ, f"PORTAL_{name}": value})

    assert sentence in str(refusal.value)


@pytest.mark.parametrize("bind", ["0.0.0.0:80", "[::1]:5000", ":5000", "unix:/run/portal.sock"])
def test_every_kind_of_address_can_be_bound(environ, bind):
    assert Config.from_environment({**environ, "PORTAL_BIND": bind}).bind == bind


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match=r"The data folder .*/file/data cannot be used: Not a"):
        Config.from_environment({"PORTAL_DATA_DIR": str(tmp_path / "file" / "data")})


def test_secrets_never_show(environ):
    canaries = {
        "PORTAL_SECRET_KEY": "canary-secret",
        "PORTAL_ENCRYPTION_KEYS": KEY,
        "PORTAL_DATABASE_URL": "postgresql://portal:canary-database@db/portal",
    }

    shown = repr(Config.from_environment({**environ, **canaries}))

    assert "canary" not in shown
    assert KEY not in shown


def test_a_refused_url_does_not_show_its_password(environ):
    with pytest.raises(ConfigError) as refusal:
        Config.from_environment({**environ, "PORTAL_DATABASE_URL": "mysql://portal:canary@db/x"})

    assert "canary" not in str(refusal.value)
