"""A bounded pool of threads: calls wait here for the phone system, not where pages are made."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore

import structlog

from portal.errors import N_, BusyError

log = structlog.get_logger()


class Dispatcher:
    """Runs jobs in at most ``workers`` threads while at most ``room`` more jobs wait.

    No thread is started before the first job, so that the process can fork until then.
    """

    def __init__(self, workers: int, room: int) -> None:
        self._places = BoundedSemaphore(workers + room)
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="dial")

    def submit(self, job: Callable[[], None]) -> None:
        """Run a job soon. Raises BusyError when too many wait already."""
        if not self._places.acquire(blocking=False):
            raise BusyError("busy", N_("The portal is busy with other calls. Nothing was sent."))
        self._executor.submit(job).add_done_callback(self._done)

    def close(self) -> None:
        """Forget the jobs that wait and let those that run come to their end."""
        self._executor.shutdown(cancel_futures=True)

    def _done(self, future: Future[None]) -> None:
        self._places.release()
        if not future.cancelled() and (error := future.exception()):
            # Only the kind: the messages of foreign errors may hold a URL with secrets.
            log.error("dial job failed", error=type(error).__name__)
