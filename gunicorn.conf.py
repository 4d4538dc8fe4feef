"""gunicorn: threads for people who wait, nothing opened or started before the fork."""

from portal import logs
from portal.config import Config
from portal.errors import ConfigError

try:
    bind = Config.from_environment().bind
except ConfigError as error:
    raise SystemExit(str(error)) from None

worker_class = "gthread"
threads = 16
graceful_timeout = 20
control_socket_disable = True
forwarded_allow_ips = ""  # PORTAL_TRUSTED_PROXIES alone decides whom to believe
logconfig_dict = logs.for_server()
