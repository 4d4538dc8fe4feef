"""gunicorn: threads for people who wait, nothing opened or started before the fork."""

from gunicorn.workers.base import Worker

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


def post_worker_init(worker: Worker) -> None:
    """Let each worker look now and then whether something is to be deleted; one of them does it."""
    from portal import retention  # noqa: PLC0415 - only workers need the database

    retention.keep_watch(worker.wsgi)
